"""Runs: which are due, who begins one, what it looks at.

Any number of schedulers may tick: a run is a row with a unique due time.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, func, or_, select
from sqlalchemy.orm import Session

from app.completeness.calls import close_if_done, go_on, is_due
from app.completeness.due import Size, due_at, in_detail, with_followers
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
KEPT = timedelta(days=90)  # a run's row; lists keep their own sums
_COMPLETE = (PullRun.state == RunState.DONE, PullRun.kind == Kind.FULL, PullRun.failed == 0)


@dataclass(frozen=True, slots=True)
class Accounts:
    """What is connected: corp ids and app ids."""

    corps: Sequence[str]
    apps: Sequence[str]


def tick(session: Session, accounts: Accounts, now: datetime) -> int:
    """Begin the runs that are due, close those without work; returns how many began."""
    begun = 0
    for kind in (Kind.FULL, Kind.HOURLY):
        due = due_at(kind, now)
        newest = session.scalar(select(func.max(PullRun.due_at)).where(PullRun.kind == kind))
        if (newest is None or newest < due) and (accounts.corps or accounts.apps):
            begun += begin(session, kind, due, accounts, now) is not None
    for run in _open(session):
        close_if_done(session, run, now)
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
    if kind is Kind.FULL:
        forget_old(session, now)
    ring_after_commit(session, PULL)
    return run


def forget_old(session: Session, now: datetime) -> int:
    """Delete runs that ended long ago; returns how many.

    Kept for ever: the newest of each kind, the one from which on we were complete (`baseline`),
    and those that a list which nobody looks at any more was last compared by.
    """
    newest = select(func.max(PullRun.id)).group_by(PullRun.kind)
    complete = select(func.min(PullRun.finished_at)).where(*_COMPLETE).scalar_subquery()
    used = select(PullSubject.run_id).where(PullSubject.run_id.is_not(None))
    done = session.execute(
        delete(PullRun)
        .where(
            PullRun.finished_at < now - KEPT,
            PullRun.id.not_in(newest),
            PullRun.id.not_in(used),
            or_(complete.is_(None), PullRun.finished_at != complete),
        )
        .execution_options(synchronize_session=False)
    )
    return int(done.rowcount)  # type: ignore[attr-defined]


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


def open_run(session: Session) -> PullRun | None:
    """The run that is under way."""
    return next(iter(_open(session)), None)


def baseline(session: Session) -> datetime | None:
    """When everything had been compared for the first time: before that, nothing was lost."""
    return session.scalar(select(func.min(PullRun.finished_at)).where(*_COMPLETE))


def _start(
    session: Session, run: PullRun, subject: PullSubject, now: datetime, *, deep: bool
) -> None:
    session.execute(delete(PullSeen).where(PullSeen.subject_id == subject.id))
    subject.run_id, subject.deep, subject.found = run.id, deep, {}
    go_on(subject, Stage.LIST, "", now)
    session.flush()


def _open(session: Session) -> Sequence[PullRun]:
    return session.scalars(
        select(PullRun).where(PullRun.state == RunState.OPEN).order_by(PullRun.id)
    ).all()
