"""Shares with the interval in which they may lie, and who gets much less than others. Pure."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from statistics import NormalDist
from typing import TypeVar

SURE = 0.95
FEW = 10  # of so few a share says nothing yet
FAIR = 0.8  # a group that gets less than four fifths of what the others get is named

Group = TypeVar("Group", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Rate:
    """`hits` of `of`, with Wilson's interval."""

    hits: int
    of: int
    sure: float = SURE

    @property
    def share(self) -> float | None:
        """0 to 1; None of nothing."""
        return self.hits / self.of if self.of else None

    @property
    def few(self) -> bool:
        """Too few to say anything."""
        return self.of < FEW

    @property
    def low(self) -> float:
        """The lower end, 0 to 1."""
        return self._ends()[0]

    @property
    def high(self) -> float:
        """The upper end, 0 to 1."""
        return self._ends()[1]

    def _ends(self) -> tuple[float, float]:
        return wilson(self.hits, self.of, self.sure)


@dataclass(frozen=True, slots=True)
class Short:
    """A group that gets much less than the others, surely."""

    mine: Rate
    others: Rate


def wilson(hits: int, of: int, sure: float = SURE) -> tuple[float, float]:
    """Where a share may lie, by Wilson's score; of nothing: anywhere."""
    if of <= 0:
        return 0.0, 1.0
    z = _z(sure)
    share, z2 = hits / of, z * z
    middle = (share + z2 / (2 * of)) / (1 + z2 / of)
    width = z / (1 + z2 / of) * math.sqrt(share * (1 - share) / of + z2 / (4 * of * of))
    # At the ends the sum is exact but for rounding.
    low = 0.0 if hits == 0 else max(0.0, middle - width)
    return low, 1.0 if hits == of else min(1.0, middle + width)


def difference(one: Rate, other: Rate) -> tuple[float, float]:
    """Where the difference of two shares may lie (Newcombe's hybrid of both intervals)."""
    if one.share is None or other.share is None:
        return -1.0, 1.0
    gap = one.share - other.share
    down = math.hypot(one.share - one.low, other.high - other.share)
    up = math.hypot(one.high - one.share, other.share - other.low)
    return gap - down, gap + up


def short_of(groups: Mapping[Group, tuple[int, int]], sure: float = SURE) -> dict[Group, Short]:
    """Of groups {group: (hits, of)} those that surely get less than `FAIR` of the others' share.

    With many groups the interval of each is wider, so that one false alarm in all of them stays as
    rare as in one.
    """
    hits, of = (sum(pair[place] for pair in groups.values()) for place in (0, 1))
    each = 1 - (1 - sure) / max(1, len(groups))
    found = {}
    for group, (mine, size) in groups.items():
        rate, others = Rate(mine, size, each), Rate(hits - mine, of - size, each)
        if rate.few or others.few or rate.share is None or not others.share:
            continue
        if rate.share < others.share * FAIR and rate.high < others.low * FAIR:
            found[group] = Short(rate, others)
    return found


def _z(sure: float) -> float:
    return NormalDist().inv_cdf(0.5 + sure / 2)
