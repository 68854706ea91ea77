"""Which values attributes have, for pickers: whatever is true of anybody is a fact with a name."""

from __future__ import annotations

import re

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.identity import Physician
from app.segments.meaning import names
from app.segments.models import SegmentFact

MOST = 12


def values(session: Session, field: str, like: str = "") -> list[str]:
    """Some values of an attribute that hold `like`, the shortest first."""
    if field == "rep":
        return names(session, "rep", like)
    pattern = "%" + re.sub(r"([%_\\])", r"\\\1", like.strip()) + "%"
    chosen = select(SegmentFact.value).where(
        SegmentFact.kind == field, SegmentFact.value.like(pattern, escape="\\")
    )
    ordered = chosen.order_by(func.length(SegmentFact.value), SegmentFact.value).limit(MOST)
    found = list(session.scalars(ordered))
    if found or field == "level":
        return found
    column = getattr(Physician, field)  # nothing was built yet
    written = select(column).where(column.like(pattern, escape="\\"), column != "").distinct()
    return list(session.scalars(written.limit(MOST)))
