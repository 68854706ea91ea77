"""The clock's work: rows for everything that is due, at most one per schedule and due time.

Any number of schedulers may tick, at any time their clocks say: the unique key on (schedule, due
time) decides, and the row is written in the transaction that moves the watermark. The bell comes
after the commit. A tick looks only at schedules whose next time has come, through an index.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import and_, exists, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from app.campaigns.due import look, next_due
from app.campaigns.models import Schedule, ScheduleRun
from app.infra.db import ring_after_commit

RUN = "workers.jobs.plans.run"
CAMPAIGN = "campaign"
KEY = ("schedule_id", "due_at")
FRESH = ("state", "next_attempt_at", "error", "term", "created_at")
RETRY = timedelta(minutes=2)
AFTER_DEATH = timedelta(seconds=5)  # then three times as long after each, up to RETRY
MAX_ATTEMPTS = 5
PIECE = 500  # schedules of one tick, so that its transaction stays short
FALLEN = timedelta(minutes=1)  # a watermark so far ahead was written before the clock was set back


def tick(session: Session, now: datetime, *, term: int = 0, limit: int = PIECE) -> int:
    """Write the runs that are due and ring for what is unfinished; returns how many were new.

    `term` is noted on them. At most `limit` schedules are looked at: `is_due` says whether more
    wait.
    """
    _mend_after_a_fall(session, now)
    chosen = select(Schedule).where(_is_due(now)).order_by(Schedule.next_due_at).limit(limit)
    missed: list[dict[str, Any]] = []
    due: list[dict[str, Any]] = []
    for schedule in session.scalars(chosen.with_for_update(skip_locked=True)).all():
        _look_at(schedule, now, term, due, missed)
    session.flush()
    _insert(session, missed, _ignore)
    made = _insert(session, due, _revive)
    for run in unfinished(session, now):
        ring_after_commit(session, RUN, run.id)
    return made


def is_due(session: Session, now: datetime) -> bool:
    """True when a tick has something to write."""
    asked = (
        exists().where(_is_due(now)),
        exists().where(_has_fallen(now), Schedule.active.is_(True)),
        exists().where(_waits_too_long(now)),
    )
    return bool(session.scalar(select(or_(*asked))))


def wake(schedule: Schedule, since: datetime) -> None:
    """From `since` on its times are due, and none before."""
    schedule.active, schedule.since, schedule.watermark = True, since, since
    schedule.next_due_at = next_due(schedule.cron, schedule.at, since)


def rest(schedule: Schedule) -> None:
    """Nothing is due until it wakes."""
    schedule.active, schedule.next_due_at = False, None


def add_run(
    session: Session, schedule_id: int, due_at: datetime, now: datetime, term: int = 0
) -> bool:
    """The run of one due time; False when it exists."""
    return bool(_insert(session, [_values(schedule_id, due_at, now, term)], _revive))


def unfinished(session: Session, now: datetime, limit: int = 100) -> Sequence[ScheduleRun]:
    """Runs that wait to be carried out, older ones first: those of a schedule go one by one."""
    return session.scalars(
        select(ScheduleRun)
        .where(ScheduleRun.state == "due", ScheduleRun.next_attempt_at <= now)
        .order_by(ScheduleRun.id + 0)  # few are due: PostgreSQL is not to walk through all by id
        .limit(limit)
    ).all()


def try_run(session: Session, run_id: int, now: datetime) -> bool:
    """Count an attempt; False when this is no time for one. To be committed before it begins, so
    that one in which the process dies counts, too: after five of these the run is given up."""
    run = _held(session, run_id, now)
    if run is None or run.next_attempt_at > now:
        return False
    if run.attempts >= MAX_ATTEMPTS:
        run.state, run.finished_at = "failed", now
        run.error = f"执行了 {run.attempts} 次，每次都中断，已放弃"
        return False
    run.next_attempt_at, run.error = now + min(AFTER_DEATH * 3**run.attempts, RETRY), ""
    run.attempts += 1
    return True


def begin_run(session: Session, run_id: int, now: datetime) -> tuple[ScheduleRun, Schedule] | None:
    """Hold the run until commit; None when it is done, another's, or an older one of its schedule
    waits or is under way: what that plans, this one must see."""
    run = _held(session, run_id, now)
    return None if run is None else (run, session.get_one(Schedule, run.schedule_id))


def fail_run(session: Session, run_id: int, error: str, now: datetime) -> None:
    """Note a failure and wait before the next attempt; after five the run is given up."""
    run = session.get_one(ScheduleRun, run_id, with_for_update=True)
    if run.state != "due":  # another was at it
        return
    run.error, run.next_attempt_at = error, now + RETRY
    if run.attempts >= MAX_ATTEMPTS:
        run.state = "failed"


def _held(session: Session, run_id: int, now: datetime) -> ScheduleRun | None:
    run = session.scalar(
        select(ScheduleRun).where(ScheduleRun.id == run_id).with_for_update(skip_locked=True)
    )
    if run is None or run.state != "due":
        return None
    begun = and_(ScheduleRun.attempts > 0, ScheduleRun.error == "")  # and not failed
    older = select(ScheduleRun.id).where(
        ScheduleRun.schedule_id == run.schedule_id, ScheduleRun.id < run.id,
        ScheduleRun.state == "due", or_(ScheduleRun.next_attempt_at <= now, begun),
    )  # fmt: skip
    return run if session.scalar(older.limit(1)) is None else None


def _is_due(now: datetime) -> Any:
    return Schedule.next_due_at <= now


def _has_fallen(now: datetime) -> Any:
    return Schedule.watermark > now + FALLEN


def _waits_too_long(now: datetime) -> Any:
    """A failed attempt waits minutes, never days."""
    too_late = ScheduleRun.next_attempt_at > now + RETRY + FALLEN
    return and_(ScheduleRun.state == "due", too_late)


def _mend_after_a_fall(session: Session, now: datetime) -> None:
    """After the clock was set back: what was passed over is due when its time really comes.

    What has a run already stays as it is, and nothing before `since` is ever due.
    """
    session.execute(
        update(Schedule)
        .where(_has_fallen(now), Schedule.active.is_(True))
        .values(watermark=now, next_due_at=now)
        .execution_options(synchronize_session=False)
    )
    session.execute(
        update(ScheduleRun)
        .where(_waits_too_long(now))
        .values(next_attempt_at=now)
        .execution_options(synchronize_session=False)
    )


def _look_at(
    schedule: Schedule,
    now: datetime,
    term: int,
    due: list[dict[str, Any]],
    missed: list[dict[str, Any]],
) -> None:
    after = max(schedule.watermark, schedule.since)
    found = look(schedule.cron, schedule.at, schedule.catch_up, schedule.max_catch_up, after, now)
    due += [_values(schedule.id, moment, now, term) for moment in found.due]
    lost = [_values(schedule.id, moment, now, term, "missed") for moment in found.missed]
    if found.more_missed:
        lost[0]["error"] = "更早的还有错过，未逐次列出"
    missed += lost
    schedule.watermark = now
    schedule.next_due_at = next_due(schedule.cron, schedule.at, now)


def _values(
    schedule_id: int, due_at: datetime, now: datetime, term: int, state: str = "due"
) -> dict[str, Any]:
    return {
        "schedule_id": schedule_id, "due_at": due_at, "state": state, "attempts": 0,
        "next_attempt_at": now, "planned": 0, "left_out": {}, "error": "", "term": term,
        "created_at": now,
    }  # fmt: skip


def _insert(session: Session, rows: list[dict[str, Any]], conflicting: Callable[[Any], Any]) -> int:
    """How many rows were written."""
    if not rows:
        return 0
    dialect = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
    statement = conflicting(dialect.insert(ScheduleRun)).returning(ScheduleRun.id)
    return len(session.execute(statement, rows).all())


def _ignore(insert: Any) -> Any:
    return insert.on_conflict_do_nothing(index_elements=KEY)


def _revive(insert: Any) -> Any:
    """A missed time that is due after all, its clock set back, becomes due."""
    fresh = {name: insert.excluded[name] for name in FRESH}
    return insert.on_conflict_do_update(
        index_elements=KEY, set_=fresh, where=ScheduleRun.state == "missed"
    )
