"""One schedule per active rep: the plan of the day at the rep's hour, on China's working days."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import String, and_, cast, false, or_, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from app.campaigns.due import WORKDAY, CatchUp, next_due
from app.campaigns.models import Schedule
from app.campaigns.schedule import rest, wake
from app.infra.clock import midnight
from app.reps import Rep

DAILY_PLAN = "daily_plan"
WORKDAYS = f" * * {WORKDAY}"


def daily_plans_differ(session: Session) -> bool:
    """True when `keep_daily_plans` has something to do: one question to the database."""
    return bool(_to_wake(session, 1) or _to_rest(session, 1))


def keep_daily_plans(session: Session, now: datetime, limit: int = 500) -> int:
    """Bring the schedules in line with the reps, `limit` at a time; returns how many changed."""
    waking, resting = _to_wake(session, limit), _to_rest(session, limit)
    fresh = [_new(rep, now) for rep, schedule in waking if schedule is None]
    for rep, schedule in waking:
        if schedule is not None:
            schedule.cron = daily_cron(rep)
            wake(schedule, now)
    if fresh:
        dialect = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
        made = dialect.insert(Schedule).on_conflict_do_nothing(index_elements=["kind", "ref_id"])
        session.execute(made, fresh)
    for schedule in resting:
        rest(schedule)
    session.flush()
    return len(waking) + len(resting)


def daily_cron(rep: Rep) -> str:
    """The rep's hour as a cron."""
    hour, minute = divmod(rep.daily_at_minute, 60)
    return f"{minute} {hour}{WORKDAYS}"


def _to_wake(session: Session, limit: int) -> Sequence[tuple[Rep, Schedule | None]]:
    hour, minute = Rep.daily_at_minute // 60, Rep.daily_at_minute % 60
    wanted = cast(minute, String) + " " + cast(hour, String) + WORKDAYS
    rows = session.execute(
        select(Rep, Schedule)
        .outerjoin(Schedule, and_(Schedule.kind == DAILY_PLAN, Schedule.ref_id == Rep.id))
        .where(Rep.active.is_(True))
        .where(or_(Schedule.id.is_(None), Schedule.active == false(), Schedule.cron != wanted))
        .order_by(Rep.id)
        .limit(limit)
    )
    return [(row[0], row[1]) for row in rows]


def _to_rest(session: Session, limit: int) -> Sequence[Schedule]:
    chosen = (
        select(Schedule)
        .outerjoin(Rep, Rep.id == Schedule.ref_id)
        .where(Schedule.kind == DAILY_PLAN, Schedule.active.is_(True))
        .where(or_(Rep.id.is_(None), Rep.active == false()))
        .limit(limit)
    )
    return session.scalars(chosen).all()


def _new(rep: Rep, now: datetime) -> dict[str, Any]:
    cron = daily_cron(rep)
    start = midnight(now)  # a new rep's first plan is today's
    return {
        "kind": DAILY_PLAN, "ref_id": rep.id, "cron": cron, "catch_up": CatchUp.LAST.value,
        "max_catch_up": 1, "active": True, "since": start, "watermark": start,
        "next_due_at": next_due(cron, None, start),
    }  # fmt: skip
