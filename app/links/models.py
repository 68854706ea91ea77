"""Tracked links and their page views, and the QR codes through which physicians arrive."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import (
    JSON,
    BigInteger,
    ForeignKey,
    LargeBinary,
    String,
    Text,
    UniqueConstraint,
)
from sqlalchemy.orm import Mapped, mapped_column

from app.infra.db import Base, BigId, UtcDateTime


class TrackedLink(Base):
    """One content version for one recipient: `/t/<token>`."""

    __tablename__ = "tracked_link"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    token: Mapped[str] = mapped_column(String(24), unique=True)
    content_version_id: Mapped[int] = mapped_column(ForeignKey("content_version.id"), index=True)
    identifier_id: Mapped[int | None] = mapped_column(
        ForeignKey("identifier.id", ondelete="SET NULL"), index=True
    )
    rep_id: Mapped[int | None] = mapped_column(ForeignKey("rep.id"))
    suggestion_id: Mapped[int | None] = mapped_column(BigInteger, index=True)
    campaign_id: Mapped[int | None] = mapped_column(BigInteger, index=True)
    channel: Mapped[str] = mapped_column(String(16))  # wecom, oa, group_task
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)


class PageView(Base):
    """One opening of a tracked page: visible seconds and deepest scroll, growing while read."""

    __tablename__ = "page_view"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    link_id: Mapped[int] = mapped_column(ForeignKey("tracked_link.id"), index=True)
    visit_key: Mapped[str] = mapped_column(String(32), unique=True)
    opened_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    visible_s: Mapped[float] = mapped_column(default=0.0)
    depth_pct: Mapped[int] = mapped_column(default=0)
    read_at: Mapped[datetime | None] = mapped_column(UtcDateTime)  # when it counted as read
    agent: Mapped[str] = mapped_column(String(12), default="other")  # wechat, wecom, other


class ChannelCode(Base):
    """A QR code or contact way: the `State` or scene it brings, and the tags it asserts."""

    __tablename__ = "channel_code"
    __table_args__ = (UniqueConstraint("kind", "scene"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    kind: Mapped[str] = mapped_column(String(8))  # wecom, oa
    scene: Mapped[str] = mapped_column(String(64))
    name: Mapped[str] = mapped_column(String(80))
    rep_id: Mapped[int | None] = mapped_column(ForeignKey("rep.id"))
    tag_keys: Mapped[list[str]] = mapped_column(JSON, default=list)
    welcome_text: Mapped[str] = mapped_column(Text, default="")
    config_id: Mapped[str] = mapped_column(String(80), default="")
    qr_url: Mapped[str] = mapped_column(Text, default="")
    active: Mapped[bool] = mapped_column(default=True)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class OwnLink(Base):
    """The key of a physician's own page, `/me/<token>`: only its hash is kept. It belongs to the
    identifier that asked for it, so merges and splits move it."""

    __tablename__ = "own_link"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    token_hash: Mapped[bytes] = mapped_column(LargeBinary(32), unique=True)
    identifier_id: Mapped[int] = mapped_column(
        ForeignKey("identifier.id", ondelete="CASCADE"), index=True
    )
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
