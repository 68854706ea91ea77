"""A rep changed remark, phone or tags, or a hand-over failed: read the contact again."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from app.connectors.wecom.types import Customer
from app.facts import ContactEdited, ContactTransferFailed
from app.flows import Outside, Received
from app.flows.contacts.sync_contact import read_contact, sync_contact

HANDLES = (ContactEdited, ContactTransferFailed)


def prepare(fact: ContactEdited | ContactTransferFailed, outside: Outside) -> Customer | None:
    """The contact as it is now; None when there is no relation any more."""
    return read_contact(fact, outside)


def apply(
    session: Session,
    fact: ContactEdited | ContactTransferFailed,
    customer: Customer | None,
    event: Received,
    now: datetime,
) -> None:
    """Upsert, or close the relations that the platform no longer knows."""
    sync_contact(session, fact, customer, ref=event.ref, now=now, asked_after=event.received_at)
