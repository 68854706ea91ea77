"""Trained weights: how often each level of agreement is seen among matches (m) and others (u).

A model is a JSON file, so that it can be trained by an engine elsewhere, read by people, and
applied here without that engine. It holds no word of any physician.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from app.infra.errors import Permanent

DEFAULT = Path(__file__).with_name("default_model.json")
FORMAT = 1
CHANCE: Mapping[str, float] = MappingProxyType({"last_4": 1e-4, "first_7": 1e-4})
"""The least share of random pairs that agree so: four digits are ten thousand numbers, and the
first seven are those of a region, which no fewer have in common."""


class BadModel(Permanent):
    """The file holds no weights that can be used; the message says what is wrong with it."""


@dataclass(frozen=True, slots=True)
class Level:
    """One level of a column: its share among matches and among all others, 0 < share ≤ 1."""

    name: str
    m: float
    u: float

    @property
    def bits(self) -> float:
        """What it says: positive for one person, negative for two."""
        return math.log2(self.m / self.u)


@dataclass(frozen=True, slots=True)
class Model:
    """Weights by column, best level first. `trained_on` says in words where they come from.

    `matches_per_record`: how many others a record has that are the same person, on average; the
    chance that a random pair matches follows from it and from how many records there are.
    `by_frequency`: columns whose best level counts for more when the value is rare.
    """

    version: str
    trained_on: str
    matches_per_record: float
    columns: Mapping[str, tuple[Level, ...]]
    by_frequency: tuple[str, ...] = ()

    def prior_bits(self, records: int) -> float:
        """log2 of the odds that two of so many records, taken at random, are one person."""
        chance = min(self.matches_per_record / max(records - 1, 1), 0.5)
        return math.log2(chance / (1 - chance))

    def dumps(self) -> str:
        """The JSON text that `loads` reads."""
        data = {"format": FORMAT} | asdict(self)
        return json.dumps(data, ensure_ascii=False, indent=1) + "\n"


def loads(text: str, levels: Mapping[str, tuple[str, ...]] | None = None) -> Model:
    """A model from its JSON text. With `levels`, it must have exactly these. Raises BadModel."""
    try:
        data: dict[str, Any] = json.loads(text)
        if data.pop("format") != FORMAT:
            raise BadModel(f"the weights are of another format; this version reads {FORMAT}")
        columns = {
            column: _by_chance(
                tuple(Level(str(one["name"]), float(one["m"]), float(one["u"])) for one in found)
            )
            for column, found in data.pop("columns").items()
        }
        model = Model(
            columns=columns, version=str(data["version"]), trained_on=str(data["trained_on"]),
            matches_per_record=float(data["matches_per_record"]),
            by_frequency=tuple(data["by_frequency"]),
        )  # fmt: skip
    except (KeyError, TypeError, ValueError, AttributeError) as problem:
        raise BadModel(
            f"these are no trained weights: {problem!r} is missing or wrong"
        ) from problem
    _check(model, levels)
    return model


def never_less(levels: Sequence[Level]) -> tuple[Level, ...]:
    """Better agreement says at least as much: a level too rare to be learned takes the next's.

    And none is rarer than chance makes it, however few records it was learned from.
    """
    found: list[Level] = []
    for level in reversed(levels):
        level = Level(level.name, level.m, max(level.u, CHANCE.get(level.name, 0.0)))
        if found and level.bits < found[-1].bits:
            level = Level(level.name, found[-1].m, found[-1].u)
        found.append(level)
    return tuple(reversed(found))


def _by_chance(levels: tuple[Level, ...]) -> tuple[Level, ...]:
    """Weights learned before `CHANCE` was known say too much."""
    return never_less(levels) if any(one.u < CHANCE.get(one.name, 0) for one in levels) else levels


@cache
def default() -> Model:
    """The weights that come with the product."""
    from app.linkage.compare import COLUMNS

    return loads(DEFAULT.read_text(), COLUMNS)


def _check(model: Model, levels: Mapping[str, tuple[str, ...]] | None) -> None:
    found = {column: tuple(one.name for one in known) for column, known in model.columns.items()}
    if levels is not None and found != dict(levels):
        raise BadModel(
            "the weights are for other columns or levels than this version compares; train them "
            "again: yishu identity candidates --train"
        )
    shares = [
        share for known in model.columns.values() for one in known for share in (one.m, one.u)
    ]
    if not all(0 < share <= 1 for share in shares):
        raise BadModel("every m and u must be above 0 and at most 1")
    if not 0 < model.matches_per_record < math.inf:
        raise BadModel("matches_per_record must be above 0")
    if not set(model.by_frequency) <= set(found):
        raise BadModel("by_frequency names a column that has no weights")
