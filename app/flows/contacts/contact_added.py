"""A rep and a physician are connected: who is it, how did they come, and a welcome in 20 s."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from xml.sax.saxutils import escape

from sqlalchemy.orm import Session

from app import consent, delivery, inbox, links, reps, tagging
from app.connectors.wecom.types import Customer, Follower
from app.consent import Action
from app.delivery import Way
from app.facts import ContactAdded, RelationFact
from app.flows import Outside, Received
from app.flows.completeness.reconcile_note import note_once
from app.flows.contacts.sync_contact import know_contact, read_contact, sync_contact
from app.identity import AnIdentifier
from app.journey import Happened
from app.links import ChannelCode
from app.reps import Rep
from app.tagging import Source

HANDLES = ContactAdded
WELCOME_S = 20
WELCOME = "您好，很高兴认识您。需要文献或资料时，随时告诉我。回复“退订”可以停止接收推送。"
READ_AGAIN = (
    "<xml><FromUserName>sys</FromUserName><CreateTime>{at}</CreateTime><MsgType>event</MsgType>"
    "<Event>change_external_contact</Event><ChangeType>edit_external_contact</ChangeType>"
    "<UserID>{rep}</UserID><ExternalUserID>{contact}</ExternalUserID><After>{after}</After></xml>"
)


@dataclass(frozen=True, slots=True)
class Reading:
    """The contact as the platform shows it; not read at all when a welcome must go out first."""

    was_read: bool
    customer: Customer | None = None


def prepare(fact: ContactAdded, outside: Outside) -> Reading:
    """The contact as it is now, unless that could make the welcome late."""
    if fact.welcome_code:
        return Reading(was_read=False)
    return Reading(was_read=True, customer=read_contact(fact, outside))


def apply(
    session: Session, fact: ContactAdded, reading: Reading, event: Received, now: datetime
) -> None:
    """Link, connect, tag by channel, note the permission, welcome."""
    if reading.was_read:
        row = sync_contact(
            session, fact, reading.customer, ref=event.ref, now=now, asked_after=event.received_at
        )
    else:
        row = know_contact(session, fact, event.ref, now)
        _read_next(session, fact, event, now)
    if fact.pulled:
        side = _side_of(fact, reading)
        if side is None:
            return  # they are not connected any more
        fact = replace(fact, at=side.added_at, state=fact.state or side.state)
    rep = reps.ensure_rep(session, fact.corp_id, fact.rep_userid, now=now)
    reps.note_added(
        session, rep, row, at=fact.at, state=fact.state, now=now,
        one_sided=fact.one_sided or (reading.was_read and reading.customer is None),
    )  # fmt: skip
    code = links.find_code(session, "wecom", fact.state)
    noted = note_once(
        session, row.id, Happened.CONTACT_ADDED, fact, channel="wecom", at=fact.at, ref=event.ref,
        rep_id=rep.id, detail={"channel": code.name} if code else None,
    )  # fmt: skip
    assert_channel_tags(session, row.id, code, ref=noted.ref, at=fact.at)
    if noted.fresh:
        consent.record(
            session, row.id, action=Action.GRANT, source="added_rep", channel="wecom",
            evidence=event.ref, at=fact.at,
        )  # fmt: skip
    if fact.welcome_code:
        welcome(session, fact, fact.welcome_code, rep, row, code, now)


def _side_of(fact: ContactAdded, reading: Reading) -> Follower | None:
    sides = reading.customer.followers if reading.customer else ()
    return next((side for side in sides if side.userid == fact.rep_userid), None)


def assert_channel_tags(
    session: Session, identifier_id: int, code: ChannelCode | None, *, ref: str, at: datetime
) -> None:
    """What the QR code says about who comes through it."""
    for key in code.tag_keys if code else ():
        tag = tagging.by_key(session, key)
        if tag is not None and code is not None:
            tagging.assert_tag(
                session, identifier_id, tag.id, source=Source.CHANNEL, ref=ref,
                evidence=f"渠道二维码「{code.name}」", at=at,
            )  # fmt: skip


def _read_next(session: Session, fact: ContactAdded, event: Received, now: datetime) -> None:
    """The contact is read in the next turn of its queue, by an event of our own."""
    body = READ_AGAIN.format(
        at=int(fact.at.timestamp()), rep=escape(fact.rep_userid),
        contact=escape(fact.external_userid), after=f"{event.id} {now.isoformat()}",
    )  # fmt: skip
    inbox.append(
        session, source="wecom", receiver=fact.corp_id, body=body.encode(),
        event_type="change_external_contact/read_again",
        partition=f"contact:{fact.external_userid}", occurred_at=fact.at, urgent=False, now=now,
    )  # fmt: skip


def welcome(
    session: Session,
    fact: RelationFact,
    welcome_code: str,
    rep: Rep,
    row: AnIdentifier,
    code: ChannelCode | None,
    now: datetime,
) -> None:
    """Greet a contact while the platform allows it, in the words of the QR code if it has any."""
    text = code.welcome_text if code and code.welcome_text else WELCOME
    delivery.queue(
        session, way=Way.WELCOME, dedupe_key=f"welcome:{welcome_code}",
        payload={"corp_id": fact.corp_id, "code": welcome_code, "text": text},
        rep_id=rep.id, identifier_id=row.id, now=now,
        not_after=fact.at + timedelta(seconds=WELCOME_S),
    )  # fmt: skip
