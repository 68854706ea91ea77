"""I7, I10: nothing waits; each due time of a schedule has one run."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import select

from app.campaigns import Schedule, ScheduleRun
from faults.invariants.findings import Findings, Witnesses

EVERY_MINUTE = "* * * * *"


def check(found: Findings, seen: Witnesses) -> dict[str, Any]:
    """Look for what was left."""
    _nothing_waits(found, seen)
    return _schedules(found, seen)


def _nothing_waits(found: Findings, seen: Witnesses) -> None:
    for name in ("events", "sending", "queued", "postponed", "runs"):
        count = getattr(seen.waiting, name)
        if count:
            found.note("I7", f"{name} still wait", count)
    if seen.spill.exists():
        for path in seen.spill.rglob("*"):
            if path.is_file() and path.stat().st_size and path.suffix != ".lock":
                found.note("I7", "the spill is not empty", f"{path.name}: {path.stat().st_size}")


def _schedules(found: Findings, seen: Witnesses) -> dict[str, Any]:
    runs = 0
    for schedule in seen.session.scalars(select(Schedule).where(Schedule.kind == "campaign")):
        of_it = select(ScheduleRun).where(ScheduleRun.schedule_id == schedule.id)
        rows = list(seen.session.scalars(of_it))
        runs += len(rows)
        for row in rows:
            if row.state == "failed":
                found.note("I10", "a run failed", f"run {row.id}: {row.error}")
        _each_time_once(found, schedule, Counter(row.due_at for row in rows))
    return {"runs": runs}


def _each_time_once(found: Findings, schedule: Schedule, had: Counter[datetime]) -> None:
    for due_at, times in had.items():
        if times > 1:
            found.note("I10", "a due time has two runs", due_at)
    by_cron = [due_at for due_at in had if not (due_at.second or due_at.microsecond)]
    if schedule.catch_up == "all" and by_cron:  # the others were started by hand
        for due_at in _due(schedule.cron, min(by_cron), schedule.watermark):
            if due_at not in had:
                found.note("I10", "a due time has no run", f"{due_at} {schedule.cron}")


def _due(cron: str, first: datetime, until: datetime) -> list[datetime]:
    """Due times of the two forms that fault runs use: every minute, every second hour."""
    step = timedelta(minutes=1) if cron == EVERY_MINUTE else timedelta(hours=2)
    moment = first.astimezone(UTC)
    found = []
    while (moment := moment + step) <= until:
        found.append(moment)
    return found
