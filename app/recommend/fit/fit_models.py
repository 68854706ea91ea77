"""What a night has worked out for each physician, and how far it is.

A night is cut into shards, ranges of ONE IDs, that any number of workers claim. What it gives for a
physician is one short row (`fit_rows.py` has its form): numbers only.
"""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import (
    BigInteger,
    Date,
    ForeignKey,
    Index,
    LargeBinary,
    String,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from app.infra.db import Base, BigId, UtcDateTime


class FitNight(Base):
    """One working out of everybody's fits. `basis`: a digest of all that is the same for everybody
    (library, vocabulary, what was learned, day); another basis makes its rows worthless."""

    __tablename__ = "fit_night"

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    day: Mapped[date] = mapped_column(Date)  # in China
    basis: Mapped[str] = mapped_column(String(64))
    people: Mapped[int] = mapped_column(default=0)
    shards: Mapped[int] = mapped_column(default=0)
    begun_at: Mapped[datetime] = mapped_column(UtcDateTime)


class FitShard(Base):
    """Physicians from `first` (excluded) to `last` (included). `turn` grows with each claim; only
    the newest may write. `lease_until`: when whoever
    works on it is given up, or what failed is tried again."""

    __tablename__ = "fit_shard"
    __table_args__ = (UniqueConstraint("night_id", "number"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    night_id: Mapped[int] = mapped_column(ForeignKey("fit_night.id", ondelete="CASCADE"))
    number: Mapped[int]
    first: Mapped[str] = mapped_column(String(24))
    last: Mapped[str] = mapped_column(String(24))
    turn: Mapped[int] = mapped_column(default=0)
    lease_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    done_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    people: Mapped[int] = mapped_column(default=0)
    error: Mapped[str] = mapped_column(String(200), default="")


class PhysicianFit(Base):
    """A physician's best contents by night `night_id`. 0: something about the physician has
    changed since the shard was claimed, so nothing that was read before is true."""

    __tablename__ = "physician_fit"
    __table_args__ = (
        Index(
            "ix_physician_fit_touched", "one_id",
            sqlite_where=text("night_id = 0"), postgresql_where=text("night_id = 0"),
        ),
    )  # fmt: skip

    one_id: Mapped[str] = mapped_column(String(24), primary_key=True)
    night_id: Mapped[int] = mapped_column(BigInteger)
    body: Mapped[bytes] = mapped_column(LargeBinary)
