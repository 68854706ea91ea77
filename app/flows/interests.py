"""What physicians are interested in, in the one order in which scores are added up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlalchemy.orm import Session

from app import tagging
from app.flows.basis import Basis
from app.flows.scoring import with_readings


def interests_at(
    session: Session, one_ids: Sequence[str], here: Basis
) -> dict[str, dict[int, float]]:
    """By ONE ID and own tag."""
    own = tagging.values(session, one_ids, here.moment)
    mine = with_readings(session, own, here.response, here.moment)
    return {one_id: in_order(interests) for one_id, interests in mine.items()}


def in_order(interests: Mapping[int, float]) -> dict[int, float]:
    """The same, tag by tag, what was read beside the tag itself."""
    return dict(sorted(interests.items(), key=lambda item: (abs(item[0]), item[0])))
