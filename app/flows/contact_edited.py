"""A rep changed remark, phone or tags: read the contact again."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from app import identity, reps
from app.connectors.errors import NotAFriend, PersonGone
from app.connectors.wecom.types import Customer
from app.facts import ContactEdited, ContactTransferFailed
from app.flows import Outside, Received
from app.flows.sync_contact import sync_contact
from app.identity import Id, Kind
from app.reps import RelationState

HANDLES = (ContactEdited, ContactTransferFailed)


def prepare(fact: ContactEdited | ContactTransferFailed, outside: Outside) -> Customer | None:
    """The contact as it is now; None when there is no relation any more."""
    try:
        return outside.wecom[fact.corp_id].get_customer(fact.external_userid)
    except (NotAFriend, PersonGone):
        return None


def apply(
    session: Session,
    fact: ContactEdited | ContactTransferFailed,
    customer: Customer | None,
    event: Received,
    now: datetime,
) -> None:
    """Upsert, or close the relation that the platform no longer knows."""
    if customer is not None:
        sync_contact(session, fact.corp_id, customer, ref=event.ref, at=fact.at, now=now)
        return
    one = Id(Kind.WECOM_EXTERNAL_USERID, fact.corp_id, fact.external_userid)
    row = identity.find(session, one)
    rep = reps.find_rep(session, fact.corp_id, fact.rep_userid)
    if row is not None and rep is not None:
        reps.disconnect(session, rep, row, RelationState.ONE_SIDED, now)
