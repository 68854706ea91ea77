"""A physician's best contents as a short row, and what a plan takes from it. Pure.

The row keeps, of the best twelve, what the physician's own tags say for each (`affinity`, exact)
and the three that say most; what a content has whoever reads it is added when it is read. Contents
that were sent lately are left out then, and what saturates counts less: neither makes a content
better, so the first few are exact as long as they are no worse than the last of the row. When they
are not, the row cannot say, and the physician is scored anew.
"""

from __future__ import annotations

import struct
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from app.recommend.scoring import Piece, Scored, Scorer

KEPT, WHY = 12, 3  # contents of a row, and own tags of each
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
    """Of the best `KEPT` fits of a scorer that was told of nothing sent."""
    found = []
    for fit in fits:
        most = sorted((-part, tag) for tag, part in fit.parts.items() if part > 0)[:WHY]
        tags, parts = tuple(tag for _, tag in most), tuple(-part for part, _ in most)
        found.append(Kept(fit.piece.content_id, sum(fit.parts.values()), tags, parts))
    return found


def best(
    body: bytes, shelf: Shelf, limit: int, seen: Seen, without: Container[int]
) -> list[Scored] | None:
    """The same contents and scores that the scorer gives, with the parts that say most; None when
    the row does not hold enough to be sure."""
    number = len(body) // _ONE.size
    ranked: list[tuple[float, int, int, Mapping[str, float], tuple[float, ...]]] = []
    last = (0.0, 0)
    for content_id, affinity, *why in _ONE.iter_unpack(body):
        at = shelf.places[content_id]
        last = (-(affinity + shelf.rest[at]), content_id)
        if content_id in without:
            continue
        if seen:
            others: Mapping[str, float] = shelf.scorer.whole(at, affinity, seen)
            ranked.append((-(affinity + sum(others.values())), content_id, at, others, tuple(why)))
        elif len(ranked) < limit:  # they are in order
            ranked.append((last[0], content_id, at, shelf.scorer.others[at], tuple(why)))
    if seen:
        ranked.sort(key=lambda one: one[:2])
        del ranked[limit:]
    if number == KEPT and (len(ranked) < limit or ranked[-1][:2] > last):
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


def _parts(why: Sequence[float]) -> dict[int, float]:
    return {
        int(tag): part for tag, part in zip(why[:WHY], why[WHY:], strict=True) if tag != NOTHING
    }


def _filled(values: Sequence[float], blank: float) -> list[float]:
    return [*values, *[blank] * (WHY - len(values))]
