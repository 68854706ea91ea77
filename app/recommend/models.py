"""Suggestions: physician × content × way × time with reasons, for one rep."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Date,
    ForeignKey,
    Index,
    LargeBinary,
    String,
    UniqueConstraint,
)
from sqlalchemy.orm import Mapped, mapped_column

from app.infra.db import Base, BigId, Encrypted, UtcDateTime


class State(StrEnum):
    """Life of a suggestion; the answers come from the rep."""

    PLANNED = "planned"
    DELIVERED = "delivered"  # the card reached the rep
    ADOPTED = "adopted"
    LATER = "later"
    REFUSED = "refused"
    EXPIRED = "expired"  # not answered in its time
    CANCELLED = "cancelled"  # no longer allowed


class DailyPlan(Base):
    """One planning run for one rep and day; kept also when it suggested nothing."""

    __tablename__ = "daily_plan"
    __table_args__ = (UniqueConstraint("rep_id", "day"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    rep_id: Mapped[int] = mapped_column(ForeignKey("rep.id"))
    day: Mapped[date] = mapped_column(Date)  # in China
    policy_version: Mapped[int] = mapped_column(default=1)
    considered: Mapped[int] = mapped_column(default=0)
    suggested: Mapped[int] = mapped_column(default=0)
    left_out: Mapped[dict[str, int]] = mapped_column(JSON, default=dict)  # reason → physicians
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class Suggestion(Base):
    """One suggestion. It points at the contact's identifier, so a split moves it."""

    __tablename__ = "suggestion"
    __table_args__ = (
        UniqueConstraint("plan_key", "identifier_id"),
        Index("ix_suggestion_rep_day", "rep_id", "day"),
        Index("ix_suggestion_person", "identifier_id", "content_id"),
        Index("ix_suggestion_day", "day"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    plan_key: Mapped[str] = mapped_column(String(60))  # day:REP:DATE or campaign:ID:RUN:REP
    rep_id: Mapped[int] = mapped_column(ForeignKey("rep.id"))
    identifier_id: Mapped[int] = mapped_column(ForeignKey("identifier.id", ondelete="CASCADE"))
    content_id: Mapped[int] = mapped_column(ForeignKey("content.id"))
    content_version_id: Mapped[int] = mapped_column(ForeignKey("content_version.id"))
    campaign_id: Mapped[int | None] = mapped_column(BigInteger, index=True)
    way: Mapped[str] = mapped_column(String(12), default="", server_default="")  # way.By
    day: Mapped[date] = mapped_column(Date)
    position: Mapped[int] = mapped_column(default=0)
    score: Mapped[float] = mapped_column(default=0.0)
    reasons: Mapped[list[str]] = mapped_column(JSON, default=list)  # 2–3 Chinese sentences
    contributions: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)  # tag key → part
    verdict: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    state: Mapped[str] = mapped_column(String(10), default=State.PLANNED)
    refusal: Mapped[str | None] = mapped_column(String(20))  # content, timing, discussed, …
    # Nobody reads or writes it any more (`feedback.RefusalNote` has the words): to be dropped.
    refusal_note: Mapped[str | None] = mapped_column(Encrypted("suggestion.refusal_note"))
    hidden_until: Mapped[datetime | None] = mapped_column(UtcDateTime)  # later, refused
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    delivered_at: Mapped[datetime | None] = mapped_column(UtcDateTime)  # by card or first answer
    answered_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    forwarded_at: Mapped[datetime | None] = mapped_column(UtcDateTime)  # known to have been sent


class SuggestionAnswer(Base):
    """Everything a rep answered, one row each; the training data of later learning."""

    __tablename__ = "suggestion_answer"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    suggestion_id: Mapped[int] = mapped_column(
        ForeignKey("suggestion.id", ondelete="CASCADE"), index=True
    )
    answer: Mapped[str] = mapped_column(String(12))  # adopt, later, refuse
    reason: Mapped[str] = mapped_column(String(20), default="")
    ref: Mapped[str] = mapped_column(String(120), unique=True)  # inbox:12, page:…
    at: Mapped[datetime] = mapped_column(UtcDateTime)


class LearnedResponse(Base):
    """What one night learned from all answers so far (`response.dumps`), one a day in China.

    `body`: ids of tags and contents with numbers; nothing about anybody.
    """

    __tablename__ = "learned_response"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    day: Mapped[date] = mapped_column(Date, unique=True)
    answers: Mapped[int] = mapped_column(default=0)
    figures: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    body: Mapped[bytes] = mapped_column(LargeBinary)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
