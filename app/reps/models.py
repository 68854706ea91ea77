"""Sales reps and the external contacts they are connected with."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, Index, LargeBinary, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.infra.db import Base, BigId, Encrypted, UtcDateTime


class RelationState(StrEnum):
    """How a rep and a contact stand to each other."""

    CONNECTED = "connected"
    ONE_SIDED = "one_sided"  # the rep has not added back: the platform's API answers 84061
    REMOVED_BY_REP = "removed_by_rep"
    REMOVED_BY_PHYSICIAN = "removed_by_physician"


class Rep(Base):
    """An employee with a WeCom userid (kept in lower case: the platform ignores case)."""

    __tablename__ = "rep"
    __table_args__ = (UniqueConstraint("corp_id", "userid"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    corp_id: Mapped[str] = mapped_column(String(64))
    userid: Mapped[str] = mapped_column(String(64))
    name: Mapped[str] = mapped_column(String(80), default="")
    team: Mapped[str] = mapped_column(String(80), default="")
    active: Mapped[bool] = mapped_column(default=True)
    daily_at_minute: Mapped[int] = mapped_column(default=9 * 60)  # minutes after midnight, China
    daily_limit: Mapped[int] = mapped_column(default=5)
    prefers_group_task: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    # Of when the news is that says whether the rep works here; the column's name is older.
    told_at: Mapped[datetime | None] = mapped_column("left_at", UtcDateTime)


class RepContact(Base):
    """One rep and one external contact (an identifier of kind wecom_external_userid)."""

    __tablename__ = "rep_contact"
    __table_args__ = (
        UniqueConstraint("rep_id", "identifier_id"),
        Index("ix_rep_contact_state", "rep_id", "state"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    rep_id: Mapped[int] = mapped_column(ForeignKey("rep.id"))
    identifier_id: Mapped[int] = mapped_column(ForeignKey("identifier.id"), index=True)
    state: Mapped[str] = mapped_column(String(24))
    remark: Mapped[str | None] = mapped_column(Encrypted("rep_contact.remark"))
    add_way: Mapped[int | None]
    channel_state: Mapped[str] = mapped_column(String(64), default="")
    since: Mapped[datetime] = mapped_column(UtcDateTime)
    until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    last_chat_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    synced_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    mark: Mapped[bytes | None] = mapped_column(LargeBinary(32))  # how it looked when it was read


class RepBrand(Base):
    """A brand that a rep speaks for; a rep without any speaks for all."""

    __tablename__ = "rep_brand"

    rep_id: Mapped[int] = mapped_column(ForeignKey("rep.id", ondelete="CASCADE"), primary_key=True)
    brand_id: Mapped[int] = mapped_column(
        ForeignKey("brand.id", ondelete="CASCADE"), primary_key=True, index=True
    )
