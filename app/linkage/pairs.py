"""Which of many records are worth comparing, without holding all pairs at once. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TypeVar

from app.linkage.block import MOST

F = TypeVar("F")


def blocks(
    records: Sequence[F], keys: Callable[[F], Iterable[str]], most: int = MOST
) -> list[list[int]]:
    """The positions of records that share a key: at least two, at most `most`, each ascending."""
    found: dict[str, list[int]] = defaultdict(list)
    for position, record in enumerate(records):
        for key in keys(record):
            found[key].append(position)
    return [members for members in found.values() if 1 < len(members) <= most]


def candidates(number: int, groups: Sequence[Sequence[int]]) -> Iterator[tuple[int, int]]:
    """Every pair (i < j) of `number` records that meet in a group, once."""
    of: list[list[Sequence[int]]] = [[] for _ in range(number)]
    for members in groups:
        for position in members[:-1]:
            of[position].append(members)
    for i in range(number):
        mine = of[i]
        if len(mine) == 1:
            yield from ((i, j) for j in mine[0] if j > i)
        elif mine:
            yield from ((i, j) for j in sorted({j for members in mine for j in members if j > i}))
