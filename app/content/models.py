"""The library of material that may be sent: versions, approval, tags."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import JSON, ForeignKey, Index, LargeBinary, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from app.infra.db import Base, BigId, UtcDateTime


class Stage(StrEnum):
    """Life of a version; the allowed moves are in `approval.py`."""

    DRAFT = "draft"
    IN_REVIEW = "in_review"
    APPROVED = "approved"
    WITHDRAWN = "withdrawn"


class Purpose(StrEnum):
    """What a version is for. Approved with it, so nobody alone says that something is a notice."""

    USUAL = "usual"
    SAFETY = "safety"  # a safety notice or a recall: left to no chance, see docs/recommend.md


class Brand(Base):
    """A product that content speaks about."""

    __tablename__ = "brand"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    key: Mapped[str] = mapped_column(String(40), unique=True)
    name: Mapped[str] = mapped_column(String(60))
    therapy_area: Mapped[str] = mapped_column(String(60))


class Content(Base):
    """A piece of material over all its versions."""

    __tablename__ = "content"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    brand_id: Mapped[int | None] = mapped_column(ForeignKey("brand.id"), index=True)
    audience: Mapped[str] = mapped_column(String(12), default="hcp")
    replaced_by_id: Mapped[int | None] = mapped_column(ForeignKey("content.id"))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class ContentVersion(Base):
    """What was written, who allowed it, until when. Approval seals `fingerprint`."""

    __tablename__ = "content_version"
    __table_args__ = (
        UniqueConstraint("content_id", "number"),
        Index("ix_content_version_stage", "stage", "valid_until"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    content_id: Mapped[int] = mapped_column(ForeignKey("content.id"), index=True)
    number: Mapped[int] = mapped_column(default=1)
    kind: Mapped[str] = mapped_column(String(10), default="article")  # article, link, meeting
    purpose: Mapped[str] = mapped_column(
        String(10), default=Purpose.USUAL, server_default=Purpose.USUAL
    )
    title: Mapped[str] = mapped_column(String(120))
    summary: Mapped[str] = mapped_column(String(300), default="")
    body: Mapped[str] = mapped_column(Text, default="")  # Markdown
    url: Mapped[str] = mapped_column(String(500), default="")
    starts_at: Mapped[datetime | None] = mapped_column(UtcDateTime)  # of a meeting
    ends_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    place: Mapped[str] = mapped_column(String(200), default="", server_default="")
    author_name: Mapped[str] = mapped_column(String(80), default="")
    sources: Mapped[str] = mapped_column(Text, default="")
    stage: Mapped[str] = mapped_column(String(12), default=Stage.DRAFT)
    approval_no: Mapped[str] = mapped_column(String(60), default="")
    valid_from: Mapped[datetime | None] = mapped_column(UtcDateTime)
    valid_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    created_by: Mapped[str] = mapped_column(String(80))  # user:7, token:cms
    writers: Mapped[list[str]] = mapped_column(JSON, server_default=text("'[]'"))  # none approves
    submitted_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    decided_by: Mapped[str | None] = mapped_column(String(80))
    decided_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    decision_note: Mapped[str] = mapped_column(Text, default="")
    withdrawn_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    withdraw_reason: Mapped[str] = mapped_column(Text, default="")
    fingerprint: Mapped[bytes | None] = mapped_column(LargeBinary(32))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class VersionTag(Base):
    """What a version is about, in the one vocabulary: approved with it, changed with the next."""

    __tablename__ = "content_version_tag"

    version_id: Mapped[int] = mapped_column(
        ForeignKey("content_version.id", ondelete="CASCADE"), primary_key=True
    )
    tag_id: Mapped[int] = mapped_column(ForeignKey("tag.id"), primary_key=True, index=True)
    weight: Mapped[float] = mapped_column(default=1.0)


class ContentTerms(Base):
    """For whom a content is, beyond its approval; without a row for every physician."""

    __tablename__ = "content_terms"

    content_id: Mapped[int] = mapped_column(
        ForeignKey("content.id", ondelete="CASCADE"), primary_key=True
    )
    verified_only: Mapped[bool] = mapped_column(default=False)  # whose licence number is known
    provinces: Mapped[list[str]] = mapped_column(JSON, default=list)  # none: everywhere
    specialties: Mapped[list[str]] = mapped_column(JSON, default=list)  # none: all
    refusal_for_all: Mapped[bool] = mapped_column(default=False)  # one rep's hides it from all
    changed_by: Mapped[str] = mapped_column(String(80))
    changed_at: Mapped[datetime] = mapped_column(UtcDateTime)
