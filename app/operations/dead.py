"""Why events were parked; putting those of one reason back to work, or giving them up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app import inbox
from app.inbox import InboxEvent, State

LOOKED_AT = 10_000
CHUNK = 1_000


@dataclass(frozen=True, slots=True)
class DeadReason:
    """A reason, how many events it has parked, and when the newest of them arrived."""

    error: str
    number: int
    newest: datetime
    example: int  # the id of the newest one


def dead_reasons(session: Session, limit: int = 10) -> Sequence[DeadReason]:
    """The reasons among the newest parked events, the most frequent first."""
    newest = (
        select(InboxEvent.id, InboxEvent.error, InboxEvent.received_at)
        .where(InboxEvent.state == State.DEAD)
        .limit(LOOKED_AT)
        .subquery()
    )
    number = func.count()
    rows = session.execute(
        select(
            newest.c.error,
            number.label("number"),
            func.max(newest.c.received_at).label("newest"),
            func.max(newest.c.id).label("example"),
        )
        .group_by(newest.c.error)
        .order_by(number.desc(), newest.c.error)
        .limit(limit)
    )
    return [DeadReason(row.error, row.number, row.newest, row.example) for row in rows]


def replay_dead(session: Session, error: str, now: datetime) -> int:
    """Put the parked events of one reason back to work; returns how many."""
    return sum(
        inbox.replay(session, now, ids=some, state=State.DEAD) for some in _of(session, error)
    )


def drop_dead(session: Session, error: str, why: str, now: datetime) -> int:
    """Give up the parked events of one reason; returns how many. Raises Refused without `why`."""
    return sum(
        inbox.drop(session, now, why, ids=some, state=State.DEAD) for some in _of(session, error)
    )


def _of(session: Session, error: str) -> list[Sequence[int]]:
    ids = session.scalars(
        select(InboxEvent.id)
        .where(InboxEvent.state == State.DEAD, InboxEvent.error == error)
        .order_by(InboxEvent.id)
        .limit(LOOKED_AT)
    ).all()
    return [ids[start : start + CHUNK] for start in range(0, len(ids), CHUNK)]
