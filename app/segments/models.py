"""Saved audiences, and what is kept ready to answer any expression at once.

`segment_person` gives a physician a number, the place of one bit, and remembers which facts hold.
`segment_fact` has for each fact the set of those numbers, as of change `upto`; newer changes are
in `segment_change`, until they are worked in. All of it can be built again from the other tables.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, LargeBinary, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.infra.db import Base, BigId, UtcDateTime


class Segment(Base):
    """The physicians for whom an expression holds."""

    __tablename__ = "segment"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    name: Mapped[str] = mapped_column(String(80), unique=True)
    expression: Mapped[str] = mapped_column(Text)
    created_by: Mapped[str] = mapped_column(String(80))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class SegmentPerson(Base):
    """A physician's bit, never used for another; `facts`: ids of facts, four bytes each."""

    __tablename__ = "segment_person"

    bit: Mapped[int] = mapped_column(BigId, primary_key=True)
    one_id: Mapped[str] = mapped_column(String(24), unique=True)
    facts: Mapped[bytes] = mapped_column(LargeBinary, default=b"")
    changes_at: Mapped[datetime | None] = mapped_column(UtcDateTime, index=True)  # by itself


class SegmentFact(Base):
    """For whom a fact holds: a serialised bitmap that knows all changes up to number `upto`."""

    __tablename__ = "segment_fact"
    __table_args__ = (UniqueConstraint("kind", "value"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    kind: Mapped[str] = mapped_column(String(12))  # tag, specialty, rep, open …
    value: Mapped[str] = mapped_column(String(140), default="")
    upto: Mapped[int] = mapped_column(BigInteger, default=0)
    bitmap: Mapped[bytes] = mapped_column(LargeBinary)


class SegmentChange(Base):
    """Facts that began or ended, in the order of their commits; see `changes.py` for the form."""

    __tablename__ = "segment_change"

    n: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    data: Mapped[bytes] = mapped_column(LargeBinary)


class SegmentState(Base):
    """One row. `generation` changes with every rebuild and is empty before the first."""

    __tablename__ = "segment_state"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    generation: Mapped[str] = mapped_column(String(32), default="")
    upto: Mapped[int] = mapped_column(BigInteger, default=0)  # changes worked in and deleted
    builder: Mapped[str] = mapped_column(String(32), default="")  # who builds it anew
    builder_seen_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
