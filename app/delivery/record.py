"""Recording what became of messages that were claimed.

Whoever records names the turn in which the message was claimed. Each claim and each decision of a
person begins another turn, so that a late worker overwrites nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from zlib import crc32

from sqlalchemy import and_, bindparam, or_, select, tuple_, update
from sqlalchemy.orm import Session

from app.delivery.channels import Delivered
from app.delivery.models import Dispatch, Receipt, State, Way
from app.delivery.outcome import Outcome, Tried, may_repeat, outcome_of, unknown
from app.infra.direct import Direct

FIRST_CHECK_S = 60  # a rep needs a moment to confirm a group task

LEASE = timedelta(seconds=3.5)  # renewed every second while its call is under way
SKEW = timedelta(minutes=1)
OPEN = (State.SENDING, State.UNKNOWN, State.QUEUED)  # an answer of the same turn still counts


_EXPIRED = and_(
    Dispatch.state == State.SENDING,
    or_(Dispatch.lease_until < bindparam("now"), Dispatch.lease_until > bindparam("longest")),
)
_LEFT = Direct(select(Dispatch.id).where(_EXPIRED).limit(1), int)
_AWAITING = (
    select(Dispatch)
    .where(Dispatch.id.in_(bindparam("ids", expanding=True)), Dispatch.state.in_(OPEN))
    .order_by(Dispatch.id)
    .with_for_update()
)


def awaiting(session: Session, turns: Mapping[int, int]) -> dict[int, Dispatch]:
    """Those messages (id → turn), locked, whose turn's answer may be recorded; not the too late."""
    rows = session.scalars(_AWAITING, {"ids": sorted(turns)})
    return {row.id: row for row in rows if row.turn == turns[row.id] and not _put_back(row)}


def record(dispatch: Dispatch, answer: Delivered | Exception, now: datetime) -> Outcome:
    """Write down the platform's answer to a claimed message."""
    outcome = outcome_of(_tried(dispatch, now), answer, now)
    _apply(dispatch, outcome, now)
    return outcome


def extend_leases(session: Session, held: Collection[tuple[int, int]], now: datetime) -> None:
    """Calls of these (message, turn) are still under way."""
    session.execute(
        update(Dispatch)
        .where(Dispatch.state == State.SENDING, tuple_(Dispatch.id, Dispatch.turn).in_(list(held)))
        .values(lease_until=now + LEASE)
        .execution_options(synchronize_session=False)
    )


def expire_leases(session: Session, now: datetime) -> list[Dispatch]:
    """Messages whose worker died in the middle: nobody knows what became of them.

    A lease that ends later than any could was given before the clock was set back.
    """
    left = select(Dispatch).where(_EXPIRED).with_for_update(skip_locked=True)
    rows = session.scalars(left, _over(now)).all()
    for row in rows:
        _apply(row, unknown(_tried(row, now), "发送过程中断，结果未知", now), now)
    session.flush()
    return list(rows)


def has_expired(session: Session, now: datetime) -> bool:
    """Did a worker die in the middle?"""
    return _LEFT.first(session, _over(now)) is not None


def _over(now: datetime) -> dict[str, datetime]:
    return {"now": now, "longest": now + LEASE + SKEW}


def repeatable(dispatch: Dispatch, now: datetime) -> bool:
    """False for what may have arrived and could arrive twice: only a person may send it again."""
    return may_repeat(_tried(dispatch, now), now)


def hold_tried(session: Session, task_id: str) -> Dispatch | None:
    """The card with this task id, locked, if its sending has begun. Asked before its suggestion is
    locked: whoever records has the message first."""
    tried = or_(Dispatch.state != State.QUEUED, Dispatch.maybe_sent.is_(True))
    card = select(Dispatch).where(Dispatch.task_id == task_id, tried).with_for_update()
    return session.scalar(card.execution_options(populate_existing=True))


def record_seen(session: Session, dispatch: Dispatch, now: datetime) -> bool:
    """Somebody answered this message, so it has arrived; True when nobody knew."""
    waiting = dispatch.state == State.QUEUED and dispatch.maybe_sent
    if not waiting and dispatch.state not in (State.UNKNOWN, State.SENDING):
        return False
    dispatch.turn += 1
    _apply(dispatch, Outcome(State.SENT), now)
    session.flush()
    return True


def record_failed(
    session: Session, dispatch: Dispatch, error: str, errcode: int | None = None
) -> None:
    """The platform said later that it did not arrive."""
    _apply(dispatch, Outcome(State.FAILED, error, errcode), dispatch.created_at)
    session.flush()


def record_receipt(session: Session, dispatch: Dispatch, receipt: Receipt, at: datetime) -> None:
    """What became of a group task; one that did not reach the physician was no contact."""
    dispatch.receipt, dispatch.receipt_at, dispatch.check_at = receipt, at, None
    if receipt is not Receipt.FORWARDED:
        dispatch.counts_as_contact = False
    session.flush()


def _put_back(dispatch: Dispatch) -> bool:
    """Queued and surely not sent: its answer has been written down already."""
    return dispatch.state == State.QUEUED and not dispatch.maybe_sent


def uncount(dispatch: Dispatch) -> None:
    """The last attempt was the platform's fault and not this message's."""
    dispatch.attempts = max(dispatch.attempts - 1, 0)
    if not dispatch.attempts and not dispatch.maybe_sent:
        dispatch.first_attempt_at = None


def _tried(dispatch: Dispatch, now: datetime) -> Tried:
    return Tried(
        Way(dispatch.way), dispatch.attempts, dispatch.maybe_sent,
        dispatch.first_attempt_at or now, dispatch.not_after,
        crc32(f"{dispatch.id}:{dispatch.turn}".encode()) / 2**32,
    )  # fmt: skip


def _apply(dispatch: Dispatch, outcome: Outcome, now: datetime) -> None:
    dispatch.state, dispatch.lease_until = outcome.state, None
    dispatch.error, dispatch.errcode = outcome.error, outcome.errcode
    if outcome.again_at is not None:
        dispatch.not_before = outcome.again_at
    dispatch.maybe_sent = dispatch.maybe_sent or outcome.maybe_sent
    if not outcome.counted:
        uncount(dispatch)
    if outcome.state is State.SENT:
        dispatch.sent_at = now
        dispatch.provider_id = outcome.provider_id or dispatch.provider_id
        dispatch.response_code = outcome.response_code or dispatch.response_code
        if dispatch.way == Way.GROUP_TASK:
            dispatch.check_at = now + timedelta(seconds=FIRST_CHECK_S)
