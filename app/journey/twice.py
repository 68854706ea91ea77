"""One happening that reaches us twice: reported by a callback, and seen when we compared.

Callbacks among themselves are told apart by their row; a look of our own knows no such row and
often no exact time. So what was seen counts as told when a callback told the same, before or
after: a beginning at about the same time, an end with no beginning in between.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.journey.models import Happened, Touchpoint

ABOUT = timedelta(seconds=10)  # the platform shows the very time of a beginning
PULLED = "pulled"  # in the detail of what we saw ourselves: True, then the callback that told it


def find_told(
    session: Session,
    identifier_id: int,
    kind: Happened,
    *,
    at: datetime,
    ref: str,
    pulled: bool,
    rep_id: int | None,
    begins_with: Happened | None = None,
) -> Touchpoint | None:
    """The touchpoint that already tells this happening under another ref.

    `begins_with`: this is the end of what that kind begins.
    """
    chosen = select(Touchpoint).where(
        Touchpoint.identifier_id == identifier_id,
        Touchpoint.kind.in_((kind, begins_with) if begins_with else (kind,)),
        Touchpoint.rep_id == rep_id if rep_id is not None else Touchpoint.rep_id.is_(None),
    )
    if begins_with is None:  # somebody may have scanned a thousand times
        chosen = chosen.where(Touchpoint.at.between(at - ABOUT, at + ABOUT))
    rows = session.scalars(chosen.order_by(Touchpoint.at.desc(), Touchpoint.id.desc())).all()
    beginnings = [row.at for row in rows if row.kind == begins_with]
    for row in rows:
        one_was_seen = pulled or (row.detail or {}).get(PULLED) in (True, ref)
        if row.kind == kind and row.ref != ref and one_was_seen:
            if begins_with is None and abs(row.at - at) <= ABOUT:
                return row
            if begins_with is not None and not _between(beginnings, row.at, at):
                return row
    return None


def marked(detail: dict[str, Any] | None, pulled: bool) -> dict[str, Any] | None:
    """The detail of a touchpoint that we may have seen ourselves."""
    return (detail or {}) | {PULLED: True} if pulled else detail


def told_by(touchpoint: Touchpoint, ref: str) -> None:
    """A callback tells what we had seen; the next callback tells something else."""
    if touchpoint.detail and touchpoint.detail.get(PULLED):
        touchpoint.detail = touchpoint.detail | {PULLED: ref}


def _between(moments: Sequence[datetime], one: datetime, other: datetime) -> bool:
    low, high = min(one, other), max(one, other)
    return any(low < moment <= high for moment in moments)
