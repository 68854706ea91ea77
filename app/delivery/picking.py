"""Which messages may be sent next.

Welcomes first: they have twenty seconds. Then what was tried before, since a stopped API is tried
again with that: of all others nothing is in doubt. Then everything else in order of time. Three
walks along an index, each as long as what it finds and what a limit holds back before it: a
campaign of a hundred thousand is not sorted for each handful that leaves.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import lru_cache

from sqlalchemy import ColumnElement, Select, TextClause, bindparam, select, text
from sqlalchemy.orm import Session

from app.delivery.closed import Closed, closed, not_closed
from app.delivery.models import Dispatch, State
from app.infra.direct import Direct

# In the text, so that a partial index is used: a database does not look at parameters for that.
_WALKS = tuple(
    f"dispatch.state = 'queued' and {which}"
    for which in (
        "dispatch.way = 'welcome'",
        "dispatch.maybe_sent = true and dispatch.way <> 'welcome'",
        "dispatch.maybe_sent = false and dispatch.way <> 'welcome'",
    )
)


def due(session: Session, now: datetime, limit: int = 100) -> list[int]:
    """Messages that may be sent now, the next one first; not those that a limit holds back."""
    return _next(session, now, limit, lock=False)


def pick(
    session: Session, now: datetime, limit: int, only: int | None = None
) -> Sequence[Dispatch]:
    """Those messages (`only`: this one, if it is among them), locked for claiming. Those that
    another worker looks at are passed over: others are found in their place."""
    if only is None:
        ids = _next(session, now, limit, lock=True)
    else:
        one = _due(Dispatch.state == State.QUEUED, closed(session, now), lock=True)
        ids = list(session.scalars(one.where(Dispatch.id == only), {"now": now, "limit": 1}))
    rows = {row.id: row for row in session.scalars(_LOCKED, {"ids": ids})} if ids else {}
    return [rows[one] for one in dict.fromkeys(ids)]


def _next(session: Session, now: datetime, limit: int, *, lock: bool) -> list[int]:
    held_back = closed(session, now)
    found: list[int] = []
    for walk, mostly in zip(_WALKS, _MOSTLY[lock], strict=True):
        room = {"now": now, "limit": limit - len(found)}
        if room["limit"] and held_back:
            found += session.scalars(_past(walk, frozenset(held_back), lock), room)
        elif room["limit"]:
            found += mostly.all(session, room)
    return found


@lru_cache(maxsize=64)  # what is stopped stays so for a while
def _past(walk: str, held_back: frozenset[Closed], lock: bool) -> Select[int]:
    return _due(text(walk), held_back, lock=lock)


def _due(
    which: TextClause | ColumnElement[bool], held_back: Iterable[Closed], *, lock: bool
) -> Select[int]:
    chosen = select(Dispatch.id).where(which, Dispatch.not_before <= bindparam("now"))
    condition = not_closed(held_back)
    if condition is not None:
        chosen = chosen.where(condition)
    ordered = chosen.order_by(Dispatch.not_before, Dispatch.id).limit(bindparam("limit"))
    return ordered.with_for_update(skip_locked=True) if lock else ordered


_MOSTLY = {  # nothing is held back
    lock: [Direct(_due(text(walk), (), lock=lock), int) for walk in _WALKS]
    for lock in (False, True)
}
_LOCKED = (
    select(Dispatch)
    .where(Dispatch.id.in_(bindparam("ids", expanding=True)))
    .execution_options(populate_existing=True)
)
