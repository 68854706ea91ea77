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
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar

from app.recommend.fit.scoring import Piece, Scored

DIVERSITY = 0.3  # what repeating the same tags within one day's list costs
ROUNDING = 1e-9  # sums of the same numbers in another order
OTHER_REP, SAVED = "other_rep", "saved"  # lost to another rep today, kept for later this week
STEP = 0.002  # of the best worth: how much a price rises with each bid

Person = TypeVar("Person", bound=Hashable)
# Whoever was looked at: −gain, order, content; when: length of the list, cost; place in the ranking
_Seen = tuple[float, str, int, int, float, int]


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


class Source(Protocol[Person]):
    """Where a rep's further candidates come from."""

    def bound(self) -> float:
        """No candidate that is still to come is worth more; minus infinity: none comes."""
        ...

    def further(self) -> Sequence[Candidate[Person]]:
        """Some of those, or none of them; asked again as long as something is to come."""
        ...


class Ranked(Generic[Person]):
    """Candidates of one rep, best first. Of a source no more is taken than somebody asks for."""

    def __init__(
        self,
        candidates: Sequence[Candidate[Person]] = (),
        source: Source[Person] | None = None,
    ) -> None:
        self._source = source
        self.sure = [] if source else sorted(candidates, key=_rank)  # nobody comes in between
        self._waiting: list[tuple[tuple[float, str, int], Candidate[Person]]] = []

    def at(self, place: int) -> Candidate[Person] | None:
        """The candidate of this place, from 0; None when there are fewer."""
        while len(self.sure) <= place and self._source is not None:
            bound = self._source.bound()
            if self._waiting and self._waiting[0][1].worth > bound + ROUNDING:
                self.sure.append(heapq.heappop(self._waiting)[1])
            elif bound > -math.inf:
                for candidate in self._source.further():
                    heapq.heappush(self._waiting, (_rank(candidate), candidate))
            else:
                self._source = None
        return self.sure[place] if place < len(self.sure) else None


@dataclass(frozen=True, slots=True)
class Wish(Generic[Person]):
    """What one rep could do today."""

    rep_id: int
    limit: int
    candidates: Sequence[Candidate[Person]] | Ranked[Person]

    def ranked(self) -> Ranked[Person]:
        """The candidates, best first."""
        return self.candidates if isinstance(self.candidates, Ranked) else Ranked(self.candidates)


@dataclass(slots=True)
class Together(Generic[Person]):
    """Who gets whom, what each physician's attention costs, and what reps had to leave."""

    chosen: dict[int, list[Candidate[Person]]] = field(default_factory=dict)
    prices: dict[Person, float] = field(default_factory=dict)
    lost: dict[int, dict[Person, str]] = field(default_factory=dict)  # rep → whom, and why


def choose(
    candidates: Sequence[Candidate[Person]] | Ranked[Person],
    limit: int,
    diversity: float = DIVERSITY,
) -> list[Candidate[Person]]:
    """At most `limit` candidates, one a physician, no content for more than half of them.

    Each next one is the best that is left after a discount for what the list already has.
    """
    return _List(Wish(0, limit, candidates).ranked(), limit, diversity, {}).at({})


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
        ranked = {wish.rep_id: wish.ranked() for wish in wishes}
        pairs: dict[tuple[int, int], float] = {}
        self._lists = {
            wish.rep_id: _List(ranked[wish.rep_id], wish.limit, diversity, pairs) for wish in wishes
        }
        self._prices, self._reserve = prices, dict(prices)
        self._holder: dict[Person, int] = {}
        self._held: dict[int, list[Candidate[Person]]] = {rep_id: [] for rep_id in ranked}
        firsts = [one.at(0) for one in ranked.values()]
        worths = [abs(first.worth) for first in firsts if first is not None]
        self._step = STEP * max(worths, default=0.0) or STEP

    def run(self) -> None:
        """Until nobody who was outbid wants anything else."""
        turns = sorted(self._lists)
        heapq.heapify(turns)
        while turns:
            for loser in self._take(heapq.heappop(turns)):
                if loser not in turns:
                    heapq.heappush(turns, loser)

    def result(self) -> Together[Person]:
        found = Together(dict(self._held), {p: v for p, v in self._prices.items() if v > 0})
        for rep_id, wanted in self._lists.items():
            mine = {c.person for c in self._held[rep_id]}
            lost = found.lost.setdefault(rep_id, {})
            for c in wanted.at({}):
                if c.person not in mine and c.person in self._holder:
                    lost[c.person] = OTHER_REP
                elif c.person not in mine and self._reserve.get(c.person, 0.0) > 0:
                    lost[c.person] = SAVED
        return found

    def _take(self, rep_id: int) -> list[int]:
        """The rep's best list at today's prices; returns who lost somebody by it."""
        mine = {c.person for c in self._held[rep_id]}
        costs = dict(self._prices)  # whoever is held by another costs a step more
        for person in self._holder.keys() - mine:
            costs[person] = costs.get(person, 0.0) + self._step
        wanted = self._lists[rep_id].at(costs)
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


class _List(Generic[Person]):
    """One rep's best list at what physicians cost the rep, asked for again as costs change.

    What a candidate adds only falls while the list grows, so whoever is best by what was found
    before, and still is when looked at again, is best of all: few are looked at twice. The same
    holds while costs rise, so the list is kept up to the first slot whose physician costs more than
    the last time; where somebody costs less, it is begun anew.
    """

    def __init__(
        self, ranked: Ranked[Person], limit: int, diversity: float,
        pairs: dict[tuple[int, int], float],
    ) -> None:  # fmt: skip
        """`pairs` keeps how like two contents are."""
        self._ranked, self._limit, self._diversity = ranked, limit, diversity
        self._per_content = max(1, math.ceil(limit / 2))
        self._alike = Alike(pairs)
        self._costs: Mapping[Person, float] = {}
        self._chosen: list[Candidate[Person]] = []
        self._people: set[Person] = set()
        self._used: Counter[int] = Counter()
        self._seen: list[_Seen] = []  # a heap
        self._place = 0  # who was not looked at yet
        self._before: list[tuple[list[_Seen], int]] = []  # both, as each slot found them

    def at(self, costs: Mapping[Person, float]) -> list[Candidate[Person]]:
        """The best list at these costs; whoever is not there costs nothing."""
        self._go_back(costs)
        while len(self._chosen) < self._limit:
            self._before.append((self._seen.copy(), self._place))
            winner = self._next()
            if winner is None:
                break
            self._chosen.append(winner)
            self._alike.add(winner.fit.piece)
            self._people.add(winner.person)
            self._used[winner.fit.piece.content_id] += 1
        return self._chosen.copy()

    def _go_back(self, costs: Mapping[Person, float]) -> None:
        """To the first slot that may be filled otherwise than the last time."""
        last, self._costs = self._costs, costs
        kept = 0
        if all(costs.get(person, 0.0) >= cost for person, cost in last.items()):
            while kept < len(self._chosen):
                person = self._chosen[kept].person
                if costs.get(person, 0.0) != last.get(person, 0.0):
                    break
                kept += 1
        if kept < len(self._before):
            self._seen, self._place = self._before[kept]
            del self._before[kept:], self._chosen[kept:]
            self._alike.go_back(kept)
            self._people = {c.person for c in self._chosen}
            self._used = Counter(c.fit.piece.content_id for c in self._chosen)

    def _next(self) -> Candidate[Person] | None:
        """Who adds most to the list; None when nobody adds anything."""
        seen, ranked = self._seen, self._ranked
        while True:
            further = ranked.at(self._place)
            while further is not None and (not seen or further.worth >= -seen[0][0]):
                self._look(further, self._place)
                self._place += 1
                further = ranked.at(self._place)
            if not seen:
                return None
            *_, then, cost, place = heapq.heappop(seen)
            best = ranked.sure[place]
            if then == len(self._chosen) and cost == self._costs.get(best.person, 0.0):
                return best
            self._look(best, place)

    def _look(self, candidate: Candidate[Person], place: int) -> None:
        content_id = candidate.fit.piece.content_id
        if candidate.person in self._people or self._used[content_id] >= self._per_content:
            return
        cost = self._costs.get(candidate.person, 0.0)
        worth = candidate.worth - repeating(candidate.fit, self._alike, self._diversity)
        gain = worth - cost
        if cost <= 0 or gain > 0:
            one = (-gain, candidate.order, content_id, len(self._chosen), cost, place)
            heapq.heappush(self._seen, one)


def repeating(fit: Scored, alike: Alike, diversity: float = DIVERSITY) -> float:
    """What a fit loses for what the list has already. One that speaks against its content is not
    made better by being repeated."""
    return max(0.0, fit.score) * diversity * alike.most(fit.piece) if diversity else 0.0


class Alike:
    """How like a content is to the likest on a list. It is asked far more often than there are
    contents, so what was found is kept: by piece, which candidates share."""

    def __init__(self, pairs: dict[tuple[int, int], float]) -> None:
        self._pairs, self._list = pairs, list[Piece]()
        self._most: dict[int, tuple[int, float]] = {}  # piece → compared with how many, likest

    def add(self, piece: Piece) -> None:
        """One more is on the list."""
        self._list.append(piece)

    def go_back(self, number: int) -> None:
        """Only the first `number` are on the list."""
        del self._list[number:]
        self._most = {one: known for one, known in self._most.items() if known[0] <= number}

    def most(self, piece: Piece) -> float:
        """0 to 1."""
        number, value = self._most.get(id(piece), (0, 0.0))
        if number < len(self._list):
            for other in self._list[number:]:
                key = (id(piece), id(other))
                if key not in self._pairs:
                    self._pairs[key] = likeness(piece.tags, other.tags)
                value = max(value, self._pairs[key])
            self._most[id(piece)] = len(self._list), value
        return value


def _rank(candidate: Candidate[Person]) -> tuple[float, str, int]:
    return (-candidate.worth, candidate.order, candidate.fit.piece.content_id)
