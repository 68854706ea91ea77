"""When physicians were contacted: by what left us, and by reps who say that they have spoken."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from app import delivery
from app.delivery import Dispatch
from app.identity import Identifier
from app.recommend import State, Suggestion

CHUNK = 1000


def contacted_at(
    session: Session, one_ids: Iterable[str], since: datetime, *, before: Dispatch | None = None
) -> dict[str, list[datetime]]:
    """As `delivery.contacted_at`, with the talks that reps told us of: 已经沟通过."""
    found = delivery.contacted_at(session, one_ids, since, before=before)
    people = list(found)
    for start in range(0, len(people), CHUNK):
        rows = session.execute(
            select(Identifier.one_id, Suggestion.answered_at)
            .join(Identifier, Identifier.id == Suggestion.identifier_id)
            .where(
                Identifier.one_id.in_(people[start : start + CHUNK]),
                Suggestion.state == State.REFUSED,
                Suggestion.refusal == "discussed",
                Suggestion.answered_at > since,
            )
            .order_by(Suggestion.id)
        )
        for one_id, at in rows:
            if at is not None:
                found[one_id].append(at)
    return found
