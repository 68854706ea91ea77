"""A relation ended: stop everything that would go through this rep."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from app import recommend, reps
from app.connectors.wecom.types import Customer
from app.facts import ContactRemoved
from app.flows import Outside, Received
from app.flows.completeness.reconcile_note import note_once
from app.flows.contacts.sync_contact import drop_tags_of, read_contact, sync_contact
from app.flows.sending.stop_sending import stop_sending
from app.identity import AnIdentifier
from app.journey import Ending, Happened
from app.reps import RelationState, Rep

HANDLES = ContactRemoved


def prepare(fact: ContactRemoved, outside: Outside) -> Customer | None:
    """The contact as it is now: they may be connected again, or the contact was handed over."""
    return read_contact(fact, outside)


def apply(
    session: Session,
    fact: ContactRemoved,
    customer: Customer | None,
    event: Received,
    now: datetime,
) -> None:
    """Close the relation; identity, history and the other reps' relations stay."""
    row = sync_contact(
        session, fact, customer, ref=event.ref, now=now, asked_after=event.received_at
    )
    rep = reps.ensure_rep(session, fact.corp_id, fact.rep_userid, now=now)
    at = event.received_at if fact.pulled else fact.at  # a look knows only that it is over
    if fact.pulled and _is_connected(session, rep, row):
        return
    note_once(
        session, row.id, Happened.CONTACT_REMOVED, fact, channel="wecom", at=at, ref=event.ref,
        rep_id=rep.id, detail={"by": fact.by, "handed_over": fact.by_transfer},
        ends=Ending(Happened.CONTACT_ADDED, since=fact.at if fact.pulled else None),
    )  # fmt: skip
    state = RelationState.REMOVED_BY_REP
    if fact.by == "physician":
        state = RelationState.REMOVED_BY_PHYSICIAN
    reps.disconnect(session, rep, row, state, at)
    if not _is_connected(session, rep, row):
        drop_tags_of(session, row, rep, now)
        stop_sending(session, "代表与医生已不是好友", now, identifier_ids=[row.id], rep_id=rep.id)
        recommend.give_up(session, rep.id, [row.id])


def _is_connected(session: Session, rep: Rep, row: AnIdentifier) -> bool:
    relation = reps.find_contact(session, rep.id, row.id)
    return relation is not None and relation.state == RelationState.CONNECTED
