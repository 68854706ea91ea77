"""A WeCom contact as the platform shows it now: identifiers, attributes, relations, tags.

Called by every event about the contact. The event's own fields are never applied as state:
callbacks come late and out of order, so the contact is read again and brought up to date.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime

from sqlalchemy.orm import Session

from app import completeness, identity, reps, tagging
from app.completeness import Difference, What
from app.connectors.errors import NotAFriend
from app.connectors.wecom.types import CorpTag, Customer, Follower
from app.facts import ContactAdded, ContactRemoved, RelationFact
from app.flows import Outside
from app.flows.completeness.reconcile_tell import write
from app.identity import AnIdentifier, Id, Kind, Known
from app.reps import RelationState, Rep
from app.tagging import Source

UNION_TRUST, PHONE_TRUST, NAME_TRUST, REMARK_TRUST = 90, 40, 20, 15
SOURCE, REMARK = "wecom.contact", "wecom.remark"
PERSONAL_TAG = 2  # a rep's own: read, never written
ENDED = (RelationState.REMOVED_BY_REP, RelationState.REMOVED_BY_PHYSICIAN)


def read_contact(fact: RelationFact, outside: Outside) -> Customer | None:
    """The contact as it is now; None when nobody is connected with it both ways (84061).

    Any other refusal is raised: a licence that has run out or a scope that is set wrongly ends no
    relation, and the event waits for a person.
    """
    try:
        return outside.wecom[fact.corp_id].get_customer(fact.external_userid)
    except NotAFriend:
        return None


def know_contact(session: Session, fact: RelationFact, ref: str, now: datetime) -> Known:
    """The contact's identifier, known by nothing but its id."""
    one = Id(Kind.WECOM_EXTERNAL_USERID, fact.corp_id, fact.external_userid)
    (row,) = identity.recognise(
        session, [one], event_key=ref, source="wecom.event", at=fact.at, now=now
    )
    return row


def sync_contact(
    session: Session,
    fact: RelationFact,
    customer: Customer | None,
    *,
    ref: str,
    now: datetime,
    asked_after: datetime | None = None,
) -> Known:
    """Bring everything we know through this contact up to date; returns its identifier.

    `asked_after`: the platform was asked later than this; else it is known for the fact only.
    """
    if customer is None:
        row = know_contact(session, fact, ref, now)
        _close_unlisted(session, fact, row, (), now)
        return row
    contact = Id(Kind.WECOM_EXTERNAL_USERID, fact.corp_id, customer.external_userid)
    unionid = identity.make_id(Kind.UNIONID, customer.unionid) if customer.unionid else None
    row = identity.recognise(
        session, [contact, unionid] if unionid else [contact], event_key=ref, source=SOURCE,
        kind="api_assert", trust=UNION_TRUST, at=fact.at, now=now,
    )[0]  # fmt: skip
    row = _link_phones(session, contact, customer, ref, fact.at, now) or row
    _describe(session, row, customer, now)
    after = asked_after or fact.at
    seen = [
        _sync_side(session, fact, row, customer, side, after, now) for side in customer.followers
    ]
    _close_unlisted(session, fact, row, {rep.id for rep in seen}, now)
    return row


def drop_tags_of(session: Session, row: AnIdentifier, rep: Rep, now: datetime) -> None:
    """What this rep tagged counts no more."""
    for source in (Source.WECOM_TAG, Source.WECOM_PERSONAL):
        tagging.take_names(
            session, row.id, source=source, scope=f"rep:{rep.id}", names={}, at=now, now=now
        )


def _link_phones(
    session: Session, contact: Id, customer: Customer, ref: str, at: datetime, now: datetime
) -> Known | None:
    """The contact as its phones leave it; None without any."""
    row = None
    for side in customer.followers:
        for text in side.phones:
            phone = identity.make_id(Kind.PHONE, text)
            if phone:
                row = identity.recognise(
                    session, [contact, phone], event_key=ref, source=SOURCE,
                    trust=PHONE_TRUST, at=at, now=now, name=_real_name(customer, side),
                )[0]  # fmt: skip
    return row


def _real_name(customer: Customer, side: Follower) -> str:
    """WeCom shows the real name of a colleague at another company, and of a WeChat user whatever
    they call themselves: there only what a rep typed with hospital or title is a name."""
    return reps.name_in(side.remark) if customer.is_wechat else customer.name


def _describe(session: Session, row: AnIdentifier, customer: Customer, now: datetime) -> None:
    said = {"name": customer.name, "title": customer.position, "hospital": customer.corp_name}
    identity.describe(session, row, said, source=SOURCE, trust=NAME_TRUST, at=now, now=now)
    notes = [text for side in customer.followers for text in (side.remark, side.description)]
    typed = reps.attributes_in(*notes)
    if typed:
        identity.describe(session, row, typed, source=REMARK, trust=REMARK_TRUST, at=now, now=now)


def _sync_side(
    session: Session,
    fact: RelationFact,
    row: AnIdentifier,
    customer: Customer,
    side: Follower,
    asked_after: datetime,
    now: datetime,
) -> Rep:
    rep = reps.ensure_rep(session, fact.corp_id, side.userid, now=now)
    before = reps.find_contact(session, rep.id, row.id)
    begins = before is None or before.state in ENDED
    present = {tag.tag_id for tag in side.tags if tag.kind != PERSONAL_TAG}
    read = tagging.SideRead()
    if before is not None and begins:
        tagging.forget_side(session, before.id)  # with the relation all its tags were gone
    elif before is not None:
        read = tagging.read_side(session, fact.corp_id, before.id, present, asked_after, now)
    relation = reps.connect(
        session, rep, row, since=side.added_at, now=now, remark=side.remark,
        add_way=side.add_way, channel_state=side.state,
        mark=completeness.mark_of(customer, side, without=read.echoes), known=before,
    )  # fmt: skip
    if begins and relation.state == RelationState.CONNECTED and not _tells(fact, ContactAdded, rep):
        news = Difference(What.ADDED, side.added_at, rep.userid, fact.external_userid, side.state)
        write(session, fact.corp_id, [news], now)
    if begins:
        tagging.read_side(session, fact.corp_id, relation.id, present, asked_after, now)
    if read.again and asked_after < now:
        news = Difference(What.EDITED, side.added_at, rep.userid, fact.external_userid, side.state)
        write(session, fact.corp_id, [news], now)
    connected = relation.state == RelationState.CONNECTED
    _take_tags(session, row, rep, side.tags if connected else (), read.echoes, now)
    return rep


def _take_tags(
    session: Session,
    row: AnIdentifier,
    rep: Rep,
    tags: Iterable[CorpTag],
    echoes: Collection[str],
    now: datetime,
) -> None:
    """What the rep says of the contact by tags; not those that we have set ourselves."""
    scope, names, personal = f"rep:{rep.id}", {}, {}
    for tag in tags:
        if tag.kind == PERSONAL_TAG:
            personal[tag.name] = f"企微个人标签「{tag.name}」 · {rep.name}"
        elif tag.tag_id not in echoes:
            group = f"{tag.group} / " if tag.group else ""
            names[tag.name] = f"企微标签「{group}{tag.name}」 · {rep.name}"
    tagging.take_names(
        session, row.id, source=Source.WECOM_TAG, scope=scope, names=names, at=now, now=now
    )
    own = Source.WECOM_PERSONAL
    if personal or tagging.has_names_of(session, row.id, own, scope):
        tagging.take_names(
            session, row.id, source=own, scope=scope, names=personal, at=now, now=now
        )


def _close_unlisted(
    session: Session,
    fact: RelationFact,
    row: AnIdentifier,
    listed: Collection[int],
    now: datetime,
) -> None:
    for rep in reps.close_missing(session, fact.corp_id, row, listed, now):
        drop_tags_of(session, row, rep, now)
        relation = reps.find_contact(session, rep.id, row.id)
        if relation is not None and not _tells(fact, ContactRemoved, rep):
            news = Difference(What.REMOVED, relation.since, rep.userid, fact.external_userid)
            write(session, fact.corp_id, [news], now)


def _tells(fact: RelationFact, kind: type[RelationFact], rep: Rep) -> bool:
    """Whether the event at work is itself the news about this rep; else it is told as one more."""
    return isinstance(fact, kind) and fact.rep_userid.lower() == rep.userid
