"""What arrives, as a row: the same row whether it is written alone or with others."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import Insert, bindparam, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from app.inbox.models import InboxEvent, State

TYPE_LENGTH = 80


@dataclass(frozen=True, slots=True)
class Arrival:
    """Something that came from outside. `partition` names what must be handled in order."""

    source: str
    receiver: str
    body: bytes
    event_type: str
    partition: str
    occurred_at: datetime | None
    urgent: bool
    received_at: datetime
    reads_only: bool = False
    request: str = ""  # its signature: replaying one request reads once more and never again

    def again(self) -> Arrival | None:
        """What to append as well when these bytes are here already; None: nothing.

        Callbacks carry whole seconds, so two edits of a contact in one second are the same to the
        last byte, and a retry may be signed anew: nothing tells the second edit from a retry of
        the first. Where an event only makes us read the platform's state, reading once more is
        harmless, and the first may have been read before the second edit was made.
        """
        if not self.reads_only:
            return None
        mark = f"<!-- again {self.request or secrets.token_hex(8)} -->"
        return replace(self, body=self.body + mark.encode(), reads_only=False)

    def row(self) -> dict[str, Any]:
        """The values of a new row."""
        return {
            "dedupe_key": dedupe_key(self.source, self.receiver, self.body),
            "source": self.source,
            "receiver": self.receiver,
            "partition": partition_key(self.receiver, self.partition),
            "event_type": _storable(self.event_type)[:TYPE_LENGTH],
            "urgent": self.urgent,
            "body": self.body,
            "occurred_at": self.occurred_at,
            "received_at": self.received_at,
            "state": State.PENDING.value,
            "attempts": 0,
            "next_attempt_at": self.received_at,
            "error": "",
        }

    def as_json(self) -> bytes:
        """Everything about it, for a file."""
        at = self.occurred_at.isoformat() if self.occurred_at else None
        return json.dumps(
            {"source": self.source, "receiver": self.receiver, "event_type": self.event_type,
             "partition": self.partition, "occurred_at": at, "urgent": self.urgent,
             "received_at": self.received_at.isoformat(), "reads_only": self.reads_only,
             "request": self.request,
             "body": base64.b64encode(self.body).decode()},
        ).encode()  # fmt: skip

    @classmethod
    def from_json(cls, text: bytes) -> Arrival:
        """The reverse of `as_json`. Raises ValueError or KeyError."""
        told = json.loads(text)
        at = told["occurred_at"]
        return cls(
            told["source"], told["receiver"], base64.b64decode(told["body"]), told["event_type"],
            told["partition"], datetime.fromisoformat(at) if at else None, told["urgent"],
            datetime.fromisoformat(told["received_at"]), told.get("reads_only", False),
            told.get("request", ""),
        )  # fmt: skip


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
    reads_only: bool = False,
) -> int | None:
    """The id of a new row, or None when these bytes are here already and say nothing new."""
    arrival = Arrival(
        source, receiver, body, event_type, partition, occurred_at, urgent, now, reads_only
    )
    statement = insert_of(session.get_bind().dialect.name).returning(InboxEvent.__table__.c.id)
    added: int | None = session.connection().execute(statement, arrival.row()).scalar()
    again = arrival.again() if added is None else None
    if again is not None:
        added = session.connection().execute(statement, again.row()).scalar()
    return added


def is_repeat(session: Session, arrival: Arrival) -> bool:
    """Have these bytes come at another moment?"""
    return session.connection().execute(REPEATS, arrival.row()).first() is not None


REPEATS = select(InboxEvent.__table__.c.id).where(
    InboxEvent.__table__.c.dedupe_key == bindparam("dedupe_key"),
    InboxEvent.__table__.c.received_at != bindparam("received_at"),
)
"""Finds a row with the same bytes that came at another moment."""


@cache
def insert_of(dialect: str) -> Insert:
    """An insert that leaves a row with the same dedupe key as it is."""
    maker = postgresql.insert if dialect == "postgresql" else sqlite.insert
    return maker(InboxEvent).on_conflict_do_nothing(index_elements=["dedupe_key"])


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
    text = f"{receiver}\x00{partition}"
    return hashlib.sha256(text.encode(errors="surrogatepass")).digest()[:16]


def _storable(text: str) -> str:
    # JSON can carry NUL and half a surrogate pair, which no database stores as text.
    return text.replace("\x00", "").encode(errors="replace").decode()


def erase_before(session: Session, partition: bytes, event_id: int) -> int:
    """Erase the bodies of a partition's finished events up to `event_id`; the rows stay."""
    done = session.execute(
        update(InboxEvent)
        .where(
            InboxEvent.partition == partition,
            InboxEvent.id < event_id,
            InboxEvent.state != State.PENDING,
        )
        .values(body=b"")
    )
    return int(done.rowcount)  # type: ignore[attr-defined]
