"""Working through the inbox: in order per partition, an attempt counted before it is made.

A handler's effects and `finish` belong to one transaction. `begin` commits on its own before it,
so that an event which kills its process still runs out of attempts and is parked.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, case, false, select, true, tuple_, update
from sqlalchemy.orm import Session

from app.inbox import prebuilt
from app.inbox.models import InboxEvent, State

MAX_ATTEMPTS = 5
BACKOFF = tuple(timedelta(seconds=s) for s in (1, 10, 60, 300, 900))
LEASE = timedelta(seconds=3.5)  # whoever has it in hand renews it; after it he counts as dead
LONGEST_WAIT = timedelta(days=1)
PATIENCE = timedelta(days=1)  # so long a platform in trouble parks nothing


@dataclass(frozen=True, slots=True)
class Claim:
    """An event that is about to be handled."""

    id: int
    partition: bytes
    source: str
    receiver: str
    body: bytes
    attempts: int
    received_at: datetime
    suspect: bool = False  # its last attempt ended without a word


def due(session: Session, now: datetime, limit: int, *, suspects: bool = True) -> list[Claim]:
    """The next event of each contact that is due, with the attempts made so far.

    Those with a running welcome code come first: two walks along the index instead of one sort of
    everything. Of those whose last attempt ended without a word, one at most: it may end its
    process, and that shall cost its neighbours one attempt only; none at all without `suspects`.
    What failed with an answer is found like what is new, so that an outage leaves no queue of its
    own behind.
    """
    found: list[Claim] = []
    for statement in prebuilt.SUSPECT if suspects else ():
        room = {"now": now, "room": 1 - len(found)}
        rows = session.connection().execute(statement, room)
        found += [replace(Claim(*row), suspect=True) for row in rows]
    for statement in prebuilt.SOUND:
        room = {"now": now, "room": limit - len(found)}
        found += [Claim(*row) for row in session.connection().execute(statement, room)]
    return found


def is_due(session: Session, now: datetime, *, urgent: bool) -> bool:
    """True when an event waits that is urgent (a welcome code is running), or that is not."""
    waiting = _due(select(InboxEvent.id), now, true() if urgent else false())
    return session.scalar(waiting.limit(1)) is not None


def begin(session: Session, found: Sequence[Claim], now: datetime) -> list[Claim]:
    """Count an attempt of each of these events; those that are ours now.

    Nobody else begins them before the lease is over. One that used up its attempts without an
    answer (it killed its process) is parked.
    """
    still_due = _still_due(session, found, now)
    ours: list[Claim] = []
    for one in found:
        if one.id in still_due and not (one.suspect and one.attempts >= MAX_ATTEMPTS):
            ours.append(replace(one, attempts=one.attempts + 1))
        elif one.id in still_due:
            _park(session, one.id, "处理进程在执行中退出，已停止重试", now)
    if ours:
        session.connection().execute(
            prebuilt.COUNT_ATTEMPT, {"ids": [one.id for one in ours], "lease": now + LEASE}
        )
    return ours


def extend_leases(session: Session, held: Collection[tuple[int, int]], now: datetime) -> None:
    """These (event, attempt) are still in hand."""
    session.execute(
        update(InboxEvent)
        .where(
            InboxEvent.state == State.PENDING,
            tuple_(InboxEvent.id, InboxEvent.attempts).in_(list(held)),
        )
        .values(next_attempt_at=now + LEASE)
        .execution_options(synchronize_session=False)
    )


def hold(session: Session, claims: Collection[Claim]) -> set[int]:
    """Those of the claimed events that are still to be handled, held until commit.

    A worker whose lease is over may still be the one who finishes: the lock and the state decide.
    """
    held = list(claims)
    if session.get_bind().dialect.name == "postgresql":
        keys = {_lock_key(one): one for one in held}
        got = session.connection().execute(prebuilt.TRY_LOCKS, {"keys": sorted(keys)})
        held = [keys[row.key] for row in got if row.got]
    ids = {"ids": [one.id for one in held]}
    return {row.id for row in session.connection().execute(prebuilt.PENDING, ids)}


def finish(session: Session, ids: Collection[int], now: datetime) -> None:
    """These events took effect."""
    if ids:
        values = {"ids": list(ids), "at": now, "as": State.DONE}
        session.connection().execute(prebuilt.FINISH, values)


def keep_unknown(session: Session, event_id: int, reason: str, now: datetime) -> None:
    """Nobody can translate or handle this yet: keep it raw, show it, replay it later."""
    _end(session, event_id, State.UNKNOWN, reason, now)


def fail(
    session: Session,
    claim: Claim,
    error: str,
    now: datetime,
    *,
    final: bool,
    retry_after: timedelta = timedelta(0),
    patient: bool = False,
) -> bool:
    """Note a failed attempt; True when the event is parked now. `error` holds no content.

    The fifth failure parks it; when a platform is in trouble (`patient`), and not the event, only
    a day does. An attempt that was overtaken by a later one has nothing to say.
    """
    event = session.get(InboxEvent, claim.id)
    if event is None or event.state != State.PENDING or event.attempts != claim.attempts:
        return False
    waits = patient and now < event.received_at + PATIENCE
    if final or (claim.attempts >= MAX_ATTEMPTS and not waits):
        _park(session, claim.id, error, now)
        return True
    event.error = error
    pause = BACKOFF[min(claim.attempts, len(BACKOFF)) - 1]
    event.next_attempt_at = now + max(pause, retry_after)
    return False


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


def _still_due(session: Session, found: Sequence[Claim], now: datetime) -> set[int]:
    """Which of these nobody has taken since they were found, locked."""
    wanted = {one.id: one.attempts for one in found}
    if not wanted:
        return set()
    rows = session.connection().execute(prebuilt.STILL_DUE, {"ids": sorted(wanted), "now": now})
    return {row.id for row in rows if row.attempts == wanted[row.id]}


def _lock_key(claim: Claim) -> int:
    return int.from_bytes(claim.partition[:8], "big", signed=True)


def _park(session: Session, event_id: int, error: str, now: datetime) -> None:
    _end(session, event_id, State.DEAD, error, now)


def _end(session: Session, event_id: int, state: State, error: str, now: datetime) -> None:
    session.execute(
        update(InboxEvent)
        .where(InboxEvent.id == event_id)
        .values(state=state, finished_at=now, error=error)
    )
