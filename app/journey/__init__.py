"""What happened between the company and a physician."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import and_, delete, func, or_, select
from sqlalchemy.orm import Session

from app.identity import changed, news
from app.identity.models import Identifier
from app.infra.db import insert_once
from app.journey import meetings
from app.journey.models import Happened, MeetingAnswer, Touchpoint
from app.journey.twice import Ending, find_told, marked, told_by

__all__ = [
    "BY_HAND",
    "Ending",
    "Entry",
    "Happened",
    "MeetingAnswer",
    "Touchpoint",
    "find_told",
    "last_at",
    "marked",
    "meetings",
    "note",
    "take_back",
    "timeline",
    "told_by",
]


COUNTED = (Happened.MESSAGE_RECEIVED, Happened.CONTENT_SENT)  # audiences ask how often
BY_HAND = "by_hand"  # in the detail of what a rep has got to forward; the physician, nobody knows


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
    written = insert_once(session, Touchpoint, values, "ref")
    if written:
        news.tell(session, identifier_id, kind)
    if written and kind in COUNTED:
        changed.note(session, identifier_id)
    return written


def take_back(session: Session, identifier_id: int, kind: Happened, ref: str) -> None:
    """It did not happen after all: the touchpoint goes, and whoever follows looks again."""
    gone = delete(Touchpoint).where(Touchpoint.ref == ref, Touchpoint.kind == kind)
    if session.scalar(gone.returning(Touchpoint.id)) is not None:
        news.tell(session, identifier_id, kind)
        changed.note(session, identifier_id)


def timeline(
    session: Session,
    one_id: str,
    *,
    kinds: Sequence[Happened] = (),
    channel: str = "",
    before: datetime | None = None,
    before_id: int | None = None,
    limit: int = 50,
) -> list[Entry]:
    """A physician's touchpoints over all identifiers, newest first.

    The next page starts `before` the last entry's time; with its id as `before_id`, entries of
    the same second are neither lost nor shown twice.
    """
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
        older = Touchpoint.at < before
        if before_id is not None:
            same_moment = and_(Touchpoint.at == before, Touchpoint.id < before_id)
            older = or_(older, same_moment)
        chosen = chosen.where(older)
    return [
        Entry(t.id, Happened(t.kind), t.channel, t.at, t.rep_id, t.content_version_id,
              t.detail or {})
        for t in session.scalars(chosen)
    ]  # fmt: skip


def last_at(session: Session, one_ids: Sequence[str]) -> dict[str, datetime]:
    """When each physician was last in touch with us."""
    rows = session.execute(
        select(Identifier.one_id, func.max(Touchpoint.at).label("at"))
        .join(Identifier, Identifier.id == Touchpoint.identifier_id)
        .where(Identifier.one_id.in_(one_ids))
        .group_by(Identifier.one_id)
    )
    return {row.one_id: row.at for row in rows}
