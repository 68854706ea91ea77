"""After the clock was set back: no message waits for a time that was never meant."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import and_, or_, select
from sqlalchemy.orm import Session

from app.delivery.models import Dispatch, State

SKEW = timedelta(minutes=1)  # hosts differ a little; more means that a clock was set back


def pull_back(session: Session, now: datetime) -> int:
    """Queued messages that were written or tried in what is the future now; returns how many.

    They keep their distances: what should wait an hour after it was written waits an hour from
    now. What may have arrived is left alone, since the platform's memory of it has its own time.
    """
    late = now + SKEW
    tried_late = and_(Dispatch.first_attempt_at > late, Dispatch.maybe_sent.is_(False))
    rows = session.scalars(
        select(Dispatch)
        .where(Dispatch.state == State.QUEUED, Dispatch.not_before > now)
        .where(or_(and_(Dispatch.created_at > late, Dispatch.maybe_sent.is_(False)), tried_late))
        .with_for_update(skip_locked=True)
    ).all()
    for row in rows:
        _shift(row, now)
    return len(rows)


def _shift(row: Dispatch, now: datetime) -> None:
    written_ahead = max(row.created_at - now, timedelta(0))
    tried_ahead = (row.first_attempt_at or now) - now
    row.not_before = max(now, row.not_before - max(written_ahead, tried_ahead))
    if row.not_after is not None:
        row.not_after -= written_ahead
    row.created_at -= written_ahead
    if row.first_attempt_at is not None:
        row.first_attempt_at = min(row.first_attempt_at, now)
