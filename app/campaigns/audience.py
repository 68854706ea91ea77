"""What campaigns have to do with saved segments and lists: who names them, and as what."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.campaigns.models import Campaign, RunSegment, Schedule, ScheduleRun, Stage
from app.infra.db import insert_all
from app.segments import saved


def naming(session: Session, kind: type[Any], name: str) -> list[Campaign]:
    """The campaigns that are not finished and whose audience names it directly."""
    chosen = select(Campaign).where(Campaign.stage != Stage.FINISHED).order_by(Campaign.id)
    return [row for row in session.scalars(chosen) if saved.names_it(row.expression, kind, name)]


def follow_rename(session: Session, kind: type[Any], old: str, new: str) -> None:
    """Write a new name of something into the audiences of all campaigns, also finished ones."""
    for row in session.scalars(select(Campaign)):
        row.expression = saved.reworded(row.expression, kind, old, new)
    session.flush()


def note_segments(session: Session, run: ScheduleRun, expression: str) -> None:
    """Write down as what a run has used the segments that its audience names."""
    rows = [
        {"run_id": run.id, "segment_id": one.id, "name": one.name, "version": one.version,
         "expression": one.expression}
        for one in saved.within(session, expression)
    ]  # fmt: skip
    insert_all(session, RunSegment, rows, "run_id", "segment_id")


def segments_of(session: Session, run_ids: Sequence[int]) -> dict[int, list[RunSegment]]:
    """What each of these runs has used, by run."""
    found: dict[int, list[RunSegment]] = {}
    chosen = select(RunSegment).where(RunSegment.run_id.in_(run_ids)).order_by(RunSegment.name)
    for row in session.scalars(chosen):
        found.setdefault(row.run_id, []).append(row)
    return found


def runs_with(session: Session, segment_id: int) -> Sequence[tuple[RunSegment, ScheduleRun, int]]:
    """(what it was, the run, the campaign) for each run that has used a segment, newest first."""
    rows = session.execute(
        select(RunSegment, ScheduleRun, Schedule.ref_id)
        .join(ScheduleRun, ScheduleRun.id == RunSegment.run_id)
        .join(Schedule, Schedule.id == ScheduleRun.schedule_id)
        .where(RunSegment.segment_id == segment_id)
        .order_by(ScheduleRun.id.desc())
    )
    return [(used, run, campaign) for used, run, campaign in rows]
