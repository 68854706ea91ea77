"""What reps say beyond a tap: not my physician, and reasons in their own words."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, BigInteger, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.infra.db import Base, BigId, Encrypted, UtcDateTime


class ClaimState(StrEnum):
    """What became of “not my physician”."""

    OPEN = "open"
    REMOVED = "removed"  # true: the physician leaves the rep's lists
    REASSIGNED = "reassigned"  # true, and somebody else is told
    WRONG = "wrong"  # the rep is mistaken: suggestions go on


class RuleState(StrEnum):
    """Life of a rule that began as a rep's words."""

    PROPOSED = "proposed"
    LIVE = "live"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"


class Scope(StrEnum):
    """For whom a rule stops contents."""

    REP = "rep"  # everything that goes through this rep
    PERSON = "person"  # one physician, through whomever
    SEGMENT = "segment"
    ALL = "all"


class RelationClaim(Base):
    """A rep says: not my physician. It points at the contact's identifier, so a split moves it."""

    __tablename__ = "relation_claim"
    __table_args__ = (Index("ix_relation_claim_pair", "identifier_id", "rep_id"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    rep_id: Mapped[int] = mapped_column(ForeignKey("rep.id"))
    identifier_id: Mapped[int] = mapped_column(ForeignKey("identifier.id", ondelete="CASCADE"))
    suggestion_id: Mapped[int | None] = mapped_column(BigInteger)
    state: Mapped[str] = mapped_column(String(12), default=ClaimState.OPEN, index=True)
    to_rep_id: Mapped[int | None] = mapped_column(ForeignKey("rep.id"))
    claimed_at: Mapped[datetime] = mapped_column(UtcDateTime)
    decided_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    decided_by: Mapped[str | None] = mapped_column(String(80))
    decision: Mapped[str | None] = mapped_column(Encrypted("relation_claim.decision"))  # why


class StopRule(Base):
    """Contents that are not suggested to somebody until a day: proposed by reps' words, approved
    by marketing. What it stops: contents with one of `tag_ids`, or the one content."""

    __tablename__ = "stop_rule"
    __table_args__ = (Index("ix_stop_rule_state", "state", "until"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    state: Mapped[str] = mapped_column(String(12), default=RuleState.PROPOSED)
    number: Mapped[int] = mapped_column(default=1)  # of the version
    tag_ids: Mapped[list[int]] = mapped_column(JSON, default=list)
    content_id: Mapped[int | None] = mapped_column(ForeignKey("content.id"))
    scope: Mapped[str] = mapped_column(String(8))
    rep_id: Mapped[int | None] = mapped_column(ForeignKey("rep.id"))
    identifier_id: Mapped[int | None] = mapped_column(
        ForeignKey("identifier.id", ondelete="CASCADE"), index=True
    )
    segment_id: Mapped[int | None] = mapped_column(ForeignKey("segment.id"))
    until: Mapped[datetime] = mapped_column(UtcDateTime)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    decided_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    decided_by: Mapped[str | None] = mapped_column(String(80))


class StopRuleVersion(Base):
    """What a rule said at some time, who changed it, and why."""

    __tablename__ = "stop_rule_version"
    __table_args__ = (UniqueConstraint("rule_id", "number"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    rule_id: Mapped[int] = mapped_column(ForeignKey("stop_rule.id", ondelete="CASCADE"))
    number: Mapped[int]
    what: Mapped[dict[str, Any]] = mapped_column(JSON)
    by: Mapped[str] = mapped_column(String(80))
    reason: Mapped[str] = mapped_column(Encrypted("stop_rule_version.reason"), default="")
    at: Mapped[datetime] = mapped_column(UtcDateTime)


class RefusalNote(Base):
    """A rep's own words about a suggestion that was not suitable, one each."""

    __tablename__ = "refusal_note"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    suggestion_id: Mapped[int] = mapped_column(
        ForeignKey("suggestion.id", ondelete="CASCADE"), unique=True
    )
    rep_id: Mapped[int] = mapped_column(ForeignKey("rep.id"))
    identifier_id: Mapped[int] = mapped_column(
        ForeignKey("identifier.id", ondelete="CASCADE"), index=True
    )
    content_id: Mapped[int] = mapped_column(ForeignKey("content.id"))
    rule_id: Mapped[int | None] = mapped_column(
        ForeignKey("stop_rule.id", ondelete="SET NULL"), index=True
    )
    text: Mapped[str] = mapped_column(Encrypted("refusal_note.text"))
    at: Mapped[datetime] = mapped_column(UtcDateTime)
