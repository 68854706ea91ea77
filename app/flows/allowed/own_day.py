"""A rep's suggestions of one day, as the rep sees them: of own physicians only. Whoever was handed
over, or has ended the relation, leaves the list with all that it says of them."""

from __future__ import annotations

from datetime import date

from sqlalchemy.orm import Session

from app import recommend, reps
from app.recommend import Suggestion


def own_day(session: Session, rep_id: int, day: date) -> list[Suggestion]:
    """In the order of the list."""
    rows = recommend.of_rep(session, rep_id, day)
    own = reps.own_among(session, rep_id, {row.identifier_id for row in rows})
    return [row for row in rows if row.identifier_id in own]
