"""Who of a few is in an audience that is written down."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.orm import Session

from app.segments import asking
from app.segments.parse import parse


def among(session: Session, text: str, one_ids: Sequence[str], now: datetime) -> set[str]:
    """Those of `one_ids` for whom the expression holds. Raises Unparseable, Refused."""
    return asking.among(session, parse(text), one_ids, now)
