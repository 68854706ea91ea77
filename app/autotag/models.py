"""Rules that give tags: what they say, what the past says of them, and how far they have come."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, BigInteger, ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from app.infra.db import Base, BigId, UtcDateTime


class TestState(StrEnum):
    """Where a back-test is."""

    __test__ = False  # nothing for pytest

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


class TagRule(Base):
    """A rule over all its versions.

    `version` is the newest, `live_version` the one that gives tags; None: none does. What gives
    tags is `paused` when somebody stopped it for a while, and `retired_at` says that it is over.
    `run_day`: the day in China for which everybody was looked at; None: that is still to be done.
    """

    __tablename__ = "tag_rule"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    name: Mapped[str] = mapped_column(String(80), unique=True)
    owner: Mapped[str] = mapped_column(String(80))  # user:7, token:crm
    version: Mapped[int] = mapped_column(default=1)
    live_version: Mapped[int | None]
    paused_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    retired_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    switched_by: Mapped[str] = mapped_column(String(80), default="")
    switched_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    run_day: Mapped[date | None]
    run_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class TagRuleVersion(Base):
    """What a version says; see `definition.py`. Never changed."""

    __tablename__ = "tag_rule_version"

    rule_id: Mapped[int] = mapped_column(
        ForeignKey("tag_rule.id", ondelete="CASCADE"), primary_key=True
    )
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    definition: Mapped[dict[str, Any]] = mapped_column(JSON)
    created_by: Mapped[str] = mapped_column(String(80))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class TagRuleTest(Base):
    """A version tried on the past. `result`: see `past.py`; it holds ONE IDs and no names."""

    __tablename__ = "tag_rule_test"
    __table_args__ = (
        Index("ix_tag_rule_test_rule", "rule_id", "version"),
        Index("ix_tag_rule_test_state", "state"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    rule_id: Mapped[int] = mapped_column(ForeignKey("tag_rule.id", ondelete="CASCADE"))
    version: Mapped[int]
    days: Mapped[int]
    state: Mapped[str] = mapped_column(String(10), default=TestState.WAITING)
    done: Mapped[int] = mapped_column(BigInteger, default=0)  # physicians
    total: Mapped[int] = mapped_column(BigInteger, default=0)
    result: Mapped[dict[str, Any] | None] = mapped_column(JSON)
    problem: Mapped[str] = mapped_column(Text, default="")
    asked_by: Mapped[str] = mapped_column(String(80))
    asked_at: Mapped[datetime] = mapped_column(UtcDateTime)
    seen_at: Mapped[datetime | None] = mapped_column(UtcDateTime)  # of who is at it
    finished_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class TagRuleSweep(Base):
    """Everybody is looked at by these rules: each night, and when a rule goes live.

    `cursor` is the last ONE ID that was looked at; whoever goes on begins after it.
    """

    __tablename__ = "tag_rule_sweep"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    day: Mapped[date]
    rules: Mapped[list[int]] = mapped_column(JSON)
    cursor: Mapped[str] = mapped_column(String(24), default="")
    looked: Mapped[int] = mapped_column(BigInteger, default=0)
    given: Mapped[int] = mapped_column(BigInteger, default=0)
    taken: Mapped[int] = mapped_column(BigInteger, default=0)
    started_at: Mapped[datetime] = mapped_column(UtcDateTime)
    finished_at: Mapped[datetime | None] = mapped_column(UtcDateTime, index=True)
