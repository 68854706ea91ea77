"""After a restore: nothing that may have gone out since the backup goes out again by itself.

The database has forgotten what happened after the backup was made. A message that was queued then
may have been sent meanwhile; a schedule may have run. So messages become unknown (a person
decides) unless the platform itself refuses a repetition, and schedules go on from now.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from app import campaigns, segments
from app.campaigns import Schedule, ScheduleRun
from app.delivery import Dispatch, State

WHY = "恢复自备份：备份之后可能已经发送"


@dataclass(frozen=True, slots=True)
class Held:
    """What was held back."""

    messages: int
    schedules: int
    runs: int


def hold_what_may_have_gone_out(session: Session, now: datetime) -> Held:
    """Hold back messages and schedules that were due before `now`."""
    segments.renew(session)
    waiting = session.scalars(
        select(Dispatch).where(
            Dispatch.state.in_((State.QUEUED, State.SENDING)), Dispatch.not_before <= now
        )
    ).all()
    for dispatch in waiting:
        dispatch.lease_until, dispatch.maybe_sent = None, True
        if dispatch.task_id is None:
            dispatch.state, dispatch.error = State.UNKNOWN, WHY
        else:  # the platform refuses a card that it knows, so sending it again settles it
            dispatch.state = State.QUEUED
        dispatch.first_attempt_at = dispatch.first_attempt_at or dispatch.not_before
    runs = session.execute(
        update(ScheduleRun).where(ScheduleRun.state == "due").values(state="failed", error=WHY)
    )
    behind = session.scalars(
        select(Schedule).where(Schedule.active.is_(True), Schedule.watermark < now)
    ).all()
    for schedule in behind:
        campaigns.wake(schedule, now)
    session.flush()
    return Held(
        messages=len(waiting),
        schedules=len(behind),
        runs=int(runs.rowcount),  # type: ignore[attr-defined]
    )
