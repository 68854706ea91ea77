"""A relation ended: stop everything that would go through this rep."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from app import delivery, identity, journey, reps, tagging
from app.connectors.errors import NotAFriend, PersonGone
from app.connectors.wecom.types import Customer
from app.facts import ContactRemoved
from app.flows import Outside, Received
from app.identity import Id, Kind
from app.journey import Happened
from app.reps import RelationState
from app.tagging import Source

HANDLES = ContactRemoved


def prepare(fact: ContactRemoved, outside: Outside) -> Customer | None:
    """The contact as it is now: the two may have been connected again meanwhile."""
    try:
        return outside.wecom[fact.corp_id].get_customer(fact.external_userid)
    except (NotAFriend, PersonGone):
        return None


def apply(
    session: Session,
    fact: ContactRemoved,
    customer: Customer | None,
    event: Received,
    now: datetime,
) -> None:
    """Close the relation; identity, history and the other reps' relations stay."""
    one = Id(Kind.WECOM_EXTERNAL_USERID, fact.corp_id, fact.external_userid)
    row = identity.find(session, one)
    if row is None:
        return
    rep = reps.ensure_rep(session, fact.corp_id, fact.rep_userid, now=now)
    journey.note(
        session, row.id, Happened.CONTACT_REMOVED, channel="wecom", at=fact.at, ref=event.ref,
        rep_id=rep.id, detail={"by": fact.by},
    )  # fmt: skip
    if fact.by == "rep" and _connected_again(fact, customer):
        return
    state = RelationState.REMOVED_BY_REP
    if fact.by == "physician":
        state = RelationState.REMOVED_BY_PHYSICIAN
    if reps.disconnect(session, rep, row, state, fact.at):
        tagging.replace_from_source(
            session, row.id, source=Source.WECOM_TAG, scope=f"wecom:{rep.userid}",
            wanted={}, at=now,
        )  # fmt: skip
        delivery.cancel_for(session, "代表与医生已不是好友", identifier_ids=[row.id])


def _connected_again(fact: ContactRemoved, customer: Customer | None) -> bool:
    sides = customer.followers if customer else ()
    return any(s.userid == fact.rep_userid and s.added_at > fact.at for s in sides)
