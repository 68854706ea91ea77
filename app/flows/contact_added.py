"""A rep and a physician are connected: who is it, how did they come, and a welcome in 20 s."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from app import consent, delivery, identity, inbox, journey, links, reps, tagging
from app.connectors.errors import NotAFriend, PersonGone
from app.connectors.wecom.types import Customer
from app.consent import Action
from app.delivery import Way
from app.facts import ContactAdded
from app.flows import Outside, Received
from app.flows.sync_contact import sync_contact
from app.identity import Id, Identifier, Kind
from app.infra.errors import Transient
from app.journey import Happened
from app.links import ChannelCode
from app.reps import Rep
from app.tagging import Source

HANDLES = ContactAdded
WELCOME_S = 20
WELCOME = "您好，很高兴认识您。需要文献或资料时，随时告诉我。回复“退订”可以停止接收推送。"
RESYNC = (
    "<xml><FromUserName>sys</FromUserName><CreateTime>{at}</CreateTime><MsgType>event</MsgType>"
    "<Event>change_external_contact</Event><ChangeType>edit_external_contact</ChangeType>"
    "<UserID>{rep}</UserID><ExternalUserID>{contact}</ExternalUserID></xml>"
)


def prepare(fact: ContactAdded, outside: Outside) -> Customer | None:
    """The contact as it is now; None when the platform cannot say, so the welcome is not late."""
    try:
        return outside.wecom[fact.corp_id].get_customer(fact.external_userid)
    except (NotAFriend, PersonGone):
        return None
    except Transient:
        if not fact.welcome_code:
            raise
        return None


def apply(
    session: Session, fact: ContactAdded, customer: Customer | None, event: Received, now: datetime
) -> None:
    """Link, connect, tag by channel, note the permission, welcome."""
    if customer is None:
        row = _know_by_id_only(session, fact, event, now)
    else:
        row = sync_contact(session, fact.corp_id, customer, ref=event.ref, at=fact.at, now=now)
    rep = reps.ensure_rep(session, fact.corp_id, fact.rep_userid, now=now)
    if fact.one_sided or customer is None:
        reps.connect(
            session, rep, row, since=fact.at, now=now, one_sided=fact.one_sided,
            channel_state=fact.state,
        )  # fmt: skip
    code = links.find_code(session, "wecom", fact.state)
    assert_channel_tags(session, row.id, code, ref=event.ref, at=fact.at)
    fresh = journey.note(
        session, row.id, Happened.CONTACT_ADDED, channel="wecom", at=fact.at, ref=event.ref,
        rep_id=rep.id, detail={"channel": code.name} if code else None,
    )  # fmt: skip
    if fresh:
        consent.record(
            session, row.id, action=Action.GRANT, source="added_rep", channel="wecom",
            evidence=event.ref, at=fact.at,
        )  # fmt: skip
    if fact.welcome_code:
        _welcome(session, fact, rep, row, code, now)


def assert_channel_tags(
    session: Session, identifier_id: int, code: ChannelCode | None, *, ref: str, at: datetime
) -> None:
    """What the QR code says about who comes through it."""
    for key in code.tag_keys if code else ():
        tag = tagging.by_key(session, key)
        if tag is not None and code is not None:
            tagging.assert_tag(
                session, identifier_id, tag.id, source=Source.CHANNEL, ref=ref,
                evidence=f"通过渠道「{code.name}」添加", at=at,
            )  # fmt: skip


def _know_by_id_only(
    session: Session, fact: ContactAdded, event: Received, now: datetime
) -> Identifier:
    one = Id(Kind.WECOM_EXTERNAL_USERID, fact.corp_id, fact.external_userid)
    (row,) = identity.observe(
        session, [one], event_key=event.ref, source="wecom.event", at=fact.at, now=now
    )
    body = RESYNC.format(
        at=int(fact.at.timestamp()), rep=fact.rep_userid, contact=fact.external_userid
    )
    inbox.append(
        session, source="wecom", receiver=fact.corp_id, body=body.encode(),
        event_type="change_external_contact/resync", partition=f"contact:{fact.external_userid}",
        occurred_at=fact.at, urgent=False, now=now,
    )  # fmt: skip
    return row


def _welcome(
    session: Session,
    fact: ContactAdded,
    rep: Rep,
    row: Identifier,
    code: ChannelCode | None,
    now: datetime,
) -> None:
    text = code.welcome_text if code and code.welcome_text else WELCOME
    delivery.queue(
        session, way=Way.WELCOME, dedupe_key=f"welcome:{fact.welcome_code}",
        payload={"corp_id": fact.corp_id, "code": fact.welcome_code, "text": text},
        rep_id=rep.id, identifier_id=row.id, now=now,
        not_after=fact.at + timedelta(seconds=WELCOME_S),
    )  # fmt: skip
