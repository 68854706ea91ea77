"""Recording what became of messages that were claimed."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import or_, select, update
from sqlalchemy.orm import Session

from app.delivery.channels import Delivered
from app.delivery.models import Dispatch, Receipt, State, Way
from app.delivery.outbox import LEASE
from app.delivery.outcome import Outcome, Tried, outcome_of, unknown

FIRST_CHECK_S = 60  # a rep needs a moment to confirm a group task

SAME_API = ((Way.REP_CARD, Way.REP_TEXT),)


def record(
    session: Session, dispatch: Dispatch, answer: Delivered | Exception, now: datetime
) -> Outcome:
    """Write down the platform's answer to a claimed message."""
    outcome = outcome_of(_tried(dispatch, now), answer, now)
    _apply(session, dispatch, outcome, now)
    return outcome


def expire_leases(session: Session, now: datetime) -> list[Dispatch]:
    """Messages whose worker died in the middle: nobody knows what became of them."""
    rows = session.scalars(
        select(Dispatch)
        .where(Dispatch.state == State.SENDING)
        # Later than any lease: written before the clock was set back.
        .where(or_(Dispatch.lease_until < now, Dispatch.lease_until > now + 2 * LEASE))
        .with_for_update(skip_locked=True)
    ).all()
    for row in rows:
        _apply(session, row, unknown(_tried(row, now), "发送过程中断，结果未知", now), now)
    return list(rows)


def record_failed(
    session: Session, dispatch: Dispatch, error: str, errcode: int | None = None
) -> None:
    """The platform said later that it did not arrive."""
    _apply(session, dispatch, Outcome(State.FAILED, error, errcode), dispatch.created_at)


def record_receipt(session: Session, dispatch: Dispatch, receipt: Receipt, at: datetime) -> None:
    """What became of a group task; one that did not reach the physician was no contact."""
    dispatch.receipt, dispatch.receipt_at, dispatch.check_at = receipt, at, None
    if receipt is not Receipt.FORWARDED:
        dispatch.counts_as_contact = False
    session.flush()


def pause_way(session: Session, way: Way, until: datetime) -> int:
    """The quota of this way's API is used up: nothing that needs it is tried before `until`."""
    ways = next((group for group in SAME_API if way in group), (way,))
    done = session.execute(
        update(Dispatch)
        .where(Dispatch.state == State.QUEUED, Dispatch.way.in_(ways), Dispatch.not_before < until)
        .values(not_before=until)
        .execution_options(synchronize_session=False)
    )
    return int(done.rowcount)  # type: ignore[attr-defined]


def _tried(dispatch: Dispatch, now: datetime) -> Tried:
    return Tried(
        Way(dispatch.way), dispatch.attempts, dispatch.maybe_sent,
        dispatch.first_attempt_at or now, dispatch.not_after,
    )  # fmt: skip


def _apply(session: Session, dispatch: Dispatch, outcome: Outcome, now: datetime) -> None:
    dispatch.state, dispatch.lease_until = outcome.state, None
    dispatch.error, dispatch.errcode = outcome.error, outcome.errcode
    if outcome.again_at is not None:
        dispatch.not_before = outcome.again_at
    dispatch.maybe_sent = dispatch.maybe_sent or outcome.maybe_sent
    if outcome.state is State.SENT:
        dispatch.sent_at = now
        dispatch.provider_id = outcome.provider_id or dispatch.provider_id
        dispatch.response_code = outcome.response_code or dispatch.response_code
        if dispatch.way == Way.GROUP_TASK:
            dispatch.check_at = now + timedelta(seconds=FIRST_CHECK_S)
    session.flush()
