"""The scorer as arrays, for many physicians at once. Needs numpy.

A row for each own tag, a column for each content: what an interest of 1 adds. Rows are the pure
scorer's, so both give the same scores, and a physician's are a few rows added up.
"""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from importlib.util import find_spec
from typing import Any

from app.recommend.fit.response import DAY_0, Response
from app.recommend.fit.scoring import SATURATION, Piece, Scored, Scorer


@dataclass(frozen=True, slots=True)
class Table:
    """`rows`: own tags × contents; `rest`: what each content has whoever reads it."""

    own: Mapping[int, int]  # own tag → its row
    rows: Any
    rest: Any

    def scores(self, interests: Any) -> Any:
        """Physicians × contents from physicians × own tags."""
        return interests @ self.rows + self.rest


def table(scorer: Scorer, own: Sequence[int]) -> Table:
    """The rows of these own tags."""
    import numpy as np

    rows = np.zeros((len(own), len(scorer.library)))
    for place, tag in enumerate(own):
        row = scorer.row(tag)
        rows[place, list(row)] = list(row.values())
    rest = np.array([sum(others.values()) for others in scorer.others])
    return Table({tag: place for place, tag in enumerate(own)}, rows, rest)


def scorer(
    library: Sequence[Piece],
    now: datetime,
    parents: Mapping[int, int] | None = None,
    response: Response = DAY_0,
) -> Scorer | FastScorer:
    """The faster one where it is faster and can be had: what was learned reaches every content."""
    if (response.crosses or response.near) and find_spec("numpy") is not None:
        return FastScorer(library, now, parents, response)
    return Scorer(library, now, parents, response)


class FastScorer:
    """`Scorer` with rows as arrays: the same fits, some fifty times as fast once answers count."""

    def __init__(
        self,
        library: Sequence[Piece],
        now: datetime,
        parents: Mapping[int, int] | None = None,
        response: Response = DAY_0,
    ) -> None:
        import numpy as np

        self._slow = Scorer(library, now, parents, response)
        self._rows: dict[int, Any] = {}
        self._rest = table(self._slow, ()).rest
        self._ids = np.array([piece.content_id for piece in library], dtype=np.int64)
        tags = sorted({tag for piece in library for tag in piece.tags})
        self._tags = {tag: place for place, tag in enumerate(tags)}
        self._has = np.zeros((len(tags), len(library)), dtype=bool)
        for index, piece in enumerate(library):
            self._has[[self._tags[tag] for tag in piece.tags], index] = True

    def best(
        self,
        weights: Mapping[int, float],
        limit: int,
        *,
        seen: Mapping[int, float] | None = None,
        without: Container[int] = (),
    ) -> list[Scored]:
        """As `Scorer.best`."""
        import numpy as np

        own = list(dict.fromkeys(abs(tag) for tag in weights))
        if not own or not len(self._ids):
            return []
        each = np.zeros((len(own), len(self._ids)))
        for tag, weight in weights.items():
            each[own.index(abs(tag))] += weight * self._row(tag)
        affinity = each.sum(0)
        score = affinity + self._rest - self._used(affinity, seen)
        score[each.max(0) <= 0] = -np.inf
        fits: list[Scored] = []
        for index in np.lexsort((self._ids, -score)):
            if len(fits) == limit or score[index] == -np.inf:
                break
            if self._slow.library[index].content_id not in without:
                fits.append(self._fit(int(index), own, each[:, index], seen))
        return fits

    def _row(self, tag: int) -> Any:
        if tag not in self._rows:
            self._rows[tag] = table(self._slow, (tag,)).rows[0]
        return self._rows[tag]

    def _used(self, affinity: Any, seen: Mapping[int, float] | None) -> Any:
        """What saturation takes from each content."""
        import numpy as np

        most = np.zeros(len(affinity))
        for tag, value in (seen or {}).items():
            if tag in self._tags:
                np.maximum(most, value * self._has[self._tags[tag]], out=most)
        return SATURATION * most * np.maximum(affinity, 0)

    def _fit(
        self,
        index: int,
        own: Sequence[int],
        each: Any,
        seen: Mapping[int, float] | None,
    ) -> Scored:
        parts = {tag: float(part) for tag, part in zip(own, each, strict=True) if part}
        others = self._slow.whole(index, sum(parts.values()), seen)
        score = sum(parts.values()) + sum(others.values())
        return Scored(self._slow.library[index], score, parts, others)
