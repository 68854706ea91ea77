"""Cases of the tag court, what happened to them, who is to be looked at, and proposals to retire.

A case hangs on an identifier, so that it follows merges and splits. There is one for a physician
and a contradiction: its kind and its tags, the smaller id first where they stand equal.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, BigInteger, Float, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.infra.db import Base, BigId, Encrypted, UtcDateTime

SYSTEM = "system"  # who settles what nobody decides


class CaseState(StrEnum):
    """open → settled → open by appeal, new evidence or undo; open → moot while nothing
    contradicts."""

    OPEN = "open"
    SETTLED = "settled"
    MOOT = "moot"


class CaseEvent(StrEnum):
    """What may happen to a case."""

    OPENED = "opened"
    SETTLED = "settled"
    UNDONE = "undone"
    APPEALED = "appealed"
    REOPENED = "reopened"  # by new evidence
    MOOT = "moot"


class TagCase(Base):
    """A contradiction about one physician. `proposed` with `strength`: the likeliest verdict now.

    `facts`: the sources that spoke and how much was sent when it was decided, to know new evidence
    from old. `not_by`: who may not decide, because the appeal is against this person's verdict.
    """

    __tablename__ = "tag_case"
    __table_args__ = (
        UniqueConstraint("identifier_id", "kind", "tag_id", "other_id"),
        Index("ix_tag_case_queue", "state", "owner", "strength"),
        Index("ix_tag_case_decided", "decided_by", "decided_at"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    identifier_id: Mapped[int] = mapped_column(ForeignKey("identifier.id", ondelete="CASCADE"))
    kind: Mapped[str] = mapped_column(String(16))
    tag_id: Mapped[int] = mapped_column(ForeignKey("tag.id"))
    other_id: Mapped[int] = mapped_column(BigInteger, default=0)
    owner: Mapped[str] = mapped_column(String(12))
    state: Mapped[str] = mapped_column(String(10), default=CaseState.OPEN)
    proposed: Mapped[str] = mapped_column(String(10))
    strength: Mapped[float] = mapped_column(Float(53))
    facts: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    opened_at: Mapped[datetime] = mapped_column(UtcDateTime)
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime)
    verdict: Mapped[str | None] = mapped_column(String(10))  # in force, also while it is appealed
    decided_by: Mapped[str | None] = mapped_column(String(80))
    decided_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    turn: Mapped[int] = mapped_column(default=0)  # grows with each verdict
    not_by: Mapped[str | None] = mapped_column(String(80))


class TagCaseEvent(Base):
    """One line of a case's history."""

    __tablename__ = "tag_case_event"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    case_id: Mapped[int] = mapped_column(ForeignKey("tag_case.id", ondelete="CASCADE"), index=True)
    kind: Mapped[str] = mapped_column(String(12))
    actor: Mapped[str] = mapped_column(String(80))
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    verdict: Mapped[str | None] = mapped_column(String(10))
    strength: Mapped[float | None] = mapped_column(Float(53))
    reason: Mapped[str | None] = mapped_column(Encrypted("tag_case_event.reason"))


class TagCaseDue(Base):
    """A physician about whom something has changed since the court looked."""

    __tablename__ = "tag_case_due"

    one_id: Mapped[str] = mapped_column(String(24), primary_key=True)


class TagCourt(Base):
    """One row: from which strength a case settles itself (None: never), and what was learned.

    `odds_without`, `odds_with`: how the odds of opening a content with a tag change when the tag
    does not hold, and when it does; `common`: how often it holds where nobody says so.
    """

    __tablename__ = "tag_court"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    settle_at: Mapped[float | None] = mapped_column(Float(53))
    odds_without: Mapped[float] = mapped_column(Float(53))
    odds_with: Mapped[float] = mapped_column(Float(53))
    common: Mapped[float] = mapped_column(Float(53))
    open_rate: Mapped[float] = mapped_column(Float(53))
    learned_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    looked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class RetirementState(StrEnum):
    """What became of a proposal."""

    PROPOSED = "proposed"
    ACCEPTED = "accepted"
    REJECTED = "rejected"


class TagRetirement(Base):
    """A tag that predicts nothing, with the figures that say so."""

    __tablename__ = "tag_retirement"

    tag_id: Mapped[int] = mapped_column(ForeignKey("tag.id"), primary_key=True)
    state: Mapped[str] = mapped_column(String(10), default=RetirementState.PROPOSED)
    value: Mapped[float] = mapped_column(Float(53))
    high: Mapped[float] = mapped_column(Float(53))
    people: Mapped[int]
    exposures: Mapped[int]
    opens: Mapped[int]
    expected: Mapped[float] = mapped_column(Float(53))
    proposed_at: Mapped[datetime] = mapped_column(UtcDateTime)
    decided_by: Mapped[str | None] = mapped_column(String(80))
    decided_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
