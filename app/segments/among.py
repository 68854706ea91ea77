"""Who of a few is in an audience, read from the tables."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.orm import Session

from app.segments.asking import meaning
from app.segments.expression import parse
from app.segments.facts import holds
from app.segments.gather import gather


def among(session: Session, text: str, one_ids: Sequence[str], now: datetime) -> set[str]:
    """Those of `one_ids` for whom the expression holds. Raises Unparseable, Refused."""
    tree = parse(text)
    meant = meaning(session, tree, now)
    return {one.one_id for one in gather(session, one_ids, now) if holds(tree, one, meant)}
