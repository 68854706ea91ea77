"""One call at a time: who has the next one, what comes after it, what became of it.

A call is claimed and committed before it is made, with a lease; its result counts only while the
subject still stands where the claim found it, so a page that was fetched twice is taken once.
Everybody locks the run first and then a subject, so that nobody waits in a circle.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Select, delete, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from app.completeness.due import CALLS_A_MINUTE
from app.completeness.models import PullRun, PullSeen, PullSubject, RunState, Source, Stage

LEASE = timedelta(seconds=90)  # longer than any call with its time-outs
MAX_ATTEMPTS = 5
BACKOFF = tuple(timedelta(seconds=s) for s in (5, 30, 120, 600))
MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Call:
    """The next call for a subject, claimed."""

    subject_id: int
    run_id: int
    source: Source
    account: str
    name: str
    stage: Stage
    cursor: str
    attempt: int
    asked_at: datetime


def is_due(session: Session, now: datetime) -> bool:
    """True when a call waits to be made."""
    return session.scalar(_waiting(now).limit(1)) is not None


def claim(session: Session, now: datetime) -> Call | None:
    """The next call, counted and leased; None when none is due or the pace forbids one."""
    run = session.scalar(
        select(PullRun).where(PullRun.state == RunState.OPEN).order_by(PullRun.id).limit(1)
        .with_for_update()
    )  # fmt: skip
    if run is None:
        return None
    mine = _waiting(now).where(PullSubject.run_id == run.id).limit(1)
    subject = session.scalar(mine.with_for_update())
    if subject is None:
        return None
    if now - run.minute >= MINUTE or now < run.minute:
        run.minute, run.minute_calls = now, 0
    if run.minute_calls >= CALLS_A_MINUTE:
        return None
    if subject.attempts >= MAX_ATTEMPTS:  # it killed its process each time
        end(session, subject, run, now, error="没有得到结果，已停止重试")
        return None
    run.minute_calls += 1
    run.calls += 1
    subject.attempts += 1
    subject.next_attempt_at = now + LEASE
    return Call(
        subject.id, run.id, Source(subject.source), subject.account, subject.name,
        Stage(subject.stage), subject.cursor, subject.attempts, now,
    )  # fmt: skip


def held(session: Session, call: Call) -> tuple[PullSubject, PullRun] | None:
    """Subject and run, locked, if they still stand where the call was claimed."""
    run = session.get_one(PullRun, call.run_id, with_for_update=True, populate_existing=True)
    subject = session.get_one(
        PullSubject, call.subject_id, with_for_update=True, populate_existing=True
    )
    same = (subject.run_id, subject.stage, subject.cursor) == (
        call.run_id, call.stage, call.cursor,
    )  # fmt: skip
    return (subject, run) if same and run.state == RunState.OPEN else None


def go_on(subject: PullSubject, stage: Stage, cursor: str, now: datetime) -> None:
    """The next call of this subject is that one."""
    subject.stage, subject.cursor = stage, cursor
    subject.attempts, subject.next_attempt_at, subject.error = 0, now, ""


def note(
    subject: PullSubject, run: PullRun, found: dict[str, int], lost: int, now: datetime
) -> None:
    """Differences (what → number) that were written into the inbox; `lost` of them count."""
    if not found:
        return
    subject.found, subject.found_total = _plus(subject.found, found), _plus(
        subject.found_total, found
    )  # fmt: skip
    subject.found_at = now
    run.found = _plus(run.found, {f"{subject.source}.{what}": n for what, n in found.items()})
    run.lost += lost


def see(session: Session, subject: PullSubject, hashes: Collection[bytes]) -> None:
    """Remember who was on this page until the list ends."""
    dialect = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
    rows = [{"subject_id": subject.id, "value_hash": one} for one in hashes]
    if rows:
        session.execute(dialect.insert(PullSeen).on_conflict_do_nothing(), rows)


def end(
    session: Session, subject: PullSubject, run: PullRun, now: datetime, *, error: str = ""
) -> None:
    """This subject is compared, or given up with a reason; the last one closes the run."""
    subject.stage, subject.cursor, subject.attempts = Stage.IDLE, "", 0
    subject.error = error
    session.execute(delete(PullSeen).where(PullSeen.subject_id == subject.id))
    if error:
        run.failed += 1
    else:
        run.there += subject.there
        run.known += subject.known
        subject.looked_at = now
        subject.deep_at = now if subject.deep else subject.deep_at
    session.flush()
    close_if_done(session, run, now)


def fail(
    session: Session,
    call: Call,
    error: str,
    now: datetime,
    *,
    final: bool,
    wait: timedelta | None = None,
    restart: bool = False,
) -> None:
    """Note a failed call: again after a while, or the subject is given up for this run.

    `wait`: the platform wants no call of this account for so long. `restart`: a page that the
    platform does not know any more; the list begins again.
    """
    found = held(session, call)
    if found is None:
        return
    subject, run = found
    if (final and not restart) or call.attempt >= MAX_ATTEMPTS:
        end(session, subject, run, now, error=error)
        return
    if restart:
        subject.cursor = ""
    subject.error = error
    subject.next_attempt_at = now + max(BACKOFF[call.attempt - 1], wait or timedelta(0))
    if wait:
        session.execute(
            update(PullSubject)
            .where(
                PullSubject.account == call.account, PullSubject.stage != Stage.IDLE,
                PullSubject.next_attempt_at < now + wait,
            )
            .values(next_attempt_at=now + wait)
        )  # fmt: skip


def close_if_done(session: Session, run: PullRun, now: datetime) -> None:
    """A run without busy subjects is done."""
    busy = select(PullSubject.id).where(
        PullSubject.run_id == run.id, PullSubject.stage != Stage.IDLE
    )
    if run.state == RunState.OPEN and session.scalar(busy.limit(1)) is None:
        run.state, run.finished_at = RunState.DONE, now


def _waiting(now: datetime) -> Select[PullSubject]:
    return (
        select(PullSubject)
        .where(PullSubject.stage != Stage.IDLE, PullSubject.next_attempt_at <= now)
        .order_by(PullSubject.next_attempt_at, PullSubject.id)
    )


def _plus(one: dict[str, int], other: dict[str, int]) -> dict[str, int]:
    return {key: one.get(key, 0) + other.get(key, 0) for key in one.keys() | other.keys()}
