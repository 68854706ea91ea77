"""Working through the inbox: in order per partition, an attempt counted before it is made.

A handler's effects and `finish` belong to one transaction. `begin` commits on its own before it,
so that an event which kills its process still runs out of attempts and is parked.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, case, exists, false, func, select, text, true, update
from sqlalchemy.orm import Session, aliased

from app.inbox.models import InboxEvent, State

MAX_ATTEMPTS = 5
BACKOFF = tuple(timedelta(seconds=s) for s in (1, 10, 60, 300))
LEASE = timedelta(seconds=60)  # longer than any handler; after it the event counts as abandoned
URGENT_LEASE = timedelta(seconds=10)  # a welcome code lives 20 seconds
LONGEST_WAIT = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Claim:
    """An event that is about to be handled."""

    id: int
    source: str
    receiver: str
    body: bytes
    attempts: int
    received_at: datetime


def due_partitions(session: Session, now: datetime, limit: int) -> Sequence[bytes]:
    """Partitions whose next event is due: those with a running welcome code first."""
    earlier = aliased(InboxEvent)
    blocked = exists().where(
        earlier.partition == InboxEvent.partition,
        earlier.state == State.PENDING,
        earlier.id < InboxEvent.id,
    )
    found: list[bytes] = []
    for urgent in (true(), false()):  # two walks along the index instead of one sort of everything
        chosen = _due(select(InboxEvent.partition), now, urgent).where(~blocked)
        in_order = chosen.order_by(InboxEvent.next_attempt_at, InboxEvent.id)
        found += session.scalars(in_order.limit(limit - len(found)))
    return found


def is_due(session: Session, now: datetime, *, urgent: bool) -> bool:
    """True when an event waits that is urgent (a welcome code is running), or that is not."""
    waiting = _due(select(InboxEvent.id), now, true() if urgent else false())
    return session.scalar(waiting.limit(1)) is not None


def begin(session: Session, partition: bytes, now: datetime) -> Claim | None:
    """Count an attempt of the partition's next event; None when nothing is due.

    Nobody else begins it before the lease is over. An event that used up its attempts without
    an answer (it killed its process) is parked.
    """
    event = _next(session, partition)
    if event is None or event.next_attempt_at > now:
        return None
    if event.attempts >= MAX_ATTEMPTS:
        _park(event, "处理进程在执行中退出，已停止重试", now)
        return None
    event.attempts += 1
    event.next_attempt_at = now + (URGENT_LEASE if event.urgent else LEASE)
    return Claim(
        event.id, event.source, event.receiver, event.body, event.attempts, event.received_at
    )


def lock(session: Session, partition: bytes, claim: Claim) -> InboxEvent | None:
    """The claimed event, held until commit; None when another worker is at it or finished it.

    A worker whose lease is over may still be the one who finishes: the lock and the state decide.
    """
    if session.get_bind().dialect.name == "postgresql":
        key = int.from_bytes(partition[:8], "big", signed=True)
        if not session.scalar(text("select pg_try_advisory_xact_lock(:key)"), {"key": key}):
            return None
    event = session.get(InboxEvent, claim.id, populate_existing=True)
    if event is None or event.state != State.PENDING:
        return None
    return event


def finish(event: InboxEvent, now: datetime) -> None:
    """The event took effect."""
    event.state, event.finished_at, event.error = State.DONE, now, ""


def keep_unknown(event: InboxEvent, reason: str, now: datetime) -> None:
    """Nobody can translate or handle this yet: keep it raw, show it, replay it later."""
    event.state, event.finished_at, event.error = State.UNKNOWN, now, reason


def fail(
    session: Session,
    claim: Claim,
    error: str,
    now: datetime,
    *,
    final: bool,
    retry_after: timedelta = timedelta(0),
) -> bool:
    """Note a failed attempt; True when the event is parked now. `error` holds no content.

    An attempt that was overtaken by a later one has nothing to say.
    """
    event = session.get(InboxEvent, claim.id)
    if event is None or event.state != State.PENDING or event.attempts != claim.attempts:
        return False
    if final or claim.attempts >= MAX_ATTEMPTS:
        _park(event, error, now)
        return True
    event.error = error
    event.next_attempt_at = now + max(BACKOFF[claim.attempts - 1], retry_after)
    return False


def replay(
    session: Session,
    now: datetime,
    *,
    ids: Sequence[int] = (),
    state: State | None = None,
    event_type: str = "",
) -> int:
    """Put dead, unknown or done events back to work; returns how many."""
    chosen = update(InboxEvent).where(InboxEvent.state != State.PENDING)
    if ids:
        chosen = chosen.where(InboxEvent.id.in_(ids))
    if state:
        chosen = chosen.where(InboxEvent.state == state)
    if event_type:
        chosen = chosen.where(InboxEvent.event_type == event_type)
    if not ids and not state:
        raise ValueError("say which events: ids or a state")
    done = session.execute(
        chosen.values(state=State.PENDING, attempts=0, next_attempt_at=now, finished_at=None)
    )
    return int(done.rowcount)  # type: ignore[attr-defined]


def pull_back(session: Session, now: datetime) -> int:
    """After the clock was set back: nothing waits longer than its own reasons; returns how many.

    An event that was never tried is due when it arrives, one at work until its lease is over, and
    one that failed for a day at most, the longest that a platform asks for.
    """
    wait = case(
        (InboxEvent.attempts == 0, now + LEASE),
        (InboxEvent.error == "", now + 2 * LEASE),
        else_=now + LONGEST_WAIT,
    )
    done = session.execute(
        update(InboxEvent)
        .where(InboxEvent.state == State.PENDING, InboxEvent.next_attempt_at > now + LEASE)
        .where(InboxEvent.urgent.in_((True, False)), InboxEvent.next_attempt_at > wait)
        .values(next_attempt_at=now)
        .execution_options(synchronize_session=False)
    )
    return int(done.rowcount)  # type: ignore[attr-defined]


def _due(
    chosen: Select[tuple[Any]], now: datetime, urgent: ColumnElement[bool]
) -> Select[tuple[Any]]:
    return chosen.where(
        InboxEvent.state == State.PENDING,
        InboxEvent.urgent == urgent,
        InboxEvent.next_attempt_at <= now,
    )


def _next(session: Session, partition: bytes) -> InboxEvent | None:
    first = (
        select(func.min(InboxEvent.id))
        .where(InboxEvent.partition == partition, InboxEvent.state == State.PENDING)
        .scalar_subquery()
    )
    return session.scalar(
        select(InboxEvent).where(InboxEvent.id == first).with_for_update(skip_locked=True)
    )


def _park(event: InboxEvent, error: str, now: datetime) -> None:
    event.state, event.finished_at, event.error = State.DEAD, now, error
