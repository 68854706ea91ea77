"""A physician's best contents as a short row, and what a plan takes from it. Pure.

The row keeps, of the best twelve, what the physician's own tags say for each (`affinity`, exact)
and the three that say most; what a content has whoever reads it is added when it is read. Contents
that were sent lately are left out then, and what saturates counts less: neither makes a content
better, so the first few are exact as long as they are no worse than the last of the row. When they
are not, the row cannot say, and the physician is scored anew.
"""

from __future__ import annotations

import math
import struct
from bisect import insort
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from app.recommend.fit.scoring import Piece, Scored, Scorer

KEPT, WHY = 12, 3  # contents of a row, and own tags of each
LONG = 128  # contents of a row that is made on the spot where that is fast
NOTHING = -1  # in place of an own tag
_ONE = struct.Struct("<Id3i3f")
Seen = Mapping[int, float]


class Kept(NamedTuple):
    """A content and what speaks for it; `tags` and `parts`: what says most, strongest first."""

    content_id: int
    affinity: float
    tags: tuple[int, ...]
    parts: tuple[float, ...]


@dataclass(frozen=True)
class Shelf:
    """A library as rows are read with it: the scorer, and its places by content."""

    scorer: Scorer
    places: Mapping[int, int] = field(init=False)
    rest: Sequence[float] = field(init=False)

    def __post_init__(self) -> None:
        places = {piece.content_id: at for at, piece in enumerate(self.scorer.library)}
        object.__setattr__(self, "places", places)
        object.__setattr__(self, "rest", [sum(one.values()) for one in self.scorer.others])

    def score(self, one: Kept) -> float:
        """Whatever was sent lately."""
        return one.affinity + self.rest[self.places[one.content_id]]


def pack(kept: Sequence[Kept]) -> bytes:
    """36 bytes each."""
    return b"".join(
        _ONE.pack(one.content_id, one.affinity, *_filled(one.tags, NOTHING), *_filled(one.parts, 0))
        for one in kept
    )


def unpack(body: bytes) -> list[Kept]:
    """What `pack` was given."""
    found = []
    for content_id, affinity, *why in _ONE.iter_unpack(body):
        number = sum(tag != NOTHING for tag in why[:WHY])
        found.append(Kept(content_id, affinity, tuple(why[:number]), tuple(why[WHY:][:number])))
    return found


def kept_of(fits: Sequence[Scored]) -> list[Kept]:
    """Of the best fits of a scorer that was told of nothing sent."""
    found = []
    for fit in fits:
        most = sorted((-part, tag) for tag, part in fit.parts.items() if part > 0)[:WHY]
        tags, parts = tuple(tag for _, tag in most), tuple(-part for part, _ in most)
        found.append(Kept(fit.piece.content_id, sum(fit.parts.values()), tags, parts))
    return found


def bound(body: bytes, shelf: Shelf, without: Container[int]) -> float:
    """No content but these has a better score; minus infinity when nothing else fits."""
    score = -math.inf
    for content_id, affinity, *_ in _ONE.iter_unpack(body):
        score = float(affinity + shelf.rest[shelf.places[content_id]])
        if content_id not in without:
            return score
    return score if len(body) // _ONE.size >= KEPT else -math.inf


def best(
    body: bytes,
    shelf: Shelf,
    limit: int,
    seen: Seen,
    without: Container[int],
    kept: int = KEPT,
) -> list[Scored] | None:
    """The same contents and scores that the scorer gives, with the parts that say most; None when
    the row does not hold enough to be sure. `kept`: how many it holds when there are so many."""
    ranked: list[tuple[float, int, int, Mapping[str, float], tuple[float, ...]]] = []
    is_all = len(body) // _ONE.size < kept
    for content_id, affinity, *why in _ONE.iter_unpack(body):
        at = shelf.places[content_id]
        last = -(affinity + shelf.rest[at]), content_id  # whatever was sent: they are in order
        if len(ranked) == limit and ranked[-1][:2] <= last:
            break  # nothing that comes is better
        if content_id in without:
            continue
        others: Mapping[str, float] = shelf.scorer.others[at]
        score = last[0]
        if seen:
            others = shelf.scorer.whole(at, affinity, seen)
            score = -(affinity + sum(others.values()))
        insort(ranked, (score, content_id, at, others, tuple(why)), key=_place)
        del ranked[limit:]
    if not is_all and (len(ranked) < limit or ranked[-1][:2] > last):
        return None
    library = shelf.scorer.library
    return [
        Scored(library[at], -negative, _parts(why), others)
        for negative, _, at, others, why in ranked
    ]


def whole(shelf: Shelf, piece: Piece, interests: Mapping[int, float], seen: Seen) -> Scored:
    """A fit with all its parts, as the scorer gives it."""
    at = shelf.places[piece.content_id]
    parts: dict[int, float] = {}
    for own, weight in interests.items():
        value = shelf.scorer.row(own).get(at)
        if value:
            parts[abs(own)] = parts.get(abs(own), 0.0) + weight * value
    others = shelf.scorer.whole(at, sum(parts.values()), seen)
    return Scored(piece, sum(parts.values()) + sum(others.values()), parts, others)


def _place(one: Sequence[Any]) -> tuple[float, int]:
    return one[0], one[1]


def _parts(why: Sequence[float]) -> dict[int, float]:
    return {
        int(tag): part for tag, part in zip(why[:WHY], why[WHY:], strict=True) if tag != NOTHING
    }


def _filled(values: Sequence[float], blank: float) -> list[float]:
    return [*values, *[blank] * (WHY - len(values))]
