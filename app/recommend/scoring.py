"""How well a content fits a physician now: tag affinity with its parts kept. Pure.

    score = Σ weight(tag) · content weight(tag) · idf(tag) / norm(content) + freshness − saturation

The parts are kept per tag, so an explanation is the sum itself.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

FRESH_BONUS, FRESH_HALF_LIFE_DAYS = 0.08, 45.0
SATURATION = 0.25  # how much having just seen similar content takes away
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
    """A fit with its parts by tag id."""

    piece: Piece
    score: float
    parts: Mapping[int, float] = field(default_factory=dict)


class Scorer:
    """Scores pieces of one library; rare tags count more than common ones."""

    def __init__(self, library: Sequence[Piece], now: datetime) -> None:
        self._now = now
        counts: dict[int, int] = {}
        for piece in library:
            for tag_id in piece.tags:
                counts[tag_id] = counts.get(tag_id, 0) + 1
        total = len(library)
        self._idf = {t: math.log(1 + total / n) for t, n in counts.items()}
        self._norm = {p.version_id: self._length(p.tags) for p in library}

    def score(
        self, piece: Piece, weights: Mapping[int, float], recent_tags: Mapping[int, float]
    ) -> Scored:
        """`weights`: the physician's tags, 0–1. `recent_tags`: share of recent content by tag."""
        norm = self._norm[piece.version_id]
        parts = {
            tag_id: weights[tag_id] * share * self._idf[tag_id] / norm
            for tag_id, share in piece.tags.items()
            if tag_id in weights and norm
        }
        affinity = sum(parts.values())
        if affinity <= 0:
            return Scored(piece, 0.0)
        age_days = max(0.0, (self._now - piece.approved_at).total_seconds() / DAY_S)
        fresh = FRESH_BONUS * 2.0 ** (-age_days / FRESH_HALF_LIFE_DAYS)
        seen = max((recent_tags.get(tag_id, 0.0) for tag_id in piece.tags), default=0.0)
        return Scored(piece, affinity * (1 - SATURATION * seen) + fresh, parts)

    def best(
        self,
        library: Iterable[Piece],
        weights: Mapping[int, float],
        recent_tags: Mapping[int, float],
        limit: int,
    ) -> list[Scored]:
        """The best fits, without those that share no tag; ties by content id."""
        scored = (self.score(piece, weights, recent_tags) for piece in library)
        fits = [fit for fit in scored if fit.score > 0]
        return sorted(fits, key=lambda fit: (-fit.score, fit.piece.content_id))[:limit]

    def _length(self, tags: Mapping[int, float]) -> float:
        return math.sqrt(sum((w * self._idf[t]) ** 2 for t, w in tags.items()))
