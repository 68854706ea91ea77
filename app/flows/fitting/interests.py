"""What physicians are interested in, in the one order in which scores are added up."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from app import tagging
from app.flows.fitting.basis import Basis
from app.flows.fitting.scoring import with_readings


@dataclass(frozen=True, slots=True)
class Many:
    """Interests of many as arrays: whose (a place in a list), in which own tag, and how much.

    Sorted by place and then by the order of `in_order`."""

    place: Any
    own: Any
    value: Any


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


def many_at(session: Session, one_ids: Sequence[str], here: Basis) -> Many:
    """The same as `interests_at`, to the last bit, of those who are named once. Needs numpy."""
    import numpy as np

    held = tagging.in_arrays(session, one_ids, here.moment)
    if not here.response.reads:
        return Many(held.place, held.tag, held.value)
    nothing: dict[str, dict[int, float]] = {one_id: {} for one_id in one_ids}
    read = many_of(with_readings(session, nothing, here.response, here.moment).values())
    return _sorted(
        np.concatenate((held.place, read.place)), np.concatenate((held.tag, read.own)),
        np.concatenate((held.value, read.value)),
    )  # fmt: skip


def many_of(interests: Iterable[Mapping[int, float]]) -> Many:
    """Of each in turn. Needs numpy."""
    import numpy as np

    each = list(interests)
    place = np.repeat(np.arange(len(each)), [len(of) for of in each])
    own = np.array([own for of in each for own in of], dtype=np.int64)
    value = np.array([value for of in each for value in of.values()], dtype=np.float64)
    return _sorted(place, own, value)


def _sorted(place: Any, own: Any, value: Any) -> Many:
    import numpy as np

    order = np.lexsort((own, np.abs(own), place))
    return Many(place[order], own[order], value[order])
