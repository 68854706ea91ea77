"""A moment of one rep for chosen contacts, from the tag that says who sees it to the end."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import BigInteger, ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.infra.db import Base, BigId, UtcDateTime


class Step(StrEnum):
    """Where a moment stands; `failed` and `closed` are ends."""

    NEW = "new"  # its tag is to be made
    SHOWING = "showing"  # contacts are being marked
    ASKING = "asking"  # the task is on its way
    MAKING = "making"  # the platform has the job
    CONFIRMING = "confirming"  # the rep is to publish it
    PUBLISHED = "published"  # its tag is still there
    CLOSED = "closed"
    FAILED = "failed"


class Moment(Base):
    """One moment; `url` is the link that only this one has."""

    __tablename__ = "moment"
    __table_args__ = (Index("ix_moment_check_at", "check_at"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    key: Mapped[str] = mapped_column(String(120), unique=True)  # run:12:3, together:…
    rep_id: Mapped[int] = mapped_column(ForeignKey("rep.id"), index=True)
    content_version_id: Mapped[int] = mapped_column(ForeignKey("content_version.id"))
    campaign_id: Mapped[int | None] = mapped_column(BigInteger, index=True)
    url: Mapped[str] = mapped_column(String(500))
    step: Mapped[str] = mapped_column(String(12), default=Step.NEW)
    tag_id: Mapped[str] = mapped_column(String(80), default="")
    moment_id: Mapped[str] = mapped_column(String(128), default="")
    error: Mapped[str] = mapped_column(Text, default="")
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    published_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    check_at: Mapped[datetime | None] = mapped_column(UtcDateTime)  # None: nothing is left to do


class MomentViewer(Base):
    """Somebody who is meant to see it; the message is what is judged, counted and marked."""

    __tablename__ = "moment_viewer"
    __table_args__ = (UniqueConstraint("moment_id", "identifier_id"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    moment_id: Mapped[int] = mapped_column(ForeignKey("moment.id", ondelete="CASCADE"))
    identifier_id: Mapped[int] = mapped_column(
        ForeignKey("identifier.id", ondelete="CASCADE"), index=True
    )
    suggestion_id: Mapped[int | None] = mapped_column(BigInteger)
    dispatch_id: Mapped[int | None] = mapped_column(
        ForeignKey("dispatch.id", ondelete="SET NULL"), index=True
    )
