"""What physicians allow, and the rules that limit how often we reach out."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import BigInteger, ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.infra.db import Base, BigId, UtcDateTime


class Purpose(StrEnum):
    """What a permission is for."""

    CONTACT = "contact"
    PROFILING = "profiling"
    ARCHIVE = "archive"


class Action(StrEnum):
    """Given or taken back."""

    GRANT = "grant"
    WITHDRAW = "withdraw"


class ConsentEntry(Base):
    """One line of the ledger; append only, the state is its fold. `channel` "any" covers all."""

    __tablename__ = "consent_entry"
    __table_args__ = (Index("ix_consent_entry_person", "identifier_id", "purpose", "at"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    identifier_id: Mapped[int] = mapped_column(ForeignKey("identifier.id", ondelete="CASCADE"))
    purpose: Mapped[str] = mapped_column(String(16))
    channel: Mapped[str] = mapped_column(String(16), default="any")  # any, wecom, oa
    action: Mapped[str] = mapped_column(String(10))
    source: Mapped[str] = mapped_column(String(40))  # added_rep, followed, keyword, console …
    evidence: Mapped[str] = mapped_column(String(120), default="")  # inbox:12, user:3 …
    text_version: Mapped[str] = mapped_column(String(40), default="")
    actor: Mapped[str] = mapped_column(String(80), default="physician")
    note: Mapped[str] = mapped_column(Text, default="")
    at: Mapped[datetime] = mapped_column(UtcDateTime)


class ContactPolicy(Base):
    """The company's limits; one row, edited in the console."""

    __tablename__ = "contact_policy"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False, default=1)
    cap_contacts: Mapped[int] = mapped_column(default=2)  # per physician, over all reps …
    cap_days: Mapped[int] = mapped_column(default=7)  # … in this rolling window
    quiet_from_minute: Mapped[int] = mapped_column(default=21 * 60)  # minutes, China
    quiet_until_minute: Mapped[int] = mapped_column(default=8 * 60)
    refuse_days: Mapped[int] = mapped_column(default=30)  # 不合适: not again for so long
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime)


class ContactWish(Base):
    """How a person wishes to be reached, said through one identifier: rep, account, any."""

    __tablename__ = "contact_wish"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    identifier_id: Mapped[int] = mapped_column(
        ForeignKey("identifier.id", ondelete="CASCADE"), unique=True
    )
    way: Mapped[str] = mapped_column(String(10))
    source: Mapped[str] = mapped_column(String(40))  # content_page …
    at: Mapped[datetime] = mapped_column(UtcDateTime)


class About(StrEnum):
    """What a choice on the physician's own page is about."""

    TOPIC = "topic"  # `number`: the tag that is off
    REP = "rep"  # `number`: the rep who may not write
    PACE = "pace"  # `number`: days within which one contact is enough
    ERASURE = "erasure"  # everything is to be erased; `number` 0


class OwnChoice(Base):
    """What a person chose on the own page, said through one identifier. No row: all is on."""

    __tablename__ = "own_choice"
    __table_args__ = (UniqueConstraint("identifier_id", "about", "number"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    identifier_id: Mapped[int] = mapped_column(ForeignKey("identifier.id", ondelete="CASCADE"))
    about: Mapped[str] = mapped_column(String(10))
    number: Mapped[int] = mapped_column(BigInteger)
    at: Mapped[datetime] = mapped_column(UtcDateTime)
