"""Which group tasks still wait for their rep, and when to ask the platform about them again.

The platform calls nobody back when a rep confirms a mass message: it must be asked.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.delivery.models import Dispatch, Receipt, Way

GIVE_UP = timedelta(days=7)
SHORTEST, LONGEST = timedelta(minutes=1), timedelta(hours=1)


def awaiting_receipt(session: Session, now: datetime, limit: int = 50) -> Sequence[Dispatch]:
    """Group tasks to ask about now."""
    return session.scalars(
        select(Dispatch).where(Dispatch.check_at <= now).order_by(Dispatch.check_at).limit(limit)
    ).all()


def not_got(session: Session, rep_id: int, since: datetime) -> Sequence[Dispatch]:
    """Campaigns' group tasks of a rep that were confirmed since then, and did not reach physicians
    who may get no more of them for now."""
    return session.scalars(
        select(Dispatch)
        .where(
            Dispatch.rep_id == rep_id, Dispatch.way == Way.GROUP_TASK,
            Dispatch.receipt == Receipt.OVER_QUOTA, Dispatch.receipt_at > since,
            Dispatch.suggestion_id.is_(None),
        )
        .order_by(Dispatch.id)
    ).all()  # fmt: skip


def checked(session: Session, dispatch: Dispatch, now: datetime) -> None:
    """Nothing new: ask again later, more and more rarely, for a week."""
    age = now - (dispatch.sent_at or now)
    wait = min(max(age / 5, SHORTEST), LONGEST)
    dispatch.check_at = None if age > GIVE_UP else now + wait
    session.flush()
