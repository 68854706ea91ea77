"""Saved audiences, static lists, whom to spare; and what is kept ready to answer any expression.

`segment_person` gives a physician a number, the place of one bit, and remembers which facts hold.
`segment_fact` has for each fact the set of those numbers, as of change `upto`; newer changes are
in `segment_change`, until they are worked in. All of it can be built again from the other tables.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    ForeignKey,
    LargeBinary,
    String,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from app.infra.db import Base, BigId, EncryptedJson, UtcDateTime

FORM = "3-"  # another one whenever there are facts that older sets do not hold


class Segment(Base):
    """The physicians for whom an expression holds: that of its newest version."""

    __tablename__ = "segment"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    name: Mapped[str] = mapped_column(String(80), unique=True)
    description: Mapped[str] = mapped_column(Text, default="", server_default="")
    expression: Mapped[str] = mapped_column(Text)
    version: Mapped[int] = mapped_column(default=1, server_default=text("1"))
    created_by: Mapped[str] = mapped_column(String(80))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class SegmentVersion(Base):
    """What a segment meant from a moment on, and how many it held then."""

    __tablename__ = "segment_version"
    __table_args__ = (UniqueConstraint("segment_id", "number"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    segment_id: Mapped[int] = mapped_column(ForeignKey("segment.id", ondelete="CASCADE"))
    number: Mapped[int]
    expression: Mapped[str] = mapped_column(Text)
    size: Mapped[int | None]  # None: it could not be counted
    author: Mapped[str] = mapped_column(String(80))
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    back_to: Mapped[int | None]  # the older version that this one repeats


class ListState(StrEnum):
    """Life of a static list: looked at first, then used."""

    DRAFT = "draft"
    READY = "ready"


class SegmentList(Base):
    """Physicians that a file named. `figures`: found, and what was not, by reason; `sheet`: the
    file's header and lines, while it is a draft; `columns`: which column is which identifier, to
    be known again by `header_mark`."""

    __tablename__ = "segment_list"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    name: Mapped[str] = mapped_column(String(80), unique=True)
    purpose: Mapped[str] = mapped_column(String(200))
    filename: Mapped[str] = mapped_column(String(200))
    state: Mapped[str] = mapped_column(String(8), default=ListState.DRAFT)
    figures: Mapped[dict[str, int]] = mapped_column(JSON)
    report: Mapped[list[dict[str, Any]] | None] = mapped_column(
        EncryptedJson("segment_list.report")
    )  # lines that name nobody, while it is a draft
    sheet: Mapped[dict[str, Any] | None] = mapped_column(EncryptedJson("segment_list.sheet"))
    header_mark: Mapped[str | None] = mapped_column(String(64))
    columns: Mapped[dict[str, int] | None] = mapped_column(JSON)
    created_by: Mapped[str] = mapped_column(String(80))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class SegmentListMember(Base):
    """Somebody on a list, by identifier: so merges and splits move them."""

    __tablename__ = "segment_list_member"

    list_id: Mapped[int] = mapped_column(
        ForeignKey("segment_list.id", ondelete="CASCADE"), primary_key=True
    )
    identifier_id: Mapped[int] = mapped_column(
        ForeignKey("identifier.id", ondelete="CASCADE"), primary_key=True, index=True
    )


class Suppression(Base):
    """Whom nobody writes to: a list or a segment, for one campaign, or (None) for all messages."""

    __tablename__ = "suppression"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    list_id: Mapped[int | None] = mapped_column(ForeignKey("segment_list.id"), index=True)
    segment_id: Mapped[int | None] = mapped_column(ForeignKey("segment.id"), index=True)
    campaign_id: Mapped[int | None] = mapped_column(BigInteger, index=True)
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
    """One row. `generation` begins with `FORM`, changes with every rebuild and is empty before the
    first; sets of another form hold other facts, and count as never built."""

    __tablename__ = "segment_state"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    generation: Mapped[str] = mapped_column(String(32), default="")
    upto: Mapped[int] = mapped_column(BigInteger, default=0)  # changes worked in and deleted
    builder: Mapped[str] = mapped_column(String(32), default="")  # who builds it anew
    builder_seen_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    @property
    def is_built(self) -> bool:
        """Whether there are sets that hold every fact."""
        return self.generation.startswith(FORM)
