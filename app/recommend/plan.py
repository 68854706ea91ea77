"""Choosing the few suggestions of a day, for one rep or for reps who share physicians. Pure.

Everybody bids for the physicians that do most for them. A physician whom several want gets a
price that rises until one of them is left: the price of attention. Reps choose greedily by what is
left after the price, so the result is close to the best that is possible for all together
(`tests/recommend/test_together.py` compares), and the same whatever the order of what comes in.
"""

from __future__ import annotations

import heapq
import math
from collections import Counter
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from app.recommend.scoring import Scored

DIVERSITY = 0.3  # what repeating the same tags within one day's list costs
STEP = 0.002  # of the best worth: how much a price rises with each bid

Person = TypeVar("Person", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Candidate(Generic[Person]):
    """One physician with one fitting content."""

    person: Person
    order: str  # any stable text of the person: breaks ties
    fit: Scored
    bonus: float = 0.0  # the rep asked for it: 稍后
    fee: float = 0.0  # its brand has had more than its share of this physician

    @property
    def worth(self) -> float:
        """What it does when nothing else is on the list."""
        return self.fit.score + self.bonus - self.fee


@dataclass(frozen=True, slots=True)
class Wish(Generic[Person]):
    """What one rep could do today."""

    rep_id: int
    limit: int
    candidates: Sequence[Candidate[Person]]


@dataclass(slots=True)
class Together(Generic[Person]):
    """Who gets whom, what each physician's attention costs, and what reps had to leave."""

    chosen: dict[int, list[Candidate[Person]]] = field(default_factory=dict)
    prices: dict[Person, float] = field(default_factory=dict)
    others: Counter[int] = field(default_factory=Counter)  # rep → lost to another rep today
    saved: Counter[int] = field(default_factory=Counter)  # rep → kept for later this week


def choose(
    candidates: Sequence[Candidate[Person]], limit: int, diversity: float = DIVERSITY
) -> list[Candidate[Person]]:
    """At most `limit` candidates, one a physician, no content for more than half of them.

    Each next one is the best that is left after a discount for what the list already has.
    """
    return _bid(sorted(candidates, key=_rank), limit, {}, 0.0, frozenset(), diversity)


def together(
    wishes: Sequence[Wish[Person]],
    reserve: Mapping[Person, float] | None = None,
    *,
    diversity: float = DIVERSITY,
) -> Together[Person]:
    """A day for all these reps, each physician at most once; prices begin at `reserve`."""
    auction = _Auction(sorted(wishes, key=lambda w: w.rep_id), dict(reserve or {}), diversity)
    auction.run()
    return auction.result()


def likeness(one: Mapping[int, float], other: Mapping[int, float]) -> float:
    """Cosine of two contents' tags."""
    dot = sum(weight * other[tag] for tag, weight in one.items() if tag in other)
    if not dot:
        return 0.0
    lengths = math.sqrt(sum(w * w for w in one.values()) * sum(w * w for w in other.values()))
    return dot / lengths


class _Auction(Generic[Person]):
    """Prices only rise, and each bid raises one or takes somebody who is free: it ends."""

    def __init__(
        self, wishes: Sequence[Wish[Person]], prices: dict[Person, float], diversity: float
    ) -> None:
        self._wishes = {wish.rep_id: wish for wish in wishes}
        self._ranked = {wish.rep_id: sorted(wish.candidates, key=_rank) for wish in wishes}
        self._prices, self._reserve, self._diversity = prices, dict(prices), diversity
        self._holder: dict[Person, int] = {}
        self._held: dict[int, list[Candidate[Person]]] = {rep_id: [] for rep_id in self._wishes}
        worths = [abs(c.worth) for ranked in self._ranked.values() for c in ranked[:1]]
        self._step = STEP * max(worths, default=0.0) or STEP

    def run(self) -> None:
        """Until nobody who was outbid wants anything else."""
        turns = sorted(self._wishes)
        heapq.heapify(turns)
        while turns:
            for loser in self._take(heapq.heappop(turns)):
                if loser not in turns:
                    heapq.heappush(turns, loser)

    def result(self) -> Together[Person]:
        found = Together(dict(self._held), {p: v for p, v in self._prices.items() if v > 0})
        for rep_id, wish in self._wishes.items():
            mine = {c.person for c in self._held[rep_id]}
            for c in _bid(self._ranked[rep_id], wish.limit, {}, 0.0, frozenset(), self._diversity):
                if c.person not in mine and c.person in self._holder:
                    found.others[rep_id] += 1
                elif c.person not in mine and self._reserve.get(c.person, 0.0) > 0:
                    found.saved[rep_id] += 1
        return found

    def _take(self, rep_id: int) -> list[int]:
        """The rep's best list at today's prices; returns who lost somebody by it."""
        mine = frozenset(c.person for c in self._held[rep_id])
        wanted = _bid(
            self._ranked[rep_id], self._wishes[rep_id].limit, self._prices, self._step,
            frozenset(p for p in self._holder if p not in mine), self._diversity,
        )  # fmt: skip
        losers = []
        for person in mine - {c.person for c in wanted}:
            del self._holder[person]
        for candidate in wanted:
            before = self._holder.get(candidate.person)
            if before is not None and before != rep_id:
                self._prices[candidate.person] = (
                    self._prices.get(candidate.person, 0.0) + self._step
                )
                self._held[before] = [c for c in self._held[before] if c.person != candidate.person]
                losers.append(before)
            self._holder[candidate.person] = rep_id
        self._held[rep_id] = wanted
        return losers


def _bid(
    ranked: Sequence[Candidate[Person]],
    limit: int,
    prices: Mapping[Person, float],
    step: float,
    held: frozenset[Person],
    diversity: float,
) -> list[Candidate[Person]]:
    """The best list at these prices; whoever is `held` by another costs a step more."""
    per_content = max(1, math.ceil(limit / 2))
    chosen: list[Candidate[Person]] = []
    people: set[Person] = set()
    used: Counter[int] = Counter()

    def cost(person: Person) -> float:
        return prices.get(person, 0.0) + (step if person in held else 0.0)

    while len(chosen) < limit:
        best = _next(
            ranked, chosen, cost, diversity,
            lambda c: c.person not in people and used[c.fit.piece.content_id] < per_content,
        )  # fmt: skip
        if best is None:
            break
        chosen.append(best)
        people.add(best.person)
        used[best.fit.piece.content_id] += 1
    return chosen


def _next(
    ranked: Sequence[Candidate[Person]],
    chosen: Sequence[Candidate[Person]],
    cost: Callable[[Person], float],
    diversity: float,
    open_: Callable[[Candidate[Person]], bool],
) -> Candidate[Person] | None:
    """The best that is left; looks no further than where nothing better can come."""
    best, best_key = None, (math.inf, "", 0)
    for candidate in ranked:
        if candidate.worth < -best_key[0]:
            break
        if not open_(candidate):
            continue
        price = cost(candidate.person)
        gain = _worth(candidate, chosen, diversity) - price
        if price > 0 and gain <= 0:
            continue
        key = (-gain, candidate.order, candidate.fit.piece.content_id)
        if key < best_key:
            best, best_key = candidate, key
    return best


def _worth(
    candidate: Candidate[Person], chosen: Sequence[Candidate[Person]], diversity: float
) -> float:
    if not diversity:
        return candidate.worth
    tags = candidate.fit.piece.tags
    alike = max((likeness(tags, c.fit.piece.tags) for c in chosen), default=0.0)
    return candidate.worth - candidate.fit.score * diversity * alike


def _rank(candidate: Candidate[Person]) -> tuple[float, str, int]:
    return (-candidate.worth, candidate.order, candidate.fit.piece.content_id)
