"""Judging a policy that is on trial with a few reps, every night, as often as one likes. Pure.

Each rep is compared with what it did before, and reps on trial with the others. Bounds hold at
all looks together (a mixture of likelihood ratios over effects of about SPREAD), so looking every
night does not make a false alarm likelier.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

ALPHA = 0.05 / 3  # of each of three figures
SPREAD = 0.10  # effects that one looks for
TRUE_SPREAD = 0.05  # of reps among each other, where too few are known to tell
DAYS, LEAST, LONGEST_DAYS = 14, 200, 56
MARGIN = 0.10  # not surely worse than this
SHRINK = 10.0  # suggestions that a rep's own past weighs less by
WORSE = {"refused": 1, "adopted": -1, "opened": -1}  # the sign of a change for the worse


class Next(StrEnum):
    """What follows from a judgement."""

    GO_ON = "go_on"
    GO_LIVE = "go_live"
    ROLL_BACK = "roll_back"
    ASK = "ask"  # the time is over, and nothing is sure: a person decides


@dataclass(frozen=True, slots=True)
class Side:
    """One rep: suggestions that are ripe, before the trial and since, and how many were so."""

    on_trial: bool
    before: int
    before_hits: int
    since: int
    hits: int


@dataclass(frozen=True, slots=True)
class Found:
    """A change of reps on trial beyond that of the others, with bounds that always hold."""

    change: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Judgement:
    """What to do, by which figure, and all figures."""

    next: Next
    because: str
    figures: Mapping[str, Found]
    days: int
    number: int

    def as_json(self) -> dict[str, Any]:
        """As it is kept with the policy."""
        return {
            "next": self.next.value, "because": self.because, "days": self.days,
            "number": self.number,
            "figures": {
                name: [round(v, 4) for v in (f.change, f.low, f.high)]
                for name, f in self.figures.items()
            },
        }  # fmt: skip


def judge(figures: Mapping[str, Sequence[Side]], days: int) -> Judgement:
    """`figures`: refused, adopted, opened → every rep's side; `days` since it began."""
    found = {name: one for name, sides in figures.items() if (one := compare(sides)) is not None}
    number = min((sum(s.since for s in sides if s.on_trial) for sides in figures.values()),
                 default=0)  # fmt: skip

    def said(what: Next, because: str = "") -> Judgement:
        return Judgement(what, because, found, days, number)

    for name, one in found.items():
        surely_worse = one.low > 0 if WORSE[name] > 0 else one.high < 0
        if surely_worse:
            return said(Next.ROLL_BACK, name)
    fine = len(found) == len(WORSE) and all(
        (one.high <= MARGIN if WORSE[name] > 0 else one.low >= -MARGIN)
        for name, one in found.items()
    )
    if fine and days >= DAYS and number >= LEAST:
        return said(Next.GO_LIVE)
    return said(Next.ASK if days >= LONGEST_DAYS else Next.GO_ON)


def compare(sides: Sequence[Side]) -> Found | None:
    """None while one of the two groups has nothing."""
    known = [s for s in sides if s.since]
    usual = _usual(known)
    groups = [[s for s in known if s.on_trial is arm] for arm in (True, False)]
    if not all(groups):
        return None
    changes = [[_change(s, usual) for s in group] for group in groups]
    means = [_mean(group, values) for group, values in zip(groups, changes, strict=True)]
    between = _between(groups[1], changes[1], means[1], usual)
    variance = sum(_variance(group, between, usual) for group in groups)
    wide = radius(variance)
    change = means[0] - means[1]
    return Found(change, change - wide, change + wide)


def radius(variance: float, alpha: float = ALPHA, spread: float = SPREAD) -> float:
    """Half of an interval that holds at all looks together."""
    both = variance + spread * spread
    return math.sqrt(
        2 * variance * both / (spread * spread) * math.log(math.sqrt(both / variance) / alpha)
    )


def _usual(sides: Sequence[Side]) -> float:
    number = sum(s.before + s.since for s in sides)
    return (sum(s.before_hits + s.hits for s in sides) + 1) / (number + 2)


def _change(side: Side, usual: float) -> float:
    before = (side.before_hits + SHRINK * usual) / (side.before + SHRINK)
    return side.hits / side.since - before


def _mean(sides: Sequence[Side], values: Sequence[float]) -> float:
    return sum(s.since * v for s, v in zip(sides, values, strict=True)) / _number(sides)


def _number(sides: Sequence[Side]) -> int:
    return sum(s.since for s in sides)


def _chance(side: Side, usual: float) -> float:
    """The variance of a change that chance alone makes."""
    return usual * (1 - usual) * (1 / side.since + side.before / (side.before + SHRINK) ** 2)


def _between(sides: Sequence[Side], values: Sequence[float], mean: float, usual: float) -> float:
    """How much reps differ in truth, as a variance."""
    if len(sides) < 5:
        return TRUE_SPREAD**2
    seen = sum((v - mean) ** 2 for v in values) / (len(values) - 1)
    chance = sum(_chance(s, usual) for s in sides) / len(sides)
    # What one rep's past does not say is shrunk away, and differs from rep to rep.
    return max(seen - chance, (TRUE_SPREAD / 5) ** 2)


def _variance(sides: Sequence[Side], between: float, usual: float) -> float:
    total = _number(sides)
    return sum((s.since / total) ** 2 * (between + _chance(s, usual)) for s in sides)
