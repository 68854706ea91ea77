"""Rows of a file as persons, by the rules of ONE ID: whatever identifiers say, and nothing else.

Pure. A row without identifiers, or with shared ones only, is a person of its own.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import combinations

from app.identity import Id, Kind, make_id
from app.identity.names import called
from app.identity.partition import RULES, Edge, Node, partition

_ONCE = datetime(2000, 1, 1, tzinfo=UTC)
_SINGLE = tuple(kind for kind, rule in RULES.items() if rule.limit == 1)
Marks = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Person:
    """Rows that identifiers make one person; `phones` are those that are nobody else's.

    `marks`: of what a person has one only (kind → value); `marks_of_rows`: the same by row.
    """

    rows: tuple[int, ...]
    phones: frozenset[str]
    marks: dict[str, str]
    marks_of_rows: tuple[Marks, ...]


def persons_of(
    table: Sequence[Mapping[str, str]], columns: Mapping[str, str], source: str = ""
) -> list[Person]:
    """The persons of a table. `columns`: kind of identifier, or "name" → column; `source` as in
    `link`."""
    ids = [_ids(row, columns) for row in table]
    numbers = {one: n for n, one in enumerate(dict.fromkeys(one for row in ids for one in row))}
    names = [called(row.get(columns.get("name", ""), "")) for row in table]
    owner, shared = _owners(numbers, [[numbers[one] for one in row] for row in ids], names)
    rows: dict[object, list[int]] = defaultdict(list)
    for position, row in enumerate(ids):
        usable = [numbers[one] for one in row if numbers[one] not in shared]
        rows[owner[usable[0]] if usable else ("row", position)].append(position)
    return [_person(table, members, ids, numbers, shared, source) for members in rows.values()]


def _ids(row: Mapping[str, str], columns: Mapping[str, str]) -> list[Id]:
    """Strongest first."""
    found = [make_id(kind, row.get(columns[kind], "")) for kind in RULES if kind in columns]
    return [one for one in found if one is not None]


def _owners(
    numbers: Mapping[Id, int], rows: Sequence[Sequence[int]], names: Sequence[str]
) -> tuple[dict[int, int], set[int]]:
    """The anchor of every identifier, and those that are shared. `names`: of the rows."""
    told: dict[int, dict[int, str]] = defaultdict(dict)  # by value: who told it → under which name
    for row, name in zip(rows, names, strict=True):
        for one in row if name else ():
            told[one][row[0]] = max(name, told[one].get(row[0], ""))
    several = [len(set(told[number].values())) for number in range(len(numbers))]
    nodes = [
        Node(number, one.kind, one.namespace, one.value.encode(), names=several[number])
        for one, number in numbers.items()
    ]
    pairs = {
        (min(a, b), max(a, b))
        for row in rows
        for a, b in combinations(row, 2)
        if not (RULES[nodes[a].kind].weak and RULES[nodes[b].kind].weak)
    }
    owner: dict[int, int] = {}
    shared: set[int] = set()
    for members, edges in _components(len(nodes), pairs):
        result = partition([nodes[n] for n in members], [Edge(a, b, 50, _ONCE) for a, b in edges])
        shared |= result.shared
        owner |= {n: found.anchor for found in result.clusters for n in found.members}
    return owner, shared


def _components(
    number: int, pairs: set[tuple[int, int]]
) -> list[tuple[list[int], list[tuple[int, int]]]]:
    parent = list(range(number))

    def root(one: int) -> int:
        while parent[one] != one:
            parent[one] = parent[parent[one]]
            one = parent[one]
        return one

    for a, b in pairs:
        parent[root(b)] = root(a)
    members: dict[int, list[int]] = defaultdict(list)
    edges: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for one in range(number):
        members[root(one)].append(one)
    for a, b in pairs:
        edges[root(a)].append((a, b))
    return [(found, edges[one]) for one, found in members.items()]


def _person(
    table: Sequence[Mapping[str, str]],
    rows: Sequence[int],
    ids: Sequence[Sequence[Id]],
    numbers: Mapping[Id, int],
    shared: set[int],
    source: str,
) -> Person:
    of_rows: list[Marks] = []
    phones: set[str] = set()
    for row in rows:
        marks = [(one.kind.value, one.value) for one in ids[row] if one.kind in _SINGLE]
        if source:
            marks.append((f"source:{table[row][source]}", str(row)))
        of_rows.append(tuple(marks))
        phones |= {
            one.value for one in ids[row] if one.kind is Kind.PHONE and numbers[one] not in shared
        }
    together = {kind: value for marks in of_rows for kind, value in marks}
    return Person(tuple(rows), frozenset(phones), together, tuple(of_rows))
