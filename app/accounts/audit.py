"""The record of actions: each entry's HMAC covers the entry before it.

Editing, deleting or swapping entries breaks the chain and `verify_audit` names the first broken
one. A cut-off tail cannot be seen from the chain alone; compare the newest hash with a copy kept
elsewhere.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from app.accounts.models import AuditEntry
from app.infra import crypto

GENESIS = bytes(32)
CHAIN_LOCK = 0x59495348  # any constant: one writer of the chain at a time


def audit(
    session: Session,
    actor: str,
    action: str,
    object_kind: str,
    object_id: object,
    *,
    now: datetime,
    **detail: Any,
) -> AuditEntry:
    """Append what `actor` did. `detail` holds ids and codes, never personal data."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("select pg_advisory_xact_lock(:key)"), {"key": CHAIN_LOCK})
    last = session.scalar(select(AuditEntry).order_by(AuditEntry.id.desc()).limit(1))
    entry = AuditEntry(
        at=now,
        actor=actor,
        action=action,
        object_kind=object_kind,
        object_id=str(object_id),
        detail=detail,
        previous_hash=last.hash if last else GENESIS,
        hash=b"",
    )
    entry.hash = _seal(entry)
    session.add(entry)
    session.flush()
    return entry


def audit_trail(
    session: Session, object_kind: str, object_id: object, *, limit: int = 50
) -> Sequence[AuditEntry]:
    """What happened to one thing, newest first."""
    return session.scalars(
        select(AuditEntry)
        .where(AuditEntry.object_kind == object_kind, AuditEntry.object_id == str(object_id))
        .order_by(AuditEntry.id.desc())
        .limit(limit)
    ).all()


def verify_audit(session: Session) -> int | None:
    """None when the chain is whole, else the id of the first entry that does not fit."""
    previous = GENESIS
    for entry in session.scalars(select(AuditEntry).order_by(AuditEntry.id)).yield_per(500):
        if entry.previous_hash != previous or entry.hash != _seal(entry):
            return entry.id
        previous = entry.hash
    return None


def _seal(entry: AuditEntry) -> bytes:
    fields = [
        entry.previous_hash.hex(),
        entry.at.isoformat(timespec="microseconds"),
        entry.actor,
        entry.action,
        entry.object_kind,
        entry.object_id,
        entry.detail,
    ]
    canonical = json.dumps(fields, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    digest = crypto.blind_index(canonical, "audit_entry")
    return hashlib.sha256(digest).digest()
