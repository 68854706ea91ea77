"""Our tags in WeCom: which corp tag stands for a tag, and on which sides of contacts it should be.

`tag_mark` says of each side (a rep's view of a contact) and tag what we want, what we know to be
there and whether it was us who put it there. A side has one row of its own (`tag_mark_side`): it is
claimed and called for by one worker at a time, because the platform answers 45035 to two.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import BigInteger, ForeignKey, Index, String, Text, UniqueConstraint, false
from sqlalchemy.orm import Mapped, mapped_column

from app.infra.db import Base, BigId, UtcDateTime


class MirrorState(StrEnum):
    """How a corp tag of ours is."""

    PLANNED = "planned"  # to be made or adopted
    MAKING = "making"  # asked for; nobody has answered yet
    THERE = "there"
    RENAMED = "renamed"  # there, but an administrator has given it another name
    GONE = "gone"  # an administrator has deleted it: shown, not fought over
    REFUSED = "refused"  # the platform or a rule says no; `error` says why
    ENDING = "ending"  # not mirrored any more: our marks go, then what we made


class TagMirror(Base):
    """The corp tag that stands for a tag in one corp. `made`: by us, so that we may change it."""

    __tablename__ = "tag_mirror"
    __table_args__ = (UniqueConstraint("corp_id", "tag_id"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    corp_id: Mapped[str] = mapped_column(String(64))
    tag_id: Mapped[int] = mapped_column(ForeignKey("tag.id"))
    wecom_tag_id: Mapped[str] = mapped_column(String(64), default="", index=True)
    name: Mapped[str] = mapped_column(String(80), default="")  # as we know it there
    group_name: Mapped[str] = mapped_column(String(80), default="")
    made: Mapped[bool] = mapped_column(default=False)
    state: Mapped[str] = mapped_column(String(10))
    error: Mapped[str] = mapped_column(Text, default="")
    at: Mapped[datetime] = mapped_column(UtcDateTime)


class TagMark(Base):
    """A tag on one side. `writing`: "add" or "remove" while our call may be under way.

    `missing_at`: we put it there and a reading did not show it. `refused_at`: the rep took it away.
    """

    __tablename__ = "tag_mark"
    __table_args__ = (Index("ix_tag_mark_tag", "tag_id", "wanted"),)

    contact_id: Mapped[int] = mapped_column(
        ForeignKey("rep_contact.id", ondelete="CASCADE"), primary_key=True
    )
    tag_id: Mapped[int] = mapped_column(ForeignKey("tag.id"), primary_key=True)
    wanted: Mapped[bool] = mapped_column(default=False)
    known: Mapped[bool] = mapped_column(default=False)
    ours: Mapped[bool] = mapped_column(default=False)
    writing: Mapped[str] = mapped_column(String(6), default="")
    missing_at: Mapped[datetime | None] = mapped_column(UtcDateTime, index=True)
    refused_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    error: Mapped[str] = mapped_column(Text, default="")
    at: Mapped[datetime] = mapped_column(UtcDateTime)


class MarkSide(Base):
    """A side that has, or had, something to be written. `due_at` empty: nothing now."""

    __tablename__ = "tag_mark_side"

    contact_id: Mapped[int] = mapped_column(
        ForeignKey("rep_contact.id", ondelete="CASCADE"), primary_key=True
    )
    due_at: Mapped[datetime | None] = mapped_column(UtcDateTime, index=True)
    lease_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    turn: Mapped[int] = mapped_column(default=0)  # grows with each claim
    attempts: Mapped[int] = mapped_column(default=0)
    one_by_one: Mapped[bool] = mapped_column(default=False, server_default=false())
    error: Mapped[str] = mapped_column(Text, default="")


class MirrorPlan(Base):
    """One row: how far changes of audiences were followed, and when a look at all began last.

    `full_after`: the ONE ID behind which that look goes on; None: it is over. `again`: ONE IDs, by
    comma, that somebody else was reading just then.
    """

    __tablename__ = "tag_mirror_plan"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    generation: Mapped[str] = mapped_column(String(32), default="")
    upto: Mapped[int] = mapped_column(BigInteger, default=0)
    chosen: Mapped[str] = mapped_column(Text, default="")  # ids of the mirrored tags, by comma
    full_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    listed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    full_after: Mapped[str | None] = mapped_column(String(24))
    again: Mapped[str] = mapped_column(Text, default="", server_default="")
