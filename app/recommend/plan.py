"""Choosing a rep's few suggestions of the day. Pure, greedy, deterministic."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from app.recommend.scoring import Scored

Person = TypeVar("Person", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Candidate(Generic[Person]):
    """One physician with one fitting content."""

    person: Person
    order: str  # any stable text of the person: breaks ties
    fit: Scored


def choose(candidates: Sequence[Candidate[Person]], limit: int) -> list[Candidate[Person]]:
    """At most `limit` candidates, one a physician, no content for more than half of them."""
    per_content = max(1, math.ceil(limit / 2))
    ranked = sorted(candidates, key=lambda c: (-c.fit.score, c.order, c.fit.piece.content_id))
    chosen: list[Candidate[Person]] = []
    taken: set[Person] = set()
    used: Counter[int] = Counter()
    for candidate in ranked:
        if len(chosen) == limit:
            break
        content = candidate.fit.piece.content_id
        if candidate.person in taken or used[content] >= per_content:
            continue
        chosen.append(candidate)
        taken.add(candidate.person)
        used[content] += 1
    return chosen
