"""Pairs that may be one physician, for people to decide on; and keys under which such pairs meet.

Nothing here is readable personal data: a candidate points at two identifiers and tells how well
each column agrees, a key is a blind index.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from sqlalchemy import (
    JSON,
    CheckConstraint,
    ForeignKey,
    Index,
    LargeBinary,
    String,
    Text,
    UniqueConstraint,
)
from sqlalchemy.orm import Mapped, mapped_column

from app.infra.db import Base, BigId, UtcDateTime


class State(StrEnum):
    """What became of a candidate."""

    OPEN = "open"
    UNSURE = "unsure"  # somebody looked and could not tell
    ACCEPTED = "accepted"  # one person, said people
    AUTOMATIC = "automatic"  # one person, said the rule
    REJECTED = "rejected"  # two persons, said somebody
    EXPIRED = "expired"  # no question any more: one ONE ID already, or one was forgotten


_REOPENED = frozenset({State.OPEN})
MOVES: Mapping[State, frozenset[State]] = MappingProxyType(
    {
        State.OPEN: frozenset(State) - _REOPENED,
        State.UNSURE: frozenset(State) - {State.UNSURE, State.AUTOMATIC},
        State.ACCEPTED: _REOPENED,
        State.AUTOMATIC: _REOPENED,
        State.REJECTED: _REOPENED,
        State.EXPIRED: _REOPENED,  # they were taken apart again, or came back
    }
)


class LinkCandidate(Base):
    """Two ONE IDs, by the identifiers that stood for them, that may be one physician.

    `score` is the match weight in bits (log2 of the odds), `probability` the same from 0 to 1,
    `weights` column → {"level": which level of agreement, "bits": its part of the score}.
    An open one with `decided_by` was called one person by somebody, and a second has to agree.
    """

    __tablename__ = "link_candidate"
    __table_args__ = (
        UniqueConstraint("a_id", "b_id"),
        CheckConstraint("a_id < b_id", name="ordered"),
        Index("ix_link_candidate_queue", "state", "score", "id"),
        Index("ix_link_candidate_first", "decided_by", "decided_at"),
        Index("ix_link_candidate_second", "second_by", "second_at"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    a_id: Mapped[int] = mapped_column(ForeignKey("identifier.id"))
    b_id: Mapped[int] = mapped_column(ForeignKey("identifier.id"), index=True)
    score: Mapped[float]
    probability: Mapped[float]
    weights: Mapped[dict[str, dict[str, Any]]] = mapped_column(JSON)
    model_version: Mapped[str] = mapped_column(String(40))
    state: Mapped[str] = mapped_column(String(10), default=State.OPEN)
    decided_by: Mapped[str | None] = mapped_column(String(80))
    decided_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    basis: Mapped[str | None] = mapped_column(String(32))  # what the first of two saw: `basis`
    second_by: Mapped[str | None] = mapped_column(String(80))  # who agreed, of two
    second_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    undone_by: Mapped[str | None] = mapped_column(String(80))  # so that no rule decides it again
    override_id: Mapped[int | None] = mapped_column(ForeignKey("identity_override.id"))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime)


class LinkKey(Base):
    """Blind-indexed keys of a physician; two with a key in common are worth comparing."""

    __tablename__ = "link_key"

    token: Mapped[bytes] = mapped_column(LargeBinary(8), primary_key=True)
    one_id: Mapped[str] = mapped_column(
        ForeignKey("physician.one_id", ondelete="CASCADE"), primary_key=True, index=True
    )


class LinkModel(Base):
    """Trained weights, as the JSON that `model.loads` reads; the newest are used."""

    __tablename__ = "link_model"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    version: Mapped[str] = mapped_column(String(40))
    weights: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime] = mapped_column(UtcDateTime)
