"""Scheduled pushes of content to a segment, and the schedules that wake them and the day plan."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, BigInteger, ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.campaigns.due import LATE
from app.infra.db import Base, BigId, UtcDateTime


class Stage(StrEnum):
    """Life of a campaign; the allowed moves are in `lifecycle.py`."""

    DRAFT = "draft"
    ACTIVE = "active"
    PAUSED = "paused"
    FINISHED = "finished"


class CampaignWay(StrEnum):
    """How a campaign reaches physicians."""

    SUGGESTION = "suggestion"
    GROUP_TASK = "group_task"
    OA_MESSAGE = "oa_message"
    MOMENT = "moment"


class Campaign(Base):
    """Content + tag expression + time + way."""

    __tablename__ = "campaign"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    name: Mapped[str] = mapped_column(String(80))
    content_id: Mapped[int] = mapped_column(ForeignKey("content.id"), index=True)
    expression: Mapped[str] = mapped_column(Text)
    way: Mapped[str] = mapped_column(String(12))
    stage: Mapped[str] = mapped_column(String(10), default=Stage.DRAFT)
    created_by: Mapped[str] = mapped_column(String(80))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class Schedule(Base):
    """When something is due: once `at`, or by `cron` (five fields, time of China)."""

    __tablename__ = "schedule"
    __table_args__ = (
        UniqueConstraint("kind", "ref_id"),
        Index("ix_schedule_next_due_at", "next_due_at"),
        Index("ix_schedule_watermark", "watermark"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    kind: Mapped[str] = mapped_column(String(16))  # daily_plan (rep), campaign
    ref_id: Mapped[int] = mapped_column(BigInteger)
    cron: Mapped[str] = mapped_column(String(60), default="")
    at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    catch_up: Mapped[str] = mapped_column(String(6), default="last")  # skip, last, all
    max_catch_up: Mapped[int] = mapped_column(default=5)  # with "all"
    active: Mapped[bool] = mapped_column(default=True)
    since: Mapped[datetime] = mapped_column(UtcDateTime)  # nothing earlier was ever due
    watermark: Mapped[datetime] = mapped_column(UtcDateTime)  # everything due until here is done
    next_due_at: Mapped[datetime | None] = mapped_column(UtcDateTime)  # None: rests, or has none


class ScheduleRun(Base):
    """One due time of one schedule, at most once. Its unique key makes many schedulers safe."""

    __tablename__ = "schedule_run"
    __table_args__ = (
        UniqueConstraint("schedule_id", "due_at"),
        Index("ix_schedule_run_work", "state", "next_attempt_at"),
        Index("ix_schedule_run_due_at", "due_at", "state"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    schedule_id: Mapped[int] = mapped_column(ForeignKey("schedule.id"), index=True)
    due_at: Mapped[datetime] = mapped_column(UtcDateTime)
    state: Mapped[str] = mapped_column(
        String(10), default="due"
    )  # due, done, failed, missed, cancelled
    attempts: Mapped[int] = mapped_column(default=0)
    next_attempt_at: Mapped[datetime] = mapped_column(UtcDateTime)
    planned: Mapped[int] = mapped_column(default=0)
    left_out: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    error: Mapped[str] = mapped_column(Text, default="")
    term: Mapped[int] = mapped_column(
        BigInteger, default=0
    )  # of the scheduler; 0: without a leader
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    finished_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    @property
    def late(self) -> timedelta:
        """How long after its time the run was made; nothing for one that came in time."""
        late = self.created_at - self.due_at
        return late if late > LATE and self.state != "missed" else timedelta(0)


class RunSegment(Base):
    """A saved segment that a run's audience named, as it was then. The segment may be gone."""

    __tablename__ = "campaign_run_segment"

    run_id: Mapped[int] = mapped_column(ForeignKey("schedule_run.id"), primary_key=True)
    segment_id: Mapped[int] = mapped_column(
        BigInteger, primary_key=True, autoincrement=False, index=True
    )
    name: Mapped[str] = mapped_column(String(80))
    version: Mapped[int]
    expression: Mapped[str] = mapped_column(Text)
