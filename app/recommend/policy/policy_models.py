"""How suggestions are chosen, in versions, and what was decided under each."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, BigInteger, Date, ForeignKey, Index, LargeBinary, String, text
from sqlalchemy.orm import Mapped, mapped_column

from app.infra.db import Base, BigId, UtcDateTime

STORED = text("deviations IS NOT NULL")
TOSSED = text("holdout > 0")


class PolicyState(StrEnum):
    """Life of a policy; the allowed moves are in `policies.py`."""

    DRAFT = "draft"
    ASKED = "asked"  # a worker is to judge it by what was logged
    FAILED = "failed"  # the gate did not let it through
    GATED = "gated"
    CANARY = "canary"  # on trial with a few reps
    LIVE = "live"
    RETIRED = "retired"  # another one followed it
    ROLLED_BACK = "rolled_back"


class DecisionKind(StrEnum):
    """How a content came to its slot."""

    EXACT = "exact"  # drawn, with the chances that are logged
    GREEDY = "greedy"  # the best of its options, nothing was drawn
    ASKED = "asked"  # the rep had postponed it
    SAFETY = "safety"  # a safety notice or a recall, which no chance shows or hides


GIVEN = (DecisionKind.ASKED, DecisionKind.SAFETY)  # whatever the policy


class Policy(Base):
    """One version of the settings, and what became of it."""

    __tablename__ = "policy"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    version: Mapped[int] = mapped_column(unique=True)
    name: Mapped[str] = mapped_column(String(80))
    state: Mapped[str] = mapped_column(String(12), default=PolicyState.DRAFT, index=True)
    alpha: Mapped[float] = mapped_column(default=0.0)  # of the posterior's variance
    floor: Mapped[float] = mapped_column(default=0.0)  # shared evenly by all options
    top: Mapped[int] = mapped_column(default=10)  # options of one physician
    holdout: Mapped[float] = mapped_column(default=0.0)  # share of physicians' fortnights
    holdout_from: Mapped[int] = mapped_column(default=0)  # connected physicians; below: nobody
    worth: Mapped[dict[str, float]] = mapped_column(JSON, default=dict)  # accept, open, read
    author: Mapped[str] = mapped_column(String(80))
    reason: Mapped[str] = mapped_column(String(300), default="")
    gate: Mapped[dict[str, Any] | None] = mapped_column(JSON)
    share: Mapped[float] = mapped_column(default=0.0)  # of reps, while it is a canary
    canary: Mapped[dict[str, Any] | None] = mapped_column(JSON)  # figures of the last judgement
    judged_on: Mapped[date | None] = mapped_column(Date)
    ended: Mapped[dict[str, Any] | None] = mapped_column(JSON)  # why it went: code and figures
    ended_by: Mapped[str] = mapped_column(String(80), default="")
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    canary_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    live_at: Mapped[datetime | None] = mapped_column(UtcDateTime)  # first; before, it was tried
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class Decision(Base):
    """One slot of a daily plan: what could have been in it, with which chance, and what was.

    It points at an identifier, so merges and splits move it. Scores of options come of the person's
    tags: when these are erased, `options` is emptied and `deviations` removed, and what is left
    counts without being judged by.
    """

    __tablename__ = "decision"
    __table_args__ = (
        Index("ix_decision_person", "identifier_id", "day"),
        Index("ix_decision_policy", "policy_id", "day"),
        Index("ix_decision_day", "day", "rep_id"),
        Index("ix_decision_deviations", "day", sqlite_where=STORED, postgresql_where=STORED),
        Index(
            "ix_decision_tossed", "day", "held", "id",
            sqlite_where=TOSSED, postgresql_where=TOSSED,
        ),
    )  # fmt: skip

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    key: Mapped[str] = mapped_column(String(80), unique=True)  # what chance is drawn from
    seed: Mapped[str] = mapped_column(String(40), default="")  # of the night's draws
    policy_id: Mapped[int] = mapped_column(ForeignKey("policy.id"))
    rep_id: Mapped[int] = mapped_column(ForeignKey("rep.id"))
    identifier_id: Mapped[int] = mapped_column(ForeignKey("identifier.id", ondelete="CASCADE"))
    suggestion_id: Mapped[int | None] = mapped_column(BigInteger, unique=True)  # none: held out
    day: Mapped[date] = mapped_column(Date)
    position: Mapped[int] = mapped_column(default=0)
    kind: Mapped[str] = mapped_column(String(8))
    content_id: Mapped[int] = mapped_column(ForeignKey("content.id"))
    content_version_id: Mapped[int] = mapped_column(ForeignKey("content_version.id"))
    chance: Mapped[float] = mapped_column(default=1.0)
    eligible: Mapped[int] = mapped_column(default=0)
    eligible_hash: Mapped[str] = mapped_column(String(16), default="")
    # content id, chance, score; best score first
    options: Mapped[list[list[float]]] = mapped_column(JSON, default=list)
    deviations: Mapped[bytes | None] = mapped_column(LargeBinary)  # of each draw: drawing.pack
    held: Mapped[bool] = mapped_column(default=False)
    holdout: Mapped[float] = mapped_column(default=0.0)  # chance of `held`; 0: nothing was tossed
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
