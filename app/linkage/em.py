"""Weights from unlabelled pairs by expectation maximisation. Pure, and small: pairs are counted by
their levels first, so that a round costs as much as there are different patterns.

u is counted among random pairs, hardly any of which match. m is found round by round among the
pairs that share a key: of a column that the key is made of nothing can be learned there, so each
key teaches the others, and what several keys teach of a level is averaged.

Pairs that somebody decided count as what they are. They also tell how far to trust the guess about
undecided pairs of the same levels: it is worth `GUESS` decisions.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from app.linkage.compare import MISSING
from app.linkage.model import Level, never_less

Pattern = tuple[int, ...]
ROUNDS = 60
ENOUGH = 1e-5
LEAST = 1e-6  # no share is 0: what was never seen is rare
GUESS = 10
START = 0.9  # of the best level among matches, before anything is known


def shares(patterns: Mapping[Pattern, float], sizes: Sequence[int]) -> list[list[float]]:
    """By column, how often each level occurs, of the pairs where it is known."""
    found = [[0.0] * size for size in sizes]
    for pattern, weight in patterns.items():
        for column, level in enumerate(pattern):
            if level >= 0:
                found[column][level] += weight
    return [_normal(counts) for counts in found]


@dataclass(frozen=True, slots=True)
class Labels:
    """How many pairs of each pattern are known to be one person, and two persons. `gone`: matches
    that are not among the pairs any more though nobody decided them."""

    same: Mapping[Pattern, int] = field(default_factory=dict)
    different: Mapping[Pattern, int] = field(default_factory=dict)
    gone: Mapping[Pattern, int] = field(default_factory=dict)

    def among(self, key: Collection[int]) -> Labels:
        """Those that agree best in these columns, as far as both are known there."""

        def chosen(found: Mapping[Pattern, int]) -> dict[Pattern, int]:
            return {
                pattern: number for pattern, number in found.items()
                if {pattern[column] for column in key} - {MISSING} == {0}
            }  # fmt: skip

        return Labels(chosen(self.same), chosen(self.different), chosen(self.gone))

    def share(self, pattern: Pattern, guess: float) -> float:
        """How many of the undecided pairs of this pattern match, where a model guesses `guess`."""
        same, different = self.same.get(pattern, 0), self.different.get(pattern, 0)
        return (GUESS * guess + same) / (GUESS + same + different)


NOTHING = Labels()


def learn_m(
    patterns: Mapping[Pattern, int],
    u: Sequence[Sequence[float]],
    skipped: Iterable[int] = (),
    labels: Labels = NOTHING,
) -> tuple[list[list[float]], float]:
    """m by column, and the number of matches, among these pairs and those of `labels`. `skipped`:
    columns of the key."""
    left_out = set(skipped)
    sizes = [len(column) for column in u]
    m = [_start(size) for size in sizes]
    # Two persons are still two, and so among the pairs; who was called one person is not.
    undecided = {p: max(n - labels.different.get(p, 0), 0) for p, n in patterns.items()}
    known = Counter(labels.same) + Counter(labels.gone)
    total = float(sum(patterns.values()) + sum(known.values()))
    chance, matches = 0.3, 0.0
    for _ in range(ROUNDS):
        weights = [
            [math.log(a / b) if n not in left_out else 0.0 for a, b in zip(ms, us, strict=True)]
            for n, (ms, us) in enumerate(zip(m, u, strict=True))
        ]
        prior = math.log(chance / (1 - chance))
        expected = {
            pattern: number * labels.share(pattern, _sigmoid(prior + _sum(weights, pattern)))
            for pattern, number in undecided.items()
        }
        for pattern, number in known.items():
            expected[pattern] = expected.get(pattern, 0.0) + number
        before, matches = matches, sum(expected.values())
        m = shares(expected, sizes)
        chance = min(max(matches / total, 1e-6), 1 - 1e-6)
        if abs(matches - before) < ENOUGH * total:
            break
    return m, matches


def combine(found: Sequence[tuple[list[list[float]], float, set[int]]]) -> list[list[float]]:
    """Of what each key taught: (m, number of matches it saw, columns of the key) → m."""
    columns = len(found[0][0])
    result = []
    for column in range(columns):
        teachers = [(m[column], n) for m, n, of_key in found if column not in of_key and n >= 1]
        teachers = teachers or [(m[column], max(n, 1.0)) for m, n, _ in found]
        weight = sum(n for _, n in teachers)
        mixed = [
            sum(m[level] * n for m, n in teachers) / weight for level in range(len(teachers[0][0]))
        ]
        result.append(_normal(mixed))
    return result


def levels_of(
    names: Mapping[str, Sequence[str]], m: Sequence[Sequence[float]], u: Sequence[Sequence[float]]
) -> dict[str, tuple[Level, ...]]:
    """The same as a model has it."""
    return {
        column: never_less(
            [
                Level(name, round(a, 8), round(b, 8))
                for name, a, b in zip(levels, ms, us, strict=True)
            ]
        )
        for (column, levels), ms, us in zip(names.items(), m, u, strict=True)
    }


def count(patterns: Iterable[Pattern]) -> Counter[Pattern]:
    """How often each occurs."""
    return Counter(patterns)


def _sum(weights: Sequence[Sequence[float]], pattern: Pattern) -> float:
    return sum(weights[n][level] for n, level in enumerate(pattern) if level >= 0)


def _sigmoid(x: float) -> float:
    return 1 / (1 + math.exp(-max(min(x, 500.0), -500.0)))


def _start(size: int) -> list[float]:
    rest = (1 - START) / max(size - 1, 1)
    return _normal([START] + [rest] * (size - 1))


def _normal(counts: Sequence[float]) -> list[float]:
    total = sum(counts)
    if not total:
        return [1 / len(counts)] * len(counts)
    floored = [max(count / total, LEAST) for count in counts]
    whole = sum(floored)
    return [count / whole for count in floored]
