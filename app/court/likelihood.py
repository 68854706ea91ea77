"""What openings say about whether a tag holds, and how often a source's claims do. Pure.

A physician was sent n contents with a tag and m without, and opened K of all, k of them with it.
Given n, m and K the chance of k does not depend on how much this physician opens at all:

    P(k) ∝ C(n, k) · C(m, K − k) · ω^k         ω: odds of those with the tag against those without

So whoever opens everything, or nothing, says nothing, and no source is praised for such physicians.
ω is one number where a tag holds and another where it does not; both, and for each source the share
of claims that hold, are fitted together. A claim of confidence c that is so old that x of it is
left holds with probability r·c·x: r is the reliability of which weights are made.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Generic, NamedTuple, TypeVar

ODDS_WITHOUT, ODDS_WITH = 0.9, 3.0  # before anything was learned
COMMON, OPEN_RATE = 0.1, 0.2
PRIOR_CASES = 10.0  # what a prior of a source counts for, in sure cases
TAG_CASES = 40.0  # what its source counts for, for one tag
SPREAD = 0.7  # of the logarithm of the odds, around those above
ROUNDS, ENOUGH = 60, 1e-4
LEAST, MOST = 0.01, 0.98  # of a share
Z = 1.96
MOVE = 0.1  # of the logarithm of the odds, to see what follows them


class Seen(NamedTuple):
    """Sent with the tag, sent without, opened of all, opened with it."""

    sent: int
    others: int
    opened: int
    with_it: int

    @property
    def says_something(self) -> bool:
        """Whether another outcome was possible."""
        return max(0, self.opened - self.others) < min(self.sent, self.opened)


class Claim(NamedTuple):
    """What is left of a claim's confidence when the contents were sent, and what was opened."""

    left: float
    seen: Seen


Group = TypeVar("Group", bound=Hashable)
Cases = Mapping[Claim, float]


@dataclass(frozen=True, slots=True)
class Share:
    """How many of a group's claims hold, with the interval of 95 %; `informed`: sure cases that
    would say as much, without the prior."""

    value: float
    low: float
    high: float
    informed: float


@dataclass(frozen=True, slots=True)
class Odds:
    """`without` and `having` a tag."""

    without: float = ODDS_WITHOUT
    having: float = ODDS_WITH

    def ratio(self, seen: Seen) -> float:
        """How many times likelier it is that the tag holds, from what was opened."""
        return chance(seen, self.having) / chance(seen, self.without)


@lru_cache(maxsize=200_000)
def _ways(sent: int, others: int, opened: int) -> tuple[int, tuple[float, ...]]:
    """The smallest k, and in how many ways each k can be, relative to all."""
    low, high = max(0, opened - others), min(sent, opened)
    ways = [math.comb(sent, k) * math.comb(others, opened - k) for k in range(low, high + 1)]
    whole = sum(ways)
    return low, tuple(way / whole for way in ways)


def chance(seen: Seen, odds: float) -> float:
    """P(k | n, m, K), never 0."""
    low, ways = _ways(seen.sent, seen.others, seen.opened)
    at = seen.with_it - low
    whole = sum(way * odds**n for n, way in enumerate(ways))
    return max(ways[at] * odds**at / whole, 1e-12)


def expected(seen: Seen, odds: float) -> tuple[float, float]:
    """Mean and variance of k."""
    low, ways = _ways(seen.sent, seen.others, seen.opened)
    parts = [way * odds**n for n, way in enumerate(ways)]
    whole = sum(parts)
    mean = sum(n * part for n, part in enumerate(parts)) / whole
    square = sum(n * n * part for n, part in enumerate(parts)) / whole
    return low + mean, square - mean * mean


def silence(sent: int, open_rate: float) -> float:
    """How many times likelier it is that somebody takes part, who opened nothing of so many: below
    1. Whoever does not take part still opens one in fifty."""
    return ((1.0 - open_rate) / 0.98) ** sent if open_rate > 0.02 else 1.0


def posterior(prior: float, ratio: float) -> float:
    """A probability after evidence that is `ratio` times likelier if it is true."""
    sure = min(max(prior, 1e-6), 1.0 - 1e-6)
    odds = sure / (1.0 - sure) * ratio
    return odds / (1.0 + odds)


@dataclass(frozen=True)
class Fit(Generic[Group]):
    """What was found; `common`: how often a tag holds where nobody claims it."""

    odds: Odds
    common: float
    shares: Mapping[Group, Share]


def fit(groups: Mapping[Group, Cases], nobody: Cases, priors: Mapping[Group, float]) -> Fit[Group]:
    """Odds and shares together. `nobody`: those of whom nobody claims the tag."""
    odds, common = Odds(), COMMON
    shares = dict(priors)
    for _ in range(ROUNDS):
        both = _Both(odds)
        having: Counter[Seen] = Counter()
        without: Counter[Seen] = Counter()
        common = _likeliest(nobody, both, common, COMMON, PRIOR_CASES)
        _expect(nobody, both, common, having, without)
        for group, cases in groups.items():
            shares[group] = _likeliest(cases, both, shares[group], priors[group], PRIOR_CASES)
            _expect(cases, both, shares[group], having, without)
        fresh = Odds(
            _better(without, odds.without, ODDS_WITHOUT), _better(having, odds.having, ODDS_WITH)
        )
        still = max(abs(math.log(fresh.having / odds.having)),
                    abs(math.log(fresh.without / odds.without))) < ENOUGH  # fmt: skip
        odds = fresh
        if still:
            break
    around = _around(groups, nobody, odds, shares, common, priors)
    both = _Both(odds)
    told = {
        group: _share(cases, both, shares[group], PRIOR_CASES, around[group])
        for group, cases in groups.items()
    }
    return Fit(odds, common, told)


def share_of(cases: Cases, odds: Odds, prior: float, worth: float = TAG_CASES) -> Share:
    """Of one group, with known odds; without cases it is its prior."""
    both = _Both(odds)
    return _share(cases, both, _likeliest(cases, both, prior, prior, worth), worth)


class _Both:
    """The chance of what was seen, without the tag and with it."""

    def __init__(self, odds: Odds) -> None:
        self._odds = odds
        self._known: dict[Seen, tuple[float, float]] = {}

    def __call__(self, seen: Seen) -> tuple[float, float]:
        found = self._known.get(seen)
        if found is None:
            found = chance(seen, self._odds.without), chance(seen, self._odds.having)
            self._known[seen] = found
        return found


def _rows(cases: Cases, both: _Both) -> list[tuple[float, float, float]]:
    """(how many, what the share adds, what is there without it)."""
    rows = []
    for claim, number in cases.items():
        without, having = both(claim.seen)
        rows.append((number, claim.left * (having - without), without))
    return rows


def _likeliest(cases: Cases, both: _Both, start: float, prior: float, worth: float) -> float:
    """The share that makes all of it likeliest. The logarithm is concave: Newton, kept inside."""
    rows = _rows(cases, both)
    low, high, share = LEAST, MOST, min(max(start, LEAST), MOST)
    for _ in range(40):
        slope = worth * (prior / share - (1.0 - prior) / (1.0 - share))
        bend = worth * (prior / share**2 + (1.0 - prior) / (1.0 - share) ** 2)
        for number, part, rest in rows:
            one = part / (rest + share * part)
            slope += number * one
            bend += number * one * one
        low, high = (share, high) if slope > 0 else (low, share)
        step = share + slope / bend
        step = step if low < step < high else (low + high) / 2
        if abs(step - share) < 1e-6:
            return step
        share = step
    return share


def _expect(
    cases: Cases, both: _Both, share: float, having: Counter[Seen], without: Counter[Seen]
) -> None:
    """Divide the cases over those where the tag holds and those where it does not."""
    for claim, number in cases.items():
        no, yes = both(claim.seen)
        holds = share * claim.left
        part = number * holds * yes / (holds * yes + (1.0 - holds) * no)
        having[claim.seen] += part  # type: ignore[assignment]  # a share of a case
        without[claim.seen] += number - part  # type: ignore[assignment]


def _better(cases: Mapping[Seen, float], odds: float, prior: float) -> float:
    """One step towards the likeliest odds."""
    slope = (math.log(prior) - math.log(odds)) / SPREAD**2
    bend = 1.0 / SPREAD**2
    for seen, number in cases.items():
        mean, variance = expected(seen, odds)
        slope += number * (seen.with_it - mean)
        bend += number * variance
    return odds * math.exp(min(max(slope / bend, -0.7), 0.7))


def _around(
    groups: Mapping[Group, Cases],
    nobody: Cases,
    odds: Odds,
    shares: Mapping[Group, float],
    common: float,
    priors: Mapping[Group, float],
) -> dict[Group, float]:
    """How much each share would be another (its variance) because the odds are not known exactly:
    the odds are moved up and down a little, and everything else follows."""
    sides = []
    for move in (-MOVE, 0.0, MOVE):
        both = _Both(Odds(odds.without, odds.having * math.exp(move)))
        moved = {group: _likeliest(cases, both, shares[group], priors[group], PRIOR_CASES)
                 for group, cases in groups.items()}  # fmt: skip
        often = _likeliest(nobody, both, common, COMMON, PRIOR_CASES)
        total = _told(nobody, both, often)
        total += sum(_told(cases, both, moved[group]) for group, cases in groups.items())
        total -= (math.log(odds.having / ODDS_WITH) + move) ** 2 / (2 * SPREAD**2)
        sides.append((total, moved))
    (below, less), (here, _), (above, more) = sides
    bend = max((2 * here - below - above) / MOVE**2, 1 / SPREAD**2)
    return {group: ((more[group] - less[group]) / (2 * MOVE)) ** 2 / bend for group in groups}


def _told(cases: Cases, both: _Both, share: float) -> float:
    return sum(number * math.log(rest + share * part) for number, part, rest in _rows(cases, both))


def _share(cases: Cases, both: _Both, value: float, worth: float, variance: float = 0.0) -> Share:
    """`variance`: what comes on top of that of so many cases."""
    bend = sum(n * (part / (rest + value * part)) ** 2 for n, part, rest in _rows(cases, both))
    spread = value * (1.0 - value)
    informed = bend * spread
    low, high = wilson(value, spread / (spread / (informed + worth) + variance))
    return Share(value, low, high, informed)


def wilson(share: float, number: float) -> tuple[float, float]:
    """The interval of 95 % of a share of so many; everything when there are none."""
    number = max(number, 0.0)
    middle = share * number + Z * Z / 2
    half = Z * math.sqrt(share * (1.0 - share) * number + Z * Z / 4)
    return max(0.0, (middle - half) / (number + Z * Z)), min(
        1.0, (middle + half) / (number + Z * Z)
    )
