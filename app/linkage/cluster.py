"""Persons out of scored pairs, carefully: one wrong pair must not make one person of many. Pure.

The surest pairs join first. Two groups join when nothing forbids it and when their pairs agree on
average, also those that no key brought together: so a chain of lookalikes falls apart.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

Scored = tuple[float, int, int]  # bits, and the positions of the two
Marks = Mapping[str, str]
"""Of what a person has one at most: kind → value. Two values of one kind are two persons."""


def cluster(
    number: int,
    pairs: Iterable[Scored],
    bits: Callable[[int, int], float],
    *,
    least: float,
    marks: Sequence[Marks] | None = None,
) -> list[int]:
    """For each of `number` records the position of the first record of its group.

    `pairs` below `least` bits are left out; `bits` scores any pair; `marks`: of each record.
    """
    parent = list(range(number))
    members: dict[int, list[int]] = {}
    known = [dict(one) for one in marks] if marks is not None else [{} for _ in parent]

    def root(one: int) -> int:
        while parent[one] != one:
            parent[one] = parent[parent[one]]
            one = parent[one]
        return one

    chosen = sorted((pair for pair in pairs if pair[0] >= least), key=lambda p: (-p[0], p[1], p[2]))
    for _, i, j in chosen:
        a, b = sorted((root(i), root(j)))
        if a == b or _contradict(known[a], known[b]):
            continue
        mine, theirs = members.get(a, [a]), members.get(b, [b])
        if len(mine) > 1 or len(theirs) > 1:
            total = sum(bits(x, y) for x in mine for y in theirs)
            if total < least * len(mine) * len(theirs):
                continue
        parent[b] = a
        members[a] = mine + theirs
        known[a].update(known[b])
        members.pop(b, None)
    return [root(one) for one in range(number)]


def _contradict(a: Marks, b: Marks) -> bool:
    return any(b[kind] != value for kind, value in a.items() if kind in b)
