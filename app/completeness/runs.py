"""Runs and their subjects: who begins, who has the next call, how far it got.

Any number of schedulers and workers may be at it. A run is a row with a unique due time. A call
is claimed and committed before it is made, with a lease; its result counts only while the subject
still stands where the claim found it, so a page that was fetched twice is taken once.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Select, delete, func, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from app.completeness.due import CALLS_A_MINUTE, Size, due_at, in_detail, with_followers
from app.completeness.models import (
    Kind,
    PullRun,
    PullSeen,
    PullSubject,
    RunState,
    Source,
    Stage,
)
from app.infra.db import insert_once, ring_after_commit

PULL = "workers.jobs.completeness.pull"
LEASE = timedelta(seconds=90)  # longer than any call with its time-outs
MAX_ATTEMPTS = 5
BACKOFF = tuple(timedelta(seconds=s) for s in (5, 30, 120, 600))
MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Accounts:
    """What is connected: corp ids and app ids."""

    corps: Sequence[str]
    apps: Sequence[str]


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


def tick(session: Session, accounts: Accounts, now: datetime) -> int:
    """Begin the runs that are due, close those without work; returns how many began."""
    begun = 0
    for kind in (Kind.FULL, Kind.HOURLY):
        due = due_at(kind, now)
        newest = session.scalar(select(func.max(PullRun.due_at)).where(PullRun.kind == kind))
        if (newest is None or newest < due) and (accounts.corps or accounts.apps):
            begun += begin(session, kind, due, accounts, now) is not None
    for run in _open(session):
        _close_if_done(session, run, now)
    if is_due(session, now):
        ring_after_commit(session, PULL)
    return begun


def begin(
    session: Session, kind: Kind, due: datetime, accounts: Accounts, now: datetime
) -> PullRun | None:
    """The run of this due time, begun; None when it exists, or when it need not run.

    A full run takes over what an hourly one has left; an hourly one gives way to any.
    """
    values = {
        "kind": kind, "due_at": due, "state": RunState.OPEN, "minute": now, "created_at": now,
        "calls": 0, "minute_calls": 0, "there": 0, "known": 0, "found": {}, "lost": 0, "failed": 0,
    }  # fmt: skip
    others = _open(session)
    if not insert_once(session, PullRun, values, "kind", "due_at"):
        return None
    run = session.scalars(select(PullRun).where(PullRun.kind == kind, PullRun.due_at == due)).one()
    if others and kind is Kind.HOURLY:
        run.state, run.finished_at = RunState.SKIPPED, now
        return None
    for other in others:
        other.state, other.finished_at = RunState.OVERTAKEN, now
    for corp_id in accounts.corps:
        _start(session, run, ensure(session, Source.TAGS, corp_id, "", now), now, deep=True)
        _start(session, run, ensure(session, Source.REPS, corp_id, "", now), now, deep=True)
    for app_id in accounts.apps:
        subject = ensure(session, Source.FOLLOWERS, app_id, "", now)
        if with_followers(kind, subject.there):
            _start(session, run, subject, now, deep=True)
    ring_after_commit(session, PULL)
    return run


def start_contacts(
    session: Session, run: PullRun, corp_id: str, userids: Collection[str], now: datetime
) -> None:
    """The run also compares the contacts of these reps, in detail as far as it may."""
    found = [
        ensure(session, Source.CONTACTS, corp_id, name, now)
        for name in sorted({userid.lower() for userid in userids})
    ]
    sizes = [Size(one.id, one.there, one.deep_at) for one in found]
    deep = in_detail(Kind(run.kind), sizes)
    for subject in found:
        _start(session, run, subject, now, deep=subject.id in deep)


def ensure(session: Session, source: Source, account: str, name: str, now: datetime) -> PullSubject:
    """The subject, made when new."""
    key = {"source": source, "account": account, "name": name}
    found = session.scalar(select(PullSubject).filter_by(**key))
    if found is None:
        values = key | {
            "stage": Stage.IDLE, "cursor": "", "deep": False, "attempts": 0, "error": "",
            "next_attempt_at": now, "there": 0, "known": 0, "found": {}, "found_total": {},
        }  # fmt: skip
        insert_once(session, PullSubject, values, *key)
        found = session.scalars(select(PullSubject).filter_by(**key)).one()
    return found


def is_due(session: Session, now: datetime) -> bool:
    """True when a call waits to be made."""
    return session.scalar(_waiting(now).limit(1)) is not None


def open_run(session: Session) -> PullRun | None:
    """The run that is under way."""
    return next(iter(_open(session)), None)


def claim(session: Session, now: datetime) -> Call | None:
    """The next call, counted and leased; None when none is due or the pace forbids one."""
    run = session.scalar(  # always the run first and then a subject: nobody waits in a circle
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
    _close_if_done(session, run, now)


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


def baseline(session: Session) -> datetime | None:
    """When everything had been compared for the first time: before that, nothing was lost."""
    return session.scalar(
        select(func.min(PullRun.finished_at)).where(
            PullRun.state == RunState.DONE, PullRun.kind == Kind.FULL, PullRun.failed == 0
        )
    )


def _start(
    session: Session, run: PullRun, subject: PullSubject, now: datetime, *, deep: bool
) -> None:
    session.execute(delete(PullSeen).where(PullSeen.subject_id == subject.id))
    subject.run_id, subject.deep, subject.found = run.id, deep, {}
    go_on(subject, Stage.LIST, "", now)
    session.flush()


def _waiting(now: datetime) -> Select[PullSubject]:
    return (
        select(PullSubject)
        .where(PullSubject.stage != Stage.IDLE, PullSubject.next_attempt_at <= now)
        .order_by(PullSubject.next_attempt_at, PullSubject.id)
    )


def _open(session: Session) -> Sequence[PullRun]:
    return session.scalars(
        select(PullRun).where(PullRun.state == RunState.OPEN).order_by(PullRun.id)
    ).all()


def _close_if_done(session: Session, run: PullRun, now: datetime) -> None:
    busy = select(PullSubject.id).where(
        PullSubject.run_id == run.id, PullSubject.stage != Stage.IDLE
    )
    if run.state == RunState.OPEN and session.scalar(busy.limit(1)) is None:
        run.state, run.finished_at = RunState.DONE, now


def _plus(one: dict[str, int], other: dict[str, int]) -> dict[str, int]:
    return {key: one.get(key, 0) + other.get(key, 0) for key in one.keys() | other.keys()}
