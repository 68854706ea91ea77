"""Pulls: what was asked when, how far each subject has got, and what was found."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import JSON, ForeignKey, Index, LargeBinary, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.infra.db import Base, BigId, UtcDateTime


class Kind(StrEnum):
    """How much a run looks at."""

    HOURLY = "hourly"
    FULL = "full"


class RunState(StrEnum):
    """At most one run is open; a full one takes an hourly one over."""

    OPEN = "open"
    DONE = "done"
    OVERTAKEN = "overtaken"
    SKIPPED = "skipped"  # another run was still open


class Source(StrEnum):
    """What is compared. `reps` only tells whose contacts there are to compare."""

    REPS = "reps"
    CONTACTS = "contacts"
    FOLLOWERS = "followers"
    TAGS = "tags"


class Stage(StrEnum):
    """What the next call for a subject is; the cursor says which page of it."""

    IDLE = "idle"
    LIST = "list"  # who is there
    DETAILS = "details"  # what they look like
    CONFIRM = "confirm"  # is it true that somebody has gone


class PullRun(Base):
    """One pull of everything; unique per kind and due time, so any number of schedulers is safe."""

    __tablename__ = "pull_run"
    __table_args__ = (
        UniqueConstraint("kind", "due_at"),
        Index("ix_pull_run_state", "state"),
        Index("ix_pull_run_finished_at", "finished_at"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    kind: Mapped[str] = mapped_column(String(8))
    due_at: Mapped[datetime] = mapped_column(UtcDateTime)
    state: Mapped[str] = mapped_column(String(10), default=RunState.OPEN)
    calls: Mapped[int] = mapped_column(default=0)
    minute: Mapped[datetime] = mapped_column(UtcDateTime)  # of the pace: calls made since then
    minute_calls: Mapped[int] = mapped_column(default=0)
    there: Mapped[int] = mapped_column(default=0)  # relations and followers that the platforms list
    known: Mapped[int] = mapped_column(default=0)  # of these, known before the pull
    found: Mapped[dict[str, int]] = mapped_column(JSON, default=dict)  # source.what → differences
    lost: Mapped[int] = mapped_column(default=0)  # of these, callbacks that should have told us
    failed: Mapped[int] = mapped_column(default=0)  # subjects that could not be compared
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    finished_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class PullSubject(Base):
    """One list that is compared: a rep's contacts, an account's followers, a corp's tags.

    The row outlives runs: it remembers when it was last looked at and what was found.
    """

    __tablename__ = "pull_subject"
    __table_args__ = (
        UniqueConstraint("source", "account", "name"),
        Index("ix_pull_subject_work", "stage", "next_attempt_at"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    source: Mapped[str] = mapped_column(String(10))
    account: Mapped[str] = mapped_column(String(64))  # corp id or app id
    name: Mapped[str] = mapped_column(String(64), default="")  # a rep's userid
    run_id: Mapped[int | None] = mapped_column(ForeignKey("pull_run.id"))
    stage: Mapped[str] = mapped_column(String(8), default=Stage.IDLE)
    cursor: Mapped[str] = mapped_column(Text, default="")
    deep: Mapped[bool] = mapped_column(default=False)  # details of all, not only of the missing
    attempts: Mapped[int] = mapped_column(default=0)
    next_attempt_at: Mapped[datetime] = mapped_column(UtcDateTime)
    error: Mapped[str] = mapped_column(Text, default="")  # type and reason, no content
    there: Mapped[int] = mapped_column(default=0)
    known: Mapped[int] = mapped_column(default=0)
    found: Mapped[dict[str, int]] = mapped_column(JSON, default=dict)  # by the last look
    found_total: Mapped[dict[str, int]] = mapped_column(JSON, default=dict)  # ever
    found_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    looked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    deep_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class PullSeen(Base):
    """Who was on the pages of a list that has more than one; gone when the list ends."""

    __tablename__ = "pull_seen"

    subject_id: Mapped[int] = mapped_column(
        ForeignKey("pull_subject.id", ondelete="CASCADE"), primary_key=True
    )
    value_hash: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
