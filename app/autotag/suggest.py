"""Tags that a text speaks of, each with the places: suggestions, never more. Pure.

How a tag ranks: how often its names stand in the text, where (title, summary, body), and how rare
the tag is among the contents that there are. A tag that everything has says little.
"""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from app.tagging.lexicon import Named
from app.tagging.naming import Finder

PARTS = (("title", 4.0), ("summary", 2.0), ("body", 1.0))
AROUND = 12  # characters beside a place
SHOWN = 3  # places of a tag
LONGEST = 50_000


class Place(NamedTuple):
    """Where a name stands: the part of the text, what is before it, the name, what is after it."""

    part: str
    before: str
    name: str
    after: str


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A tag with its rank (more is better), how often its names stand there, and some places."""

    tag: Named
    rank: float
    times: int
    places: Sequence[Place]


def suggest(
    finder: Finder[Named],
    texts: Mapping[str, str],
    frequent: Mapping[int, int],
    contents: int,
) -> list[Suggestion]:
    """Best first. `texts`: title, summary, body; `frequent`: tag id → contents that have it, of
    `contents` in all."""
    counts: dict[int, dict[str, int]] = {}
    places: dict[int, list[Place]] = {}
    tags: dict[int, Named] = {}
    for part, _ in PARTS:
        said = unicodedata.normalize("NFKC", texts.get(part, ""))[:LONGEST]
        for tag, start, end in finder.places(said.lower()):
            tags[tag.id] = tag
            mine = counts.setdefault(tag.id, {})
            mine[part] = mine.get(part, 0) + 1
            places.setdefault(tag.id, []).append(_place(part, said, start, end))
    found = [
        Suggestion(
            tag, _rank(counts[number], frequent.get(number, 0), contents),
            sum(counts[number].values()), places[number][:SHOWN],
        )
        for number, tag in tags.items()
    ]  # fmt: skip
    return sorted(found, key=lambda one: (-one.rank, one.tag.id))


def _rank(counts: Mapping[str, int], have_it: int, contents: int) -> float:
    often = sum(weight * math.log1p(counts.get(part, 0)) for part, weight in PARTS)
    return often * (1.0 + math.log((contents + 1) / (have_it + 1)))


def _place(part: str, said: str, start: int, end: int) -> Place:
    line_start = said.rfind("\n", 0, start) + 1
    line_end = said.find("\n", end)
    return Place(
        part, said[max(line_start, start - AROUND) : start], said[start:end],
        said[end : min(line_end if line_end >= 0 else len(said), end + AROUND)],
    )  # fmt: skip
