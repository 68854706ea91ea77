"""Writing down what arrived."""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Any

from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from app.inbox.models import InboxEvent, State


def append(
    session: Session,
    *,
    source: str,
    receiver: str,
    body: bytes,
    event_type: str,
    partition: str,
    occurred_at: datetime | None,
    urgent: bool,
    now: datetime,
) -> int | None:
    """The id of a new row, or None when these bytes are here already."""
    values: dict[str, Any] = {
        "dedupe_key": dedupe_key(source, receiver, body),
        "source": source,
        "receiver": receiver,
        "partition": partition_key(receiver, partition),
        "event_type": event_type,
        "urgent": urgent,
        "body": body,
        "occurred_at": occurred_at,
        "received_at": now,
        "state": State.PENDING,
        "attempts": 0,
        "next_attempt_at": now,
        "error": "",
    }
    dialect = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
    statement = dialect.insert(InboxEvent).values(values).on_conflict_do_nothing()
    added: int | None = session.scalar(statement.returning(InboxEvent.id))
    return added


def dedupe_key(source: str, receiver: str, body: bytes) -> bytes:
    """SHA-256 of the decrypted bytes and their receiver.

    The documented key (FromUserName + CreateTime) would merge different events: all customer
    events say "sys" and carry whole seconds.
    """
    digest = hashlib.sha256()
    for part in (source.encode(), receiver.encode(), body):
        digest.update(len(part).to_bytes(8, "big"))
        digest.update(part)
    return digest.digest()


def partition_key(receiver: str, partition: str) -> bytes:
    """16 bytes that name a partition without naming the person in it."""
    return hashlib.sha256(f"{receiver}\x00{partition}".encode()).digest()[:16]
