"""What happened between the company and a physician."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.infra.db import Base, BigId, EncryptedJson, UtcDateTime


class Happened(StrEnum):
    """Kinds of touchpoints."""

    CONTACT_ADDED = "contact_added"
    CONTACT_REMOVED = "contact_removed"
    FOLLOWED = "followed"
    UNFOLLOWED = "unfollowed"
    CODE_SCANNED = "code_scanned"
    MENU_USED = "menu_used"
    MESSAGE_RECEIVED = "message_received"
    MESSAGE_SENT = "message_sent"
    CONTENT_SENT = "content_sent"
    CONTENT_OPENED = "content_opened"
    CONTENT_READ = "content_read"
    CONSENT_CHANGED = "consent_changed"
    TAGGED = "tagged"
    GROUP_JOINED = "group_joined"
    ACQUIRED = "acquired"
    MEETING_ACCEPTED = "meeting_accepted"
    MEETING_DECLINED = "meeting_declined"
    MEETING_ATTENDED = "meeting_attended"


class Touchpoint(Base):
    """One line of a physician's journey. It points at an identifier, so a split moves it."""

    __tablename__ = "touchpoint"
    __table_args__ = (Index("ix_touchpoint_person", "identifier_id", "at"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    ref: Mapped[str] = mapped_column(String(120), unique=True)  # inbox:12, view:3:read …
    identifier_id: Mapped[int] = mapped_column(ForeignKey("identifier.id", ondelete="CASCADE"))
    kind: Mapped[str] = mapped_column(String(24))
    channel: Mapped[str] = mapped_column(String(16))  # wecom, oa, page, console
    at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    rep_id: Mapped[int | None] = mapped_column(ForeignKey("rep.id"), index=True)
    content_version_id: Mapped[int | None] = mapped_column(ForeignKey("content_version.id"))
    campaign_id: Mapped[int | None] = mapped_column(BigInteger, index=True)
    detail: Mapped[dict[str, Any] | None] = mapped_column(EncryptedJson("touchpoint.detail"))


class MeetingAnswer(Base):
    """What a physician answered to an invitation, and whether they came; the newest word counts."""

    __tablename__ = "meeting_answer"
    __table_args__ = (UniqueConstraint("content_id", "identifier_id"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    content_id: Mapped[int] = mapped_column(ForeignKey("content.id"))
    identifier_id: Mapped[int] = mapped_column(
        ForeignKey("identifier.id", ondelete="CASCADE"), index=True
    )
    rep_id: Mapped[int | None] = mapped_column(ForeignKey("rep.id"), index=True)  # who hears
    coming: Mapped[bool | None]  # None: never answered
    changes: Mapped[int] = mapped_column(default=0)
    attended: Mapped[bool | None]
    attended_by: Mapped[str] = mapped_column(String(80), default="")  # rep:3, file …
    at: Mapped[datetime] = mapped_column(UtcDateTime)
