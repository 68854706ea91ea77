"""How likely a pair is one person: Fellegi and Sunter's sum of weights, in bits. Pure.

scorer = Scorer(model, records=100_000)
scorer.bits(compare(a, b), {"name": 12 / 100_000})
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from app.linkage.model import Model

SMOOTHING = 1000  # records that the trained average counts for, when a value's frequency is asked
NONE: Mapping[str, float] = {}


@dataclass(frozen=True, slots=True)
class Score:
    """The match weight in bits, as a probability, and what each column gave: level and bits."""

    bits: float
    probability: float
    weights: dict[str, dict[str, str | float]]


class Scorer:
    """A model, made ready for so many records."""

    def __init__(self, model: Model, records: int) -> None:
        self.model = model
        self.records = records
        self.prior = model.prior_bits(records)
        # a missing value is level -1, and so takes the last entry: nothing
        self._bits = [(*(one.bits for one in found), 0.0) for found in model.columns.values()]
        self._average = [
            found[0].u if column in model.by_frequency else 0.0
            for column, found in model.columns.items()
        ]
        self._position = {column: n for n, column in enumerate(model.columns)}

    def bits(self, levels: tuple[int, ...], frequency: Mapping[str, float] = NONE) -> float:
        """The match weight. `frequency`: the share of records that have this value of a column,
        for columns that agree at the best level."""
        total = self.prior
        for table, level in zip(self._bits, levels, strict=True):
            total += table[level]
        for column, share in frequency.items():
            total += self.rarity(column, levels, share)
        return total

    def rarity(self, column: str, levels: tuple[int, ...], share: float) -> float:
        """Bits that agreeing on a rare value adds, and on a common one takes away."""
        position = self._position[column]
        average = self._average[position]
        return math.log2(average / share) if average and levels[position] == 0 else 0.0

    def share(self, column: str, count: int) -> float:
        """How common a value is that `count` records have; few records tell little."""
        average = self._average[self._position[column]]
        return (count + SMOOTHING * average) / (self.records + SMOOTHING)

    def explain(self, levels: tuple[int, ...], frequency: Mapping[str, float] = NONE) -> Score:
        """The score with what each column gave to it."""
        weights: dict[str, dict[str, str | float]] = {}
        for (column, found), table, level in zip(
            self.model.columns.items(), self._bits, levels, strict=True
        ):
            if level < 0:
                continue
            rarity = self.rarity(column, levels, frequency[column]) if column in frequency else 0.0
            weights[column] = {"level": found[level].name, "bits": round(table[level] + rarity, 2)}
        total = self.bits(levels, frequency)
        return Score(round(total, 4), probability(total), weights)


def probability(bits: float) -> float:
    """0 to 1."""
    return 1.0 / (1.0 + math.exp2(-max(min(bits, 1000.0), -1000.0)))
