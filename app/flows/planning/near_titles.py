"""Titles of what was opened and says most for a suggestion: only of contents that are in use, and
none that speaks of what is for staff."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy.orm import Session

from app import content, tagging
from app.recommend import Scored, near


def near_titles(session: Session, fits: Iterable[Scored], now: datetime) -> dict[int, str]:
    """By content id; the library is looked at only when some opened content says most."""
    wanted = {opened for fit in fits if (opened := near.leading(fit.parts)) is not None}
    if not wanted:
        return {}
    usable = (one.version for one in content.usable(session, now))
    return {
        version.content_id: version.title
        for version in usable
        if version.content_id in wanted and not tagging.tells_hidden(session, version.title)
    }
