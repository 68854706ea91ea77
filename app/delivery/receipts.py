"""Which group tasks still wait for their rep, and when to ask the platform about them again.

The platform calls nobody back when a rep confirms a mass message: it must be asked.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, and_, or_, select, update
from sqlalchemy.orm import Session

from app.delivery.models import Dispatch, Receipt, State, Way

GIVE_UP, TRY_ON = timedelta(days=7), timedelta(days=1)
SHORTEST, LONGEST = timedelta(minutes=1), timedelta(hours=1)


def awaiting_receipt(session: Session, now: datetime, limit: int = 50) -> Sequence[Dispatch]:
    """Group tasks to ask about now."""
    return session.scalars(
        select(Dispatch).where(Dispatch.check_at <= now).order_by(Dispatch.check_at).limit(limit)
    ).all()


def ask_again(session: Session, now: datetime, *which: ColumnElement[bool]) -> None:
    """Ask at once about those of these group tasks of which nobody knows whether the rep has
    confirmed them: what is not confirmed may have to be taken back. One that only a person says was
    sent has no number to ask about."""
    waits = (Dispatch.state == State.SENT, Dispatch.receipt.is_(None), Dispatch.provider_id != "")
    chosen = update(Dispatch).where(Dispatch.way == Way.GROUP_TASK, *waits, *which)
    session.execute(chosen.values(check_at=now))


def take_back_task(session: Session, dispatch: Dispatch, why: str) -> None:
    """The platform has stopped it before the rep has confirmed it: it was no contact."""
    dispatch.state, dispatch.error, dispatch.check_at = State.CANCELLED, why, None
    session.flush()


def not_got(session: Session, rep_id: int, since: datetime) -> Sequence[Dispatch]:
    """Campaigns' group tasks of a rep that the platform has refused since then, or the rep has
    confirmed for physicians who may get no more of them for now."""
    refused = and_(Dispatch.state == State.FAILED, Dispatch.first_attempt_at > since)
    over_quota = and_(Dispatch.receipt == Receipt.OVER_QUOTA, Dispatch.receipt_at > since)
    return session.scalars(
        select(Dispatch)
        .where(
            Dispatch.rep_id == rep_id, Dispatch.way == Way.GROUP_TASK, or_(refused, over_quota),
            Dispatch.suggestion_id.is_(None),
        )
        .order_by(Dispatch.id)
    ).all()  # fmt: skip


def is_late(dispatch: Dispatch, now: datetime) -> bool:
    """Has its rep had a week to confirm it?"""
    return now - (dispatch.sent_at or now) > GIVE_UP


def checked(session: Session, dispatch: Dispatch, now: datetime) -> None:
    """Nothing new: ask again later, more and more rarely, for a week, and another day in which it
    is to be taken back: the platform may not answer at once."""
    age = now - (dispatch.sent_at or now)
    wait = min(max(age / 5, SHORTEST), LONGEST)
    dispatch.check_at = None if age > GIVE_UP + TRY_ON else now + wait
    session.flush()
