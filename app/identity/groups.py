"""Whatever is named together, directly or through others."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from typing import TypeVar

T = TypeVar("T", bound=Hashable)


def groups_of(named: Iterable[Iterable[T]]) -> list[list[T]]:
    """Groups of all that is named; each thing is in one, in the order of its first mention."""
    parent: dict[T, T] = {}

    def root(one: T) -> T:
        while parent[one] != one:
            parent[one] = parent[parent[one]]
            one = parent[one]
        return one

    for together in named:
        first: T | None = None
        for one in together:
            parent.setdefault(one, one)
            if first is None:
                first = one
            else:
                parent[root(one)] = root(first)
    groups: dict[T, list[T]] = {}
    for one in parent:
        groups.setdefault(root(one), []).append(one)
    return list(groups.values())
