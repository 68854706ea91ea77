"""The clock's work: rows for everything that is due, at most one per schedule and due time.

Any number of schedulers may tick, at any time their clocks say: the unique key on (schedule, due
time) decides, and the row is written in the transaction that moves the watermark. The bell comes
after the commit. A tick looks only at schedules whose next time has come, through an index.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import and_, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from app.campaigns.due import look, next_due
from app.campaigns.models import Schedule, ScheduleRun
from app.infra.db import ring_after_commit

RUN = "workers.jobs.plans.run"
CAMPAIGN = "campaign"
RETRY = timedelta(minutes=2)
MAX_ATTEMPTS = 5
PIECE = 500  # schedules of one tick, so that its transaction stays short
FALLEN = timedelta(minutes=1)  # a watermark so far ahead was written before the clock was set back


def tick(session: Session, now: datetime, *, term: int = 0, limit: int = PIECE) -> int:
    """Write the runs that are due and ring for what is unfinished; returns how many were new.

    `term` is noted on them. At most `limit` schedules are looked at: `is_due` says whether more
    wait.
    """
    _mend_after_a_fall(session, now)
    made = 0
    chosen = select(Schedule).where(_is_due(now)).order_by(Schedule.next_due_at).limit(limit)
    for schedule in session.scalars(chosen.with_for_update(skip_locked=True)):
        made += _write_runs(session, schedule, now, term)
        schedule.watermark = now
        schedule.next_due_at = next_due(schedule.cron, schedule.at, now)
    session.flush()
    for run in unfinished(session, now):
        ring_after_commit(session, RUN, run.id)
    return made


def is_due(session: Session, now: datetime) -> bool:
    """True when a tick has something to write."""
    chosen = (
        select(Schedule.id).where(_is_due(now)).limit(1),
        select(Schedule.id).where(_has_fallen(now), Schedule.active.is_(True)).limit(1),
        select(ScheduleRun.id).where(_waits_too_long(now)).limit(1),
    )
    return any(session.scalar(one) is not None for one in chosen)


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
    return bool(_insert(session, [_values(schedule_id, due_at, now, term)]))


def unfinished(session: Session, now: datetime, limit: int = 100) -> Sequence[ScheduleRun]:
    """Runs that wait to be carried out."""
    return session.scalars(
        select(ScheduleRun)
        .where(ScheduleRun.state == "due", ScheduleRun.next_attempt_at <= now)
        .order_by(ScheduleRun.next_attempt_at, ScheduleRun.id)
        .limit(limit)
    ).all()


def begin_run(session: Session, run_id: int, now: datetime) -> tuple[ScheduleRun, Schedule] | None:
    """Count an attempt and hold the run until commit; None when it is done or another's."""
    run = session.scalar(
        select(ScheduleRun).where(ScheduleRun.id == run_id).with_for_update(skip_locked=True)
    )
    if run is None or run.state != "due":
        return None
    run.attempts += 1
    run.next_attempt_at = now + RETRY
    return run, session.get_one(Schedule, run.schedule_id)


def fail_run(session: Session, run_id: int, error: str, now: datetime) -> None:
    """Note a failure and wait before the next attempt; after five the run is given up."""
    run = session.get_one(ScheduleRun, run_id)
    run.error, run.next_attempt_at = error, now + RETRY
    run.attempts += 1
    if run.attempts >= MAX_ATTEMPTS:
        run.state = "failed"


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


def _write_runs(session: Session, schedule: Schedule, now: datetime, term: int) -> int:
    after = max(schedule.watermark, schedule.since)
    found = look(schedule.cron, schedule.at, schedule.catch_up, schedule.max_catch_up, after, now)
    missed = [_values(schedule.id, moment, now, term, "missed") for moment in found.missed]
    if missed and found.more_missed:
        missed[0]["error"] = "更早的还有错过，未逐次列出"
    if missed:
        _insert(session, missed)
    return _insert(session, [_values(schedule.id, moment, now, term) for moment in found.due])


def _values(
    schedule_id: int, due_at: datetime, now: datetime, term: int, state: str = "due"
) -> dict[str, Any]:
    return {
        "schedule_id": schedule_id, "due_at": due_at, "state": state, "attempts": 0,
        "next_attempt_at": now, "planned": 0, "left_out": {}, "error": "", "term": term,
        "created_at": now,
    }  # fmt: skip


def _insert(session: Session, rows: list[dict[str, Any]]) -> int:
    """How many are new. A missed time that is due after all, its clock set back, becomes due."""
    if not rows:
        return 0
    dialect = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
    insert = dialect.insert(ScheduleRun)
    key = ["schedule_id", "due_at"]
    if rows[0]["state"] == "missed":
        statement = insert.values(rows).on_conflict_do_nothing(index_elements=key)
    else:
        fresh = {name: insert.excluded[name] for name in rows[0] if name not in key}
        statement = insert.values(rows).on_conflict_do_update(
            index_elements=key, set_=fresh, where=ScheduleRun.state == "missed"
        )
    return len(session.execute(statement.returning(ScheduleRun.id)).all())
