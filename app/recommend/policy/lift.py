"""What suggestions add over the holdout, never without an interval. Pure.

A unit is a physician's fortnight, suggested or held out by a coin whose chance is known. Each arm
is weighted by one over the chance of its side, and the interval is that of reps, because one rep's
physicians are alike.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

WINDOW_DAYS = 14
WINDOW = timedelta(days=WINDOW_DAYS)
WORTH_KNOWING = 0.03  # a difference that somebody would act on: three of a hundred physicians
FEW = 10  # of an arm: below, nothing is said
FEW_REPS = 5
Z, POWER = 1.96, 0.84
MOST_DAYS = 365  # older units are not looked at


@dataclass(frozen=True, slots=True)
class Unit:
    """One fortnight. `chance`: of being held out, above 0 and below 1."""

    rep: int
    held: bool
    chance: float
    outcome: bool
    group: str = ""


def alone(rows: Iterable[Any]) -> Iterator[Any]:
    """Of fortnights (`one_id`, `day`) in the order of their days those that count: not what began
    within a fortnight of one before it, as where two records have become one physician since. Only
    the one just before decides, whether it counts or not: so rows that reach back a fortnight more
    than what is asked about are enough."""
    before: dict[str, date] = {}
    for row in rows:
        if row.day >= before.get(row.one_id, date.min) + WINDOW:
            yield row
        before[row.one_id] = row.day


@dataclass(frozen=True, slots=True)
class Lift:
    """Shares of both arms and their difference; None where there is too little to say anything."""

    suggested: int
    held: int
    reps: int
    share: float | None = None  # of the suggested
    held_share: float | None = None
    gain: float | None = None
    low: float | None = None
    high: float | None = None
    # until a difference worth knowing would show; 0: enough; None: more than are looked at
    more_days: int | None = None

    @property
    def known(self) -> bool:
        """Whether the interval leaves out 0."""
        return self.low is not None and self.high is not None and (self.low > 0 or self.high < 0)

    def as_json(self) -> dict[str, Any]:
        """For programs."""
        names = ("share", "held_share", "gain", "low", "high")
        rounded = {
            name: None if (value := getattr(self, name)) is None else round(value, 5)
            for name in names
        }
        return {"suggested": self.suggested, "held": self.held, "reps": self.reps, **rounded,
                "known": self.known, "more_days": self.more_days}  # fmt: skip


def lift(
    units: Sequence[Unit], days: float, most: float = MOST_DAYS, worth: float = WORTH_KNOWING
) -> Lift:
    """`days`: over which these units came in, of `most` that are ever looked at; says how many
    more are needed."""
    arms: tuple[list[Unit], list[Unit]] = ([], [])
    for unit in units:
        arms[unit.held].append(unit)
    plain = Lift(len(arms[0]), len(arms[1]), len({u.rep for u in units}))
    if min(plain.suggested, plain.held) < FEW or plain.reps < FEW_REPS:
        return plain
    shares = [_share(arm) for arm in arms]
    error = _error(arms, shares)
    gain = shares[0] - shares[1]
    wide = _student(plain.reps - 1) * error
    return Lift(
        plain.suggested, plain.held, plain.reps, shares[0], shares[1], gain, gain - wide,
        gain + wide, _more_days(error, days, most, worth),
    )  # fmt: skip


def _weight(unit: Unit) -> float:
    return 1 / (unit.chance if unit.held else 1 - unit.chance)


def _share(arm: Sequence[Unit]) -> float:
    return sum(_weight(u) for u in arm if u.outcome) / sum(_weight(u) for u in arm)


def _error(arms: Sequence[Sequence[Unit]], shares: Sequence[float]) -> float:
    """The standard error of the difference over reps (linearised)."""
    by_rep: dict[int, float] = defaultdict(float)
    for sign, arm, share in zip((1, -1), arms, shares, strict=True):
        total = sum(_weight(u) for u in arm)
        for u in arm:
            by_rep[u.rep] += sign * _weight(u) * (u.outcome - share) / total
    number = len(by_rep)
    own = math.sqrt(sum(v * v for v in by_rep.values()) * number / (number - 1))
    return max(own, _least(arms))


def _least(arms: Sequence[Sequence[Unit]]) -> float:
    """Where nobody, or everybody, of an arm opened anything, it is still not known for sure."""
    total = 0.0
    for arm in arms:
        share = (sum(u.outcome for u in arm) + 2) / (len(arm) + 4)
        total += share * (1 - share) / (len(arm) + 4)
    return math.sqrt(total)


def _student(free: int) -> float:
    """The 97.5 % point of Student's distribution (Cornish and Fisher; within 1 % from 4 on)."""
    z = Z
    return z + (z**3 + z) / (4 * free) + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * free**2)


def _more_days(error: float, days: float, most: float, worth: float) -> int | None:
    """Until a true difference of `worth` would be seen four times in five, at the same pace."""
    factor = ((Z + POWER) * error / worth) ** 2
    more = max(0, math.ceil(days * (factor - 1)))
    return more if days + more <= most or not more else None
