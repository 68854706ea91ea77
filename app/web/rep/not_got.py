"""Who did not get a push's group task that the rep has confirmed: the rep may send it by hand."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from app import content, delivery, identity, reps
from app.delivery import Dispatch
from app.flows.history import have_it_already
from app.identity import Identifier, Physician
from app.reps import Rep

LATELY = timedelta(days=3)


@dataclass(frozen=True, slots=True)
class NotGot:
    """A physician without a content that may still be sent; `beside`: the contact's id, for the
    sidebar."""

    person: Physician
    title: str
    beside: str


def not_got(session: Session, rep: Rep, now: datetime) -> list[NotGot]:
    """Of the rep's own physicians, as long as they have not got it in another way."""
    found = (
        _one(session, rep, row, now) for row in delivery.not_got(session, rep.id, now - LATELY)
    )
    return [one for one in found if one is not None]


def _one(session: Session, rep: Rep, row: Dispatch, now: datetime) -> NotGot | None:
    contact = session.get(Identifier, row.identifier_id) if row.identifier_id else None
    if contact is None or row.content_version_id is None:
        return None
    version = content.get_version(session, row.content_version_id)
    if content.problem(session, version, now):
        return None
    if not reps.may_see(session, rep.id, contact.one_id) or have_it_already(
        session, [contact.one_id], version.content_id, now
    ):
        return None
    return NotGot(identity.get_physician(session, contact.one_id), version.title, contact.value)
