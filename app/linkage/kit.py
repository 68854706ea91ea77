"""What a linkage has to know about its records, whatever they are: physicians, or any file's rows.

`columns`: the levels of each, best first. `keys`: under which a record meets others. `teachers`:
keys for learning weights, with the columns of which they are made. `value`: what of a record is
counted for a column of `by_frequency`; "" when there is nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

from app.linkage import block
from app.linkage.compare import COLUMNS, Levels, compare
from app.linkage.features import Features

F = TypeVar("F")
Keys = Callable[[F], Iterable[str]]


@dataclass(frozen=True, slots=True)
class Kit(Generic[F]):
    """All functions of one kind of records."""

    columns: Mapping[str, tuple[str, ...]]
    by_frequency: tuple[str, ...]
    compare: Callable[[F, F], Levels]
    keys: Keys[F]
    teachers: tuple[tuple[frozenset[str], Keys[F]], ...]
    value: Callable[[F, str], str]


def _by_place(one: Features) -> Iterable[str]:
    if one.hospital and one.department:
        yield f"{one.hospital}|{one.department}"


PHYSICIANS: Kit[Features] = Kit(
    columns=COLUMNS,
    by_frequency=("name",),
    compare=compare,
    keys=block.keys,
    teachers=(
        (frozenset({"name"}), lambda one: [one.name] if one.name else []),
        (frozenset({"hospital", "department", "city"}), _by_place),
        (frozenset({"phone"}), lambda one: one.tails),
    ),
    value=lambda one, _column: one.name,
)
