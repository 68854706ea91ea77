"""A WeCom contact as the platform shows it now: identifiers, attributes, relations, tags.

Called by every event about the contact. The event's own fields are never applied as state:
callbacks come late and out of order, so the contact is read again and brought up to date.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from app import identity, reps, tagging
from app.connectors.wecom.types import Customer, Follower
from app.identity import Id, Identifier, Kind
from app.reps import RelationState, Rep, RepContact
from app.tagging import Source

UNION_TRUST, PHONE_TRUST, NAME_TRUST = 90, 40, 20
SOURCE = "wecom.contact"


def sync_contact(
    session: Session, corp_id: str, customer: Customer, *, ref: str, at: datetime, now: datetime
) -> Identifier:
    """Bring everything we know through this contact up to date; returns its identifier."""
    contact = Id(Kind.WECOM_EXTERNAL_USERID, corp_id, customer.external_userid)
    ids = [contact]
    unionid = identity.make_id(Kind.UNIONID, customer.unionid) if customer.unionid else None
    if unionid:
        ids.append(unionid)
    row = identity.observe(
        session, ids, event_key=ref, source=SOURCE, kind="api_assert", trust=UNION_TRUST,
        at=at, now=now,
    )[0]  # fmt: skip
    _link_phones(session, contact, customer, ref, at, now)
    described = {"name": customer.name, "title": customer.position, "hospital": customer.corp_name}
    identity.describe(session, row, described, source=SOURCE, trust=NAME_TRUST, at=at, now=now)
    seen = [_sync_side(session, corp_id, row, side, now) for side in customer.followers]
    _close_missing(session, corp_id, row, {rep.id for rep in seen}, now)
    return row


def _link_phones(
    session: Session, contact: Id, customer: Customer, ref: str, at: datetime, now: datetime
) -> None:
    for side in customer.followers:
        for text in side.phones:
            phone = identity.make_id(Kind.PHONE, text)
            if phone:
                identity.observe(
                    session, [contact, phone], event_key=ref, source=SOURCE,
                    trust=PHONE_TRUST, at=at, now=now,
                )  # fmt: skip


def _sync_side(
    session: Session, corp_id: str, row: Identifier, side: Follower, now: datetime
) -> Rep:
    rep = reps.ensure_rep(session, corp_id, side.userid, now=now)
    reps.connect(
        session, rep, row, since=side.added_at, now=now, remark=side.remark,
        add_way=side.add_way, channel_state=side.state,
    )  # fmt: skip
    wanted: dict[int, str] = {}
    for corp_tag in side.tags:
        tag = tagging.map_name(session, Source.WECOM_TAG, corp_tag.name, now)
        if tag is not None:
            group = f"{corp_tag.group} / " if corp_tag.group else ""
            wanted[tag.id] = f"企微标签「{group}{corp_tag.name}」，{rep.name} 标注"
    tagging.replace_from_source(
        session, row.id, source=Source.WECOM_TAG, scope=f"wecom:{side.userid}",
        wanted=wanted, at=now,
    )  # fmt: skip
    return rep


def _close_missing(
    session: Session, corp_id: str, row: Identifier, rep_ids: set[int], now: datetime
) -> None:
    relations = session.execute(
        select(RepContact, Rep)
        .join(Rep, Rep.id == RepContact.rep_id)
        .where(
            RepContact.identifier_id == row.id,
            RepContact.state.in_((RelationState.CONNECTED, RelationState.ONE_SIDED)),
            Rep.corp_id == corp_id,
        )
    )
    for contact, rep in relations:
        if rep.id not in rep_ids:
            contact.state, contact.until = RelationState.REMOVED_BY_REP, now
            tagging.replace_from_source(
                session, row.id, source=Source.WECOM_TAG, scope=f"wecom:{rep.userid}",
                wanted={}, at=now,
            )  # fmt: skip
    session.flush()
