"""Choosing a rep's few suggestions of the day. Pure, greedy, deterministic."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from app.recommend.scoring import Scored

DIVERSITY = 0.3  # what repeating the same tags within one day's list costs

Person = TypeVar("Person", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Candidate(Generic[Person]):
    """One physician with one fitting content."""

    person: Person
    order: str  # any stable text of the person: breaks ties
    fit: Scored
    bonus: float = 0.0  # the rep asked for it: 稍后


def choose(candidates: Sequence[Candidate[Person]], limit: int) -> list[Candidate[Person]]:
    """At most `limit` candidates, one a physician, no content for more than half of them.

    Each next one is the best that is left after a discount for what the list already has.
    """
    per_content = max(1, math.ceil(limit / 2))
    left = sorted(candidates, key=_rank)
    chosen: list[Candidate[Person]] = []
    used: Counter[int] = Counter()
    while left and len(chosen) < limit:
        best = min(left, key=lambda c: (-_worth(c, chosen), c.order, c.fit.piece.content_id))
        chosen.append(best)
        used[best.fit.piece.content_id] += 1
        left = [
            c
            for c in left
            if c.person != best.person and used[c.fit.piece.content_id] < per_content
        ]
    return chosen


def likeness(one: Mapping[int, float], other: Mapping[int, float]) -> float:
    """Cosine of two contents' tags."""
    dot = sum(weight * other[tag] for tag, weight in one.items() if tag in other)
    if not dot:
        return 0.0
    lengths = math.sqrt(sum(w * w for w in one.values()) * sum(w * w for w in other.values()))
    return dot / lengths


def _worth(candidate: Candidate[Person], chosen: Sequence[Candidate[Person]]) -> float:
    tags = candidate.fit.piece.tags
    alike = max((likeness(tags, c.fit.piece.tags) for c in chosen), default=0.0)
    return candidate.fit.score * (1 - DIVERSITY * alike) + candidate.bonus


def _rank(candidate: Candidate[Person]) -> tuple[float, str, int]:
    worth = candidate.fit.score + candidate.bonus
    return (-worth, candidate.order, candidate.fit.piece.content_id)
