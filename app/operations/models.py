"""Signs of life of our processes."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from app.infra.db import Base, UtcDateTime


class Kind(StrEnum):
    """What a process does."""

    WEB = "web"
    WORKER = "worker"
    SCHEDULER = "scheduler"


class ProcessBeat(Base):
    """One process, and when it last showed life. A process that stops in good order removes it."""

    __tablename__ = "process_beat"

    name: Mapped[str] = mapped_column(String(120), primary_key=True)  # worker@host:pid
    kind: Mapped[str] = mapped_column(String(12))
    host: Mapped[str] = mapped_column(String(80))
    pid: Mapped[int]
    version: Mapped[str] = mapped_column(String(40))
    started_at: Mapped[datetime] = mapped_column(UtcDateTime)
    beat_at: Mapped[datetime] = mapped_column(UtcDateTime)  # by the database's clock
    skew_s: Mapped[float] = mapped_column(default=0.0)  # the host's clock against the database's
