"""A tag that reps may not see any more leaves the cards that wait for them."""

from __future__ import annotations

from collections.abc import Collection
from copy import deepcopy

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.delivery import Dispatch, State, Way
from app.recommend import Suggestion
from app.tagging.naming import says

ROWS = "horizontal_content_list"


def hide(session: Session, names: Collection[str]) -> int:
    """Take reasons that say one of these folded names out of queued cards; how many changed."""
    waiting = session.scalars(
        select(Dispatch)
        .where(Dispatch.state == State.QUEUED, Dispatch.way == Way.REP_CARD)
        .where(Dispatch.suggestion_id.in_(_about(session, names)))
    )
    changed = 0
    for dispatch in waiting:
        payload = deepcopy(dispatch.payload)
        rows = payload.get("card", {}).get(ROWS, [])
        kept = [row for row in rows if not says(row["value"], names)]
        if len(kept) != len(rows):
            payload["card"][ROWS] = kept
            dispatch.payload = payload
            changed += 1
    session.flush()
    return changed


def _about(session: Session, names: Collection[str]) -> list[int]:
    """Suggestions with a waiting card and such a reason."""
    waiting = select(Dispatch.suggestion_id).where(
        Dispatch.state == State.QUEUED, Dispatch.way == Way.REP_CARD
    )
    rows = session.execute(
        select(Suggestion.id, Suggestion.reasons).where(Suggestion.id.in_(waiting))
    )
    return [
        row.id for row in rows
        if any(says(reason, names) for reason in row.reasons)
    ]  # fmt: skip
