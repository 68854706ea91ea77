"""One happening that reaches us twice: reported by a callback, and seen when we compared.

Callbacks among themselves are told apart by their row; a look of our own knows no such row and
often no exact time. So what was seen counts as told when a callback told the same, before or
after: a beginning at about the same time, the end of the same beginning.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import bindparam, or_, select
from sqlalchemy.orm import Session

from app.infra.direct import Direct
from app.journey.models import Happened, Touchpoint

ABOUT = timedelta(seconds=10)  # the platform shows the very time of a beginning
EXACT = timedelta(seconds=2)  # and callbacks carry it, but for rounding
SINCE = "since"  # in the detail of an end that we saw: when that had begun which is over
PULLED = "pulled"  # in the detail of what we saw ourselves: True, then the callback that told it


@dataclass(frozen=True, slots=True)
class Ending:
    """The end of what `of` begins. `since`: of an end that we saw ourselves, its beginning as the
    platform had shown it."""

    of: Happened
    since: datetime | None = None


class Line(NamedTuple):
    """What of a touchpoint tells whether it is the same happening."""

    id: int
    ref: str
    kind: str
    at: datetime
    detail: dict[str, Any] | None

    def __repr__(self) -> str:
        """Without the detail: it may hold what somebody wrote."""
        return f"Line({self.id}, {self.kind})"


def find_told(
    session: Session,
    identifier_id: int,
    kind: Happened,
    *,
    at: datetime,
    ref: str,
    pulled: bool,
    rep_id: int | None,
    ends: Ending | None = None,
) -> Touchpoint | None:
    """The touchpoint that already tells this happening under another ref.

    `ends`: this is the end of something.
    """
    known = {"person": identifier_id, "kind": kind, "of": ends.of if ends else kind, "rep": rep_id,
             "low": at - ABOUT, "high": at + ABOUT}  # fmt: skip
    rows = _told(ends is not None, rep_id is not None).all(session, known)
    beginnings = [row.at for row in rows if ends and row.kind == ends.of]
    for row in rows:
        one_was_seen = pulled or (row.detail or {}).get(PULLED) in (True, ref)
        if row.kind != kind or row.ref == ref or not one_was_seen:
            continue
        if ends is None or _is_same_end(row, at, ends.since if pulled else None, beginnings):
            return session.get_one(Touchpoint, row.id, populate_existing=True)
    return None


@cache
def _told(ends: bool, by_rep: bool) -> Direct[Line]:
    rep = Touchpoint.rep_id == bindparam("rep") if by_rep else Touchpoint.rep_id.is_(None)
    chosen = select(*(getattr(Touchpoint, name) for name in Line._fields)).where(
        Touchpoint.identifier_id == bindparam("person"),
        or_(Touchpoint.kind == bindparam("kind"), Touchpoint.kind == bindparam("of")),
        rep,
    )
    if not ends:  # somebody may have scanned a thousand times
        chosen = chosen.where(Touchpoint.at.between(bindparam("low"), bindparam("high")))
    return Direct(chosen.order_by(Touchpoint.at.desc(), Touchpoint.id.desc()), Line)


def _is_same_end(
    row: Line, at: datetime, since: datetime | None, beginnings: Sequence[datetime]
) -> bool:
    """True when `row` and the end at `at` are the end of the same. `since`: when that had begun
    which we saw to be over; None: a callback tells the end, and `row` is what we saw.

    Who looks knows what is over, and not when it ended: it may have begun again before the look.
    So the end that a callback tells is the one that was seen when it comes after that beginning
    and before the next.
    """
    began = (row.detail or {}).get(SINCE)
    seen_since = datetime.fromisoformat(began) if began else None
    if since is not None and seen_since is not None:
        return abs(since - seen_since) <= EXACT  # seen twice
    told, began_at = (row.at, since) if since is not None else (at, seen_since)
    if began_at is None:  # written down before what was seen said when it had begun
        low, high = min(row.at, at), max(row.at, at)
        return not any(low < moment <= high for moment in beginnings)
    return told >= began_at - EXACT and not any(
        began_at + EXACT < moment <= told for moment in beginnings
    )


def marked(
    detail: dict[str, Any] | None, pulled: bool, ends: Ending | None = None
) -> dict[str, Any] | None:
    """The detail of a touchpoint that we may have seen ourselves."""
    if not pulled:
        return detail
    began = {SINCE: ends.since.isoformat()} if ends and ends.since else {}
    return (detail or {}) | began | {PULLED: True}


def told_by(touchpoint: Touchpoint, ref: str) -> None:
    """A callback tells what we had seen; the next callback tells something else."""
    if touchpoint.detail and touchpoint.detail.get(PULLED):
        touchpoint.detail = touchpoint.detail | {PULLED: ref}
