"""Forgetting what messages said: at once when they are over, else as soon as they are.

A message that is being sent, or that may have been sent and waits, still needs its payload; so does
one that is left to staff, until they have seen to it. It is marked, and whoever ends it need not
know of the mark: `erase_marked` looks for those that are over.
"""

from __future__ import annotations

from sqlalchemy import ColumnElement, or_, update
from sqlalchemy.orm import Session

from app.delivery.likely import NOBODY
from app.delivery.models import Dispatch, State

UNDER_WAY = or_(
    Dispatch.state.in_((State.QUEUED, State.SENDING)),
    (Dispatch.state == State.UNKNOWN) & (Dispatch.error == NOBODY),  # staff have not read it yet
)


def erase(session: Session, *conditions: ColumnElement[bool]) -> None:
    """Erase the payloads of these messages, now or when their outcome is known."""
    session.flush()
    session.execute(
        update(Dispatch)
        .where(*conditions, UNDER_WAY)
        .values(erase=True)
        .execution_options(synchronize_session=False)
    )
    _forget(session, *conditions, ~UNDER_WAY)


def erase_marked(session: Session) -> None:
    """Erase the payloads of marked messages that are over now."""
    _forget(session, *_marked_and_over())


def _marked_and_over() -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return Dispatch.erase.is_(True), ~UNDER_WAY


def _forget(session: Session, *conditions: ColumnElement[bool]) -> None:
    session.execute(update(Dispatch).where(*conditions).values(payload={}, erase=False))
