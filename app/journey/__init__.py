"""What happened between the company and a physician."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.identity.models import Identifier
from app.infra.db import insert_once
from app.journey.models import Happened, Touchpoint

__all__ = ["Entry", "Happened", "Touchpoint", "count_by_kind", "last_at", "note", "timeline"]


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a timeline."""

    id: int
    kind: Happened
    channel: str
    at: datetime
    rep_id: int | None
    content_version_id: int | None
    detail: dict[str, Any]


def note(
    session: Session,
    identifier_id: int,
    kind: Happened,
    *,
    channel: str,
    at: datetime,
    ref: str,
    rep_id: int | None = None,
    content_version_id: int | None = None,
    campaign_id: int | None = None,
    detail: dict[str, Any] | None = None,
) -> bool:
    """Write a touchpoint once per `ref`; False when it was there already."""
    values = {
        "ref": ref, "identifier_id": identifier_id, "kind": kind, "channel": channel, "at": at,
        "rep_id": rep_id, "content_version_id": content_version_id, "campaign_id": campaign_id,
        "detail": detail,
    }  # fmt: skip
    return insert_once(session, Touchpoint, values, "ref")


def timeline(
    session: Session,
    one_id: str,
    *,
    kinds: Sequence[Happened] = (),
    channel: str = "",
    before: datetime | None = None,
    limit: int = 50,
) -> list[Entry]:
    """A physician's touchpoints over all identifiers, newest first."""
    chosen = (
        select(Touchpoint)
        .join(Identifier, Identifier.id == Touchpoint.identifier_id)
        .where(Identifier.one_id == one_id)
        .order_by(Touchpoint.at.desc(), Touchpoint.id.desc())
        .limit(limit)
    )
    if kinds:
        chosen = chosen.where(Touchpoint.kind.in_(kinds))
    if channel:
        chosen = chosen.where(Touchpoint.channel == channel)
    if before:
        chosen = chosen.where(Touchpoint.at < before)
    return [
        Entry(t.id, Happened(t.kind), t.channel, t.at, t.rep_id, t.content_version_id,
              t.detail or {})
        for t in session.scalars(chosen)
    ]  # fmt: skip


def count_by_kind(session: Session, one_id: str) -> dict[str, int]:
    """How often each kind happened."""
    rows = session.execute(
        select(Touchpoint.kind, func.count().label("number"))
        .join(Identifier, Identifier.id == Touchpoint.identifier_id)
        .where(Identifier.one_id == one_id)
        .group_by(Touchpoint.kind)
    )
    return {row.kind: row.number for row in rows}


def last_at(session: Session, one_ids: Sequence[str]) -> dict[str, datetime]:
    """When each physician was last in touch with us."""
    rows = session.execute(
        select(Identifier.one_id, func.max(Touchpoint.at).label("at"))
        .join(Identifier, Identifier.id == Touchpoint.identifier_id)
        .where(Identifier.one_id.in_(one_ids))
        .group_by(Identifier.one_id)
    )
    return {row.one_id: row.at for row in rows}
