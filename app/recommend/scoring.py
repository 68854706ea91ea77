"""How well a content fits a physician now: tag affinity with its parts kept. Pure.

    score = Σ interest(tag) · share(tag) · idf(tag) / norm(content) · (1 − saturation) + freshness

An interest reaches one step up and down the tag tree at half strength. The parts are kept by the
physician's own tag that they come from, so an explanation is the sum itself.
"""

from __future__ import annotations

import heapq
import math
from collections import defaultdict
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

FRESH_BONUS, FRESH_HALF_LIFE_DAYS = 0.08, 45.0
SATURATION = 0.4  # how much having just seen similar content takes away
BACK_OFF = 0.5
DAY_S = 86400.0


@dataclass(frozen=True, slots=True)
class Piece:
    """A content version as the scorer sees it."""

    version_id: int
    content_id: int
    tags: Mapping[int, float]
    approved_at: datetime


@dataclass(frozen=True, slots=True)
class Scored:
    """A fit with its parts by the physician's tag id."""

    piece: Piece
    score: float
    parts: Mapping[int, float] = field(default_factory=dict)


def interests(
    weights: Mapping[int, float], parents: Mapping[int, int]
) -> dict[int, dict[int, float]]:
    """For each tag how much a physician cares, by the own tag that says so.

    Everything adds up, so that taking any tag away always takes something away.
    """
    found = {tag: {tag: weight} for tag, weight in weights.items()}
    for child, parent in parents.items():
        for own, other in ((child, parent), (parent, child)):
            if own in weights:
                found.setdefault(other, {})[own] = BACK_OFF * weights[own]
    return found


class Scorer:
    """Scores one library for many physicians; rare tags count more than common ones."""

    def __init__(
        self, library: Sequence[Piece], now: datetime, parents: Mapping[int, int] | None = None
    ) -> None:
        self._parents = dict(parents or {})
        self._library = list(library)
        counts: dict[int, int] = defaultdict(int)
        for piece in library:
            for tag in piece.tags:
                counts[tag] += 1
        idf = {tag: math.log(1 + len(library) / n) for tag, n in counts.items()}
        self._fresh = [_freshness(piece, now) for piece in library]
        self._postings: dict[int, list[tuple[int, float]]] = defaultdict(list)
        for index, piece in enumerate(library):
            norm = math.sqrt(sum((w * idf[t]) ** 2 for t, w in piece.tags.items()))
            for tag, share in piece.tags.items():
                if norm:
                    self._postings[tag].append((index, share * idf[tag] / norm))

    def best(
        self,
        weights: Mapping[int, float],
        limit: int,
        *,
        seen: Mapping[int, float] | None = None,
        without: Container[int] = (),
    ) -> list[Scored]:
        """The best fits, without contents that share no tag; ties by content id.

        `seen`: per tag, 0 to 1, how much of it was sent lately. `without`: content ids.
        """
        parts: dict[int, dict[int, float]] = defaultdict(dict)
        for tag, lent in interests(weights, self._parents).items():
            for index, share in self._postings.get(tag, ()):
                mine = parts[index]
                for via, weight in lent.items():
                    mine[via] = mine.get(via, 0.0) + weight * share
        ranked = []
        for index, mine in parts.items():
            piece = self._library[index]
            affinity = sum(mine.values())
            if affinity <= 0 or piece.content_id in without:
                continue
            if seen:
                affinity *= 1 - SATURATION * max(seen.get(tag, 0.0) for tag in piece.tags)
            ranked.append((-(affinity + self._fresh[index]), piece.content_id, index))
        return [
            Scored(self._library[index], -negative, parts[index])
            for negative, _, index in heapq.nsmallest(limit, ranked)
        ]


def saturation(times_sent: Mapping[int, int]) -> dict[int, float]:
    """How used up each tag is: nothing 0, once a half, twice three quarters …"""
    return {tag: 1 - 0.5**times for tag, times in times_sent.items() if times > 0}


def _freshness(piece: Piece, now: datetime) -> float:
    age_days = max(0.0, (now - piece.approved_at).total_seconds() / DAY_S)
    return float(FRESH_BONUS * 2.0 ** (-age_days / FRESH_HALF_LIFE_DAYS))
