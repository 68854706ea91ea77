"""Touchpoints of what both a callback and a look of our own may tell: each happening once."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from app import journey
from app.facts import Fact
from app.journey import Ending, Happened


@dataclass(frozen=True, slots=True)
class Noted:
    """Whether this is news, and under which ref the happening is told: its own or an older one."""

    fresh: bool
    ref: str


def note_once(
    session: Session,
    identifier_id: int,
    kind: Happened,
    fact: Fact,
    *,
    channel: str,
    at: datetime,
    ref: str,
    rep_id: int | None = None,
    detail: dict[str, Any] | None = None,
    ends: Ending | None = None,
) -> Noted:
    """Write the touchpoint unless this happening has been told.

    A callback that comes late knows when something was; the look that found it knows only by the
    clock of its own host.
    """
    told = journey.find_told(
        session, identifier_id, kind, at=at, ref=ref, pulled=fact.pulled, rep_id=rep_id,
        ends=ends,
    )  # fmt: skip
    if told is None:
        fresh = journey.note(
            session, identifier_id, kind, channel=channel, at=at, ref=ref, rep_id=rep_id,
            detail=journey.marked(detail, fact.pulled, ends),
        )  # fmt: skip
        return Noted(fresh, ref)
    if not fact.pulled:
        told.at = at
        journey.told_by(told, ref)
    return Noted(False, told.ref)
