"""Everything that came from outside, as one committed row before it is anything else."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import Index, LargeBinary, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from app.infra.db import Base, BigId, EncryptedBytes, UtcDateTime


class State(StrEnum):
    """Life of an event: pending → done, or → dead after five failures, or kept as unknown.

    A person puts dead and unknown ones back to work, or gives them up.
    """

    PENDING = "pending"
    DONE = "done"
    DEAD = "dead"
    UNKNOWN = "unknown"  # no translator yet: raw, visible, replayable
    DROPPED = "dropped"  # given up by a person, with a reason: readable, replayable, no alarm


class InboxEvent(Base):
    """One event as it was received, decrypted from its transport and encrypted for rest."""

    __tablename__ = "inbox_event"
    __table_args__ = (
        Index("ix_inbox_event_work", "state", "urgent", "next_attempt_at", "id"),
        Index("ix_inbox_event_order", "partition", "state", "id"),
        Index(
            "ix_inbox_event_tried",
            "urgent",
            "next_attempt_at",
            "id",
            sqlite_where=text("state = 'pending' and attempts > 0"),
            postgresql_where=text("state = 'pending' and attempts > 0"),
        ),
        Index(
            "ix_inbox_event_waiting",
            "received_at",
            sqlite_where=text("state = 'pending'"),
            postgresql_where=text("state = 'pending'"),
        ),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    dedupe_key: Mapped[bytes] = mapped_column(LargeBinary(32), unique=True)
    source: Mapped[str] = mapped_column(String(40))  # wecom, oa, reconcile, hook:…
    receiver: Mapped[str] = mapped_column(String(64))  # corp id or app id
    partition: Mapped[bytes] = mapped_column(LargeBinary(16))  # hash; one at a time, in order
    event_type: Mapped[str] = mapped_column(String(80), index=True)
    urgent: Mapped[bool] = mapped_column(default=False)
    body: Mapped[bytes] = mapped_column(EncryptedBytes("inbox_event.body"))
    occurred_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    received_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    state: Mapped[str] = mapped_column(String(10), default=State.PENDING)
    attempts: Mapped[int] = mapped_column(default=0)
    next_attempt_at: Mapped[datetime] = mapped_column(UtcDateTime)
    finished_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    error: Mapped[str] = mapped_column(Text, default="")  # redacted: type and reason, no content
