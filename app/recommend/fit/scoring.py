"""How well a content fits a physician now: tag affinity with its parts kept. Pure.

    score = Σ interest(tag) · share(tag) · idf(tag) / norm(content) · (1 − saturation) + freshness
          + what answers have taught (response.py)

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

from app.recommend.fit import near
from app.recommend.fit.response import DAY_0, Response

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
    """A fit: the score is the sum of `parts`, by the physician's tag id, and `others`, by name."""

    piece: Piece
    score: float
    parts: Mapping[int, float] = field(default_factory=dict)
    others: Mapping[str, float] = field(default_factory=dict)

    def stored(self) -> dict[str, float]:
        """All parts as a suggestion keeps them: tag ids as digits, the others by name."""
        by_own = {near.stored_name(own): round(part, 4) for own, part in self.parts.items()}
        return by_own | {name: round(part, 4) for name, part in self.others.items()}


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
    """Scores one library for many physicians; rare tags count more than common ones.

    `response`: what answers have taught; without it the score is tag affinity alone. An own tag
    below 0 is a tag that was read: it shares its part with the tag itself. One above `near.OPENED`
    is a content that was opened.
    """

    def __init__(
        self,
        library: Sequence[Piece],
        now: datetime,
        parents: Mapping[int, int] | None = None,
        response: Response = DAY_0,
    ) -> None:
        self._parents = dict(parents or {})
        self._response = response
        self.library = list(library)
        self._shares = shares(library)
        self._plain: dict[int, list[tuple[int, float]]] = defaultdict(list)
        self._places: dict[int, list[int]] = defaultdict(list)
        for index, piece in enumerate(library):
            self._places[piece.content_id].append(index)
            for tag, share in piece.tags.items():
                self._plain[tag].append((index, share))
        self._rows: dict[int, dict[int, float]] = {}
        self.others = [_others(piece, now, response) for piece in library]

    def row(self, own: int) -> dict[int, float]:
        """What an interest of 1 in an own tag adds to each content, by its place."""
        if own not in self._rows:
            found = defaultdict(float, self._neighbours(own))
            slope = 1.0 if own > 0 else self._response.reading / self._response.steep
            if own and slope:
                for tag, lent in interests({abs(own): slope}, self._parents).items():
                    for index, share in self._shares.get(tag, ()):
                        found[index] += lent[abs(own)] * share
            for tag, cross in self._response.crosses.get(own, {}).items():
                for index, share in self._plain.get(tag, ()):
                    found[index] += cross * share / self._response.steep
            self._rows[own] = dict(found)
        return self._rows[own]

    def _neighbours(self, own: int) -> dict[int, float]:
        opened = near.content_of(own)
        said = {} if opened is None else self._response.near.get(opened, {})
        return {
            index: value / self._response.steep
            for content_id, value in said.items()
            for index in self._places.get(content_id, ())
        }

    def best(
        self,
        weights: Mapping[int, float],
        limit: int,
        *,
        seen: Mapping[int, float] | None = None,
        without: Container[int] = (),
    ) -> list[Scored]:
        """The best fits, without contents that no own tag speaks for; ties by content id.

        `seen`: per tag, 0 to 1, how much of it was sent lately. `without`: content ids.
        """
        parts: dict[int, dict[int, float]] = defaultdict(dict)
        for own, weight in weights.items():
            for index, value in self.row(own).items():
                mine = parts[index]
                mine[abs(own)] = mine.get(abs(own), 0.0) + weight * value
        ranked = []
        for index, mine in parts.items():
            if self.library[index].content_id in without or max(mine.values()) <= 0:
                continue
            others = self.whole(index, sum(mine.values()), seen)
            score = sum(mine.values()) + sum(others.values())
            ranked.append((-score, self.library[index].content_id, index, others))
        return [
            Scored(self.library[index], -negative, parts[index], others)
            for negative, _, index, others in heapq.nsmallest(limit, ranked)
        ]

    def whole(
        self, index: int, affinity: float, seen: Mapping[int, float] | None
    ) -> dict[str, float]:
        """What is added to the parts of the own tags, by name: new, content, seen."""
        found = dict(self.others[index])
        tags = self.library[index].tags
        if seen and affinity > 0 and not seen.keys().isdisjoint(tags):  # few were seen lately
            used = max(seen.get(tag, 0.0) for tag in tags)
            if used:
                found["seen"] = -SATURATION * used * affinity
        return found


def shares(library: Sequence[Piece]) -> dict[int, list[tuple[int, float]]]:
    """By tag: the places of contents that have it, and how much of each it is."""
    counts: dict[int, int] = defaultdict(int)
    for piece in library:
        for tag in piece.tags:
            counts[tag] += 1
    idf = {tag: math.log(1 + len(library) / n) for tag, n in counts.items()}
    found: dict[int, list[tuple[int, float]]] = defaultdict(list)
    for index, piece in enumerate(library):
        norm = math.sqrt(sum((w * idf[t]) ** 2 for t, w in piece.tags.items()))
        for tag, share in piece.tags.items():
            if norm:
                found[tag].append((index, share * idf[tag] / norm))
    return dict(found)


def saturation(times_sent: Mapping[int, int]) -> dict[int, float]:
    """How used up each tag is: nothing 0, once a half, twice three quarters …"""
    return {tag: 1 - 0.5**times for tag, times in times_sent.items() if times > 0}


def _others(piece: Piece, now: datetime, response: Response) -> dict[str, float]:
    found = {"new": _freshness(piece, now)}
    appeal = response.content_appeal.get(piece.content_id, 0.0)
    appeal += sum(response.tag_appeal.get(tag, 0.0) * w for tag, w in piece.tags.items())
    if appeal:
        found["content"] = appeal / response.steep
    return found


def _freshness(piece: Piece, now: datetime) -> float:
    age_days = max(0.0, (now - piece.approved_at).total_seconds() / DAY_S)
    return float(FRESH_BONUS * 2.0 ** (-age_days / FRESH_HALF_LIFE_DAYS))
