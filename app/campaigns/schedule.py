"""The clock's work: rows for everything that is due, at most one per schedule and due time.

Any number of schedulers may tick: the unique key on (schedule, due time) decides, and the row is
written in the transaction that moves the watermark. The bell comes after the commit.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from app import reps
from app.campaigns.due import due_times
from app.campaigns.models import Schedule, ScheduleRun
from app.infra.clock import local
from app.infra.db import insert_once, ring_after_commit
from app.reps import Rep

RUN = "workers.jobs.plans.run"
DAILY_PLAN, CAMPAIGN = "daily_plan", "campaign"
RETRY = timedelta(minutes=2)
MAX_ATTEMPTS = 5


def tick(session: Session, now: datetime) -> int:
    """Write the runs that are due and ring for what is unfinished; returns how many were new."""
    keep_daily_plans(session, now)
    made = 0
    for schedule in session.scalars(select(Schedule).where(Schedule.active.is_(True))):
        times = due_times(schedule.cron, schedule.at, schedule.catch_up, schedule.watermark, now)
        for due_at in times:
            made += add_run(session, schedule.id, due_at, now)
        session.execute(
            update(Schedule)
            .where(Schedule.id == schedule.id, Schedule.watermark < now)
            .values(watermark=now)
        )
    for run in unfinished(session, now):
        ring_after_commit(session, RUN, run.id)
    return made


def add_run(session: Session, schedule_id: int, due_at: datetime, now: datetime) -> bool:
    """The run of one due time; False when it exists."""
    values = {
        "schedule_id": schedule_id, "due_at": due_at, "state": "due", "attempts": 0,
        "next_attempt_at": now, "planned": 0, "left_out": {}, "error": "", "created_at": now,
    }  # fmt: skip
    return insert_once(session, ScheduleRun, values, "schedule_id", "due_at")


def unfinished(session: Session, now: datetime, limit: int = 100) -> Sequence[ScheduleRun]:
    """Runs that wait to be carried out."""
    return session.scalars(
        select(ScheduleRun)
        .where(ScheduleRun.state == "due", ScheduleRun.next_attempt_at <= now)
        .order_by(ScheduleRun.id)
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


def keep_daily_plans(session: Session, now: datetime) -> None:
    """One schedule per active rep at the rep's hour, on working days of the week."""
    known = {
        row.ref_id: row
        for row in session.scalars(select(Schedule).where(Schedule.kind == DAILY_PLAN))
    }
    for rep in reps.active_reps(session):
        cron = _daily_cron(rep)
        row = known.pop(rep.id, None)
        if row is None:
            values = {
                "kind": DAILY_PLAN, "ref_id": rep.id, "cron": cron, "catch_up": "last",
                "active": True, "watermark": _start_of_day(now),
            }  # fmt: skip
            insert_once(session, Schedule, values, "kind", "ref_id")
        elif row.cron != cron or not row.active:
            row.cron, row.active = cron, True
    for row in known.values():
        row.active = False
    session.flush()


def _daily_cron(rep: Rep) -> str:
    hour, minute = divmod(rep.daily_at_minute, 60)
    return f"{minute} {hour} * * mon-fri"


def _start_of_day(now: datetime) -> datetime:
    return local(now).replace(hour=0, minute=0, second=0, microsecond=0).astimezone(UTC)
