"""Normal numbers by name: the same in every process, without drawing those that nobody asks for.

A name's S values are the S even quantiles of the normal distribution in an order that a hash of
seed and name gives: their mean is exactly 0 and their variance exactly 1, so few draws do.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from functools import cache
from importlib.util import find_spec
from statistics import NormalDist
from typing import Any

Term = tuple[float, str]  # how much × the values of this name


class Normals:
    """One night's; keeps what it has drawn."""

    def __init__(self, seed: int | str, number: int, *, arrays: bool | None = None) -> None:
        """`arrays`: with numpy, which gives the same to the bit; None: where it is installed."""
        self.number = number
        self._seed = seed
        self._kept: dict[str, tuple[float, ...]] = {}
        self._arrays = _Arrays(self) if (_has_numpy() if arrays is None else arrays) else None

    def of(self, name: str) -> tuple[float, ...]:
        """The values of one name, one for each draw."""
        known = self._kept.get(name)
        if known is None:
            noise = hashlib.shake_128(f"{self._seed}/{name}".encode()).digest(8 * self.number)
            order = sorted(range(self.number), key=lambda n: noise[8 * n : 8 * n + 8])
            values = _quantiles(self.number)
            known = self._kept[name] = tuple(values[n] for n in order)
        return known

    def tops(self, starts: Sequence[float], terms: Sequence[Sequence[Term]]) -> list[int]:
        """For each draw, which start with its terms added is highest; the first when equal."""
        if self._arrays is not None:
            best: list[int] = self._arrays.sums(starts, terms).argmax(axis=0).tolist()
            return best
        rows = [self._sum(start, mine) for start, mine in zip(starts, terms, strict=True)]
        return [row.index(max(row)) for row in zip(*rows, strict=True)]

    def sums(self, terms: Sequence[Sequence[Term]]) -> list[list[float]]:
        """Of each of these the sum, for each draw."""
        if self._arrays is not None:
            found: list[list[float]] = self._arrays.sums([0.0] * len(terms), terms).tolist()
            return found
        return [self._sum(0.0, mine) for mine in terms]

    def _sum(self, start: float, terms: Sequence[Term]) -> list[float]:
        found = [start] * self.number
        for much, name in terms:
            found = [one + much * z for one, z in zip(found, self.of(name), strict=True)]
        return found


class _Arrays:
    """The same sums in the same order, for all options and draws at once."""

    def __init__(self, normals: Normals) -> None:
        import numpy as np

        self._np, self._normals = np, normals
        self._rows: dict[str, int] = {}
        self._values = np.zeros((64, normals.number))

    def sums(self, starts: Sequence[float], terms: Sequence[Sequence[Term]]) -> Any:
        """Options × draws."""
        most = max(map(len, terms), default=0)
        much = self._np.zeros((len(terms), most, 1))
        rows = self._np.zeros((len(terms), most), dtype=int)
        for n, mine in enumerate(terms):
            much[n, : len(mine), 0] = [one for one, _ in mine]
            rows[n, : len(mine)] = [self._row(name) for _, name in mine]
        parts = self._values[rows] * much
        found = self._np.repeat(self._np.array(starts)[:, None], self._normals.number, axis=1)
        for n in range(most):
            found += parts[:, n]
        return found

    def _row(self, name: str) -> int:
        row = self._rows.get(name)
        if row is None:
            row = self._rows[name] = len(self._rows)
            if row == len(self._values):
                self._values = self._np.concatenate([self._values, 0 * self._values])
            self._values[row] = self._normals.of(name)
        return row


@cache
def _quantiles(number: int) -> tuple[float, ...]:
    plain = [NormalDist().inv_cdf((n + 0.5) / number) for n in range(number)]
    size = math.sqrt(sum(one * one for one in plain) / number)
    return tuple(one / size for one in plain) if size else tuple(plain)


@cache
def _has_numpy() -> bool:
    return find_spec("numpy") is not None
