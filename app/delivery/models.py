"""The outbox: every message that leaves us, written down before it is sent."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, BigInteger, Float, ForeignKey, Index, String, Text, false, text
from sqlalchemy.orm import Mapped, mapped_column

from app.infra.db import Base, BigId, EncryptedJson, UtcDateTime


class Way(StrEnum):
    """How a message reaches somebody; one module per way under `delivery/channels`."""

    REP_CARD = "rep_card"  # template card to a rep
    REP_TEXT = "rep_text"  # text to a rep: notices, text ready to forward
    CARD_UPDATE = "card_update"  # change a card that a rep has answered
    WELCOME = "welcome"  # to a physician, with a welcome code, within 20 seconds
    GROUP_TASK = "group_task"  # 企业群发: a task that the rep must confirm
    MOMENT_VIEW = "moment_view"  # 客户朋友圈: one contact may see it
    MOMENT = "moment"  # … and the task itself, which the rep must confirm
    OA_TEXT = "oa_text"  # Official Account custom message
    OA_TEMPLATE = "oa_template"


class State(StrEnum):
    """queued → sending → sent, failed or unknown; queued → cancelled."""

    QUEUED = "queued"
    SENDING = "sending"
    SENT = "sent"
    FAILED = "failed"
    UNKNOWN = "unknown"
    CANCELLED = "cancelled"


class Receipt(StrEnum):
    """What the platform says became of a group task, once the rep has acted."""

    FORWARDED = "forwarded"  # the rep confirmed, the physician has it
    NOT_FRIEND = "not_friend"  # no longer connected
    OVER_QUOTA = "over_quota"  # the physician had received another mass message
    NOT_SEEN = "not_seen"  # a moment that was not published, or not shown to this physician


IN_TIME = "not_before", "id"


def _first(which: str, *columns: str) -> Index:
    """An index of those few messages that go before all others."""
    where = text(f"state = 'queued' and {which}")
    name = f"ix_dispatch_first_{columns[0]}"
    return Index(name, "state", *columns, sqlite_where=where, postgresql_where=where)


class Dispatch(Base):
    """One message to one recipient, its payload frozen, its permission stored with it."""

    __tablename__ = "dispatch"
    __table_args__ = (
        # Whole, so that walking past what a limit holds back reads no rows.
        Index("ix_dispatch_due", "state", *IN_TIME, "way", "app_key", "rep_id", "maybe_sent"),
        _first("way = 'welcome'", "way", *IN_TIME, "app_key", "rep_id"),
        _first("maybe_sent = true", "maybe_sent", *IN_TIME, "way", "app_key", "rep_id"),
        Index("ix_dispatch_stale", "state", "not_after"),
        Index("ix_dispatch_person", "identifier_id", "sent_at"),
        Index("ix_dispatch_check", "check_at"),
        Index(
            "ix_dispatch_erase", "id", sqlite_where=text("erase"), postgresql_where=text("erase")
        ),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    dedupe_key: Mapped[str] = mapped_column(String(160), unique=True)
    way: Mapped[str] = mapped_column(String(16))
    app_key: Mapped[str] = mapped_column(String(40), default="main")  # corp or account that sends
    rep_id: Mapped[int | None] = mapped_column(ForeignKey("rep.id"), index=True)
    identifier_id: Mapped[int | None] = mapped_column(
        ForeignKey("identifier.id", ondelete="SET NULL")
    )
    suggestion_id: Mapped[int | None] = mapped_column(BigInteger, index=True)
    campaign_id: Mapped[int | None] = mapped_column(BigInteger, index=True)
    content_version_id: Mapped[int | None] = mapped_column(ForeignKey("content_version.id"))
    payload: Mapped[dict[str, Any]] = mapped_column(EncryptedJson("dispatch.payload"))
    erase: Mapped[bool] = mapped_column(default=False, server_default=false())  # when it is over
    task_id: Mapped[str | None] = mapped_column(String(128), unique=True)
    counts_as_contact: Mapped[bool] = mapped_column(default=False)  # towards the person cap
    verdict: Mapped[dict[str, Any] | None] = mapped_column(JSON)  # may_contact's answer
    state: Mapped[str] = mapped_column(String(10), default=State.QUEUED)
    attempts: Mapped[int] = mapped_column(default=0)
    turn: Mapped[int] = mapped_column(default=0, server_default="0")  # grows with each claim
    maybe_sent: Mapped[bool] = mapped_column(default=False)  # an attempt may have got through
    lease_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    not_before: Mapped[datetime] = mapped_column(UtcDateTime)
    not_after: Mapped[datetime | None] = mapped_column(UtcDateTime)
    provider_id: Mapped[str] = mapped_column(String(128), default="", index=True)  # msgid
    response_code: Mapped[str | None] = mapped_column(String(128))
    errcode: Mapped[int | None]
    error: Mapped[str] = mapped_column(Text, default="")
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    first_attempt_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    sent_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    receipt: Mapped[str | None] = mapped_column(String(12))  # what became of a group task
    receipt_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    check_at: Mapped[datetime | None] = mapped_column(UtcDateTime)  # when to ask for the receipt


class SendBucket(Base):
    """How far one limit is used up; `delivery/buckets.py` says what `level` means."""

    __tablename__ = "send_bucket"
    __table_args__ = (Index("ix_send_bucket_ready_at", "ready_at"),)

    bucket: Mapped[str] = mapped_column(String(16), primary_key=True)
    account: Mapped[str] = mapped_column(String(40), primary_key=True)
    subject: Mapped[str] = mapped_column(String(80), primary_key=True)  # rep id, API, or day
    level: Mapped[float] = mapped_column(Float(53))
    ready_at: Mapped[float] = mapped_column(Float(53))  # when one more fits, seconds since 1970


class ApiBreaker(Base):
    """What is known about one API of one account; `delivery/breaker.py` decides."""

    __tablename__ = "api_breaker"

    account: Mapped[str] = mapped_column(String(40), primary_key=True)
    api: Mapped[str] = mapped_column(String(64), primary_key=True)
    failures: Mapped[list[float]] = mapped_column(JSON)  # newest, seconds since 1970
    why: Mapped[str] = mapped_column(String(10))
    strikes: Mapped[int]
    since: Mapped[datetime | None] = mapped_column(UtcDateTime)
    until: Mapped[datetime | None] = mapped_column(UtcDateTime)


class SendPace(Base):
    """How many calls at once an account's platform takes; also the lock of its claims."""

    __tablename__ = "send_pace"

    account: Mapped[str] = mapped_column(String(40), primary_key=True)
    slots: Mapped[float | None] = mapped_column(Float(53))  # empty: as many as the setting says
    lowered_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
