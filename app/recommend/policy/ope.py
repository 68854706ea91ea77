"""What another policy would have brought, from what one policy did. Pure, no library needed.

    weight = new chance / logged chance of what was chosen
    IPS    = mean of min(weight, CLIP) · reward
    SNIPS  = Σ weight · reward / Σ weight
    DR     = mean of (what the model expects of the new policy + weight · (reward − the model))

The model of a reward is fitted on other reps than those whom it is asked about. Intervals are
drawn by rep, because one rep's answers are alike.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

CLIP = 20.0
FOLDS = 3
DRAWS, SURE = 400, 0.95
MOST_CLUSTERS = 400  # more reps than these are drawn in groups, which costs nothing but time
SHRINK = 20.0  # decisions that a content's own mean is worth


@dataclass(frozen=True, slots=True)
class Logged:
    """One decision with what came of it. `chances`, `scores` and `contents` by option."""

    rep: int
    chosen: int
    chances: Sequence[float]
    scores: Sequence[float]
    contents: Sequence[int]
    reward: float
    refused: float = 0.0
    blocked: float = 0.0  # could not be sent any more: a cap, most of the time
    groups: Sequence[str] = field(default=())


@dataclass(frozen=True, slots=True)
class Interval:
    """A value and where it surely lies."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Estimate:
    """The new policy beside what was logged and what is live; `gain` is DR minus `now`."""

    number: int
    reps: int
    logged: float
    now: float  # DR of the one that is live
    ips: float
    snips: float
    dr: float
    gain: Interval
    effective: float  # decisions: how many the weighted ones are worth
    largest: float  # weight
    mean_weight: float


Outcome = Callable[[Logged], float]


def reward_of(row: Logged) -> float:
    """The usual outcome."""
    return row.reward


def estimate(
    rows: Sequence[Logged],
    new: Sequence[Sequence[float]],
    outcome: Outcome = reward_of,
    *,
    live: Sequence[Sequence[float]] | None = None,
    seed: int = 0,
) -> Estimate:
    """`new`: for each row the new policy's chances; `live`: those of the one that it would follow,
    where that is not what was logged. Both go by the same model, so chance in what was drawn is in
    neither: where both are the same, so is what they bring. Raises ValueError without rows."""
    if not rows:
        raise ValueError("nothing was logged")
    weights, values = _weights(rows, new), [outcome(r) for r in rows]
    expected = _expected(rows, outcome)
    doubly = _doubly(rows, new, values, expected)
    usual = [r.chances for r in rows] if live is None else live
    now = _doubly(rows, usual, values, expected)
    number, total = len(rows), sum(weights)
    squares = sum(w * w for w in weights)
    return Estimate(
        number, len({r.rep for r in rows}), sum(values) / number, sum(now) / number,
        sum(min(w, CLIP) * v for w, v in zip(weights, values, strict=True)) / number,
        sum(w * v for w, v in zip(weights, values, strict=True)) / total if total else 0.0,
        sum(doubly) / number,
        by_rep(rows, [d - n for d, n in zip(doubly, now, strict=True)], seed),
        total * total / squares if squares else 0.0, max(weights), total / number,
    )  # fmt: skip


def _weights(rows: Sequence[Logged], new: Sequence[Sequence[float]]) -> list[float]:
    return [n[r.chosen] / r.chances[r.chosen] for r, n in zip(rows, new, strict=True)]


def _doubly(
    rows: Sequence[Logged],
    new: Sequence[Sequence[float]],
    values: Sequence[float],
    expected: Sequence[Sequence[float]],
) -> list[float]:
    found = []
    for row, chances, w, value, each in zip(
        rows, new, _weights(rows, new), values, expected, strict=True
    ):
        of_new = sum(p * q for p, q in zip(chances, each, strict=True) if p)
        found.append(of_new + w * (value - each[row.chosen]))
    return found


def by_rep(rows: Sequence[Logged], values: Sequence[float], seed: int = 0) -> Interval:
    """The mean of `values`, with an interval from drawing reps anew."""
    sums: dict[int, list[float]] = defaultdict(lambda: [0.0, 0.0])
    for row, value in zip(rows, values, strict=True):
        one = sums[row.rep]
        one[0] += 1
        one[1] += value
    clusters = _grouped([sums[rep] for rep in sorted(sums)])
    rng = random.Random(seed)  # noqa: S311  for sampling
    means = []
    for _ in range(DRAWS):
        drawn = rng.choices(clusters, k=len(clusters))
        means.append(sum(one[1] for one in drawn) / sum(one[0] for one in drawn))
    means.sort()
    cut = int((1 - SURE) / 2 * DRAWS)
    return Interval(sum(values) / len(values), means[cut], means[-cut - 1])


def _grouped(sums: list[list[float]]) -> list[tuple[float, float]]:
    number = min(MOST_CLUSTERS, len(sums))
    return [
        (sum(one[0] for one in sums[n::number]), sum(one[1] for one in sums[n::number]))
        for n in range(number)
    ]


def _expected(rows: Sequence[Logged], outcome: Outcome) -> list[list[float]]:
    """What the model expects of each option, fitted on other reps."""
    fold_of = {rep: n % FOLDS for n, rep in enumerate(sorted({r.rep for r in rows}))}
    models = [_Model([r for r in rows if fold_of[r.rep] != fold], outcome) for fold in range(FOLDS)]
    return [
        [models[fold_of[row.rep]](s, c) for s, c in zip(row.scores, row.contents, strict=True)]
        for row in rows
    ]


class _Model:
    """A line over the score, and each content's own distance from it, shrunk."""

    def __init__(self, rows: Sequence[Logged], outcome: Outcome) -> None:
        pairs = [(r.scores[r.chosen], outcome(r), r.contents[r.chosen]) for r in rows]
        number = len(pairs) or 1
        self._score = sum(p[0] for p in pairs) / number
        self._mean = sum(p[1] for p in pairs) / number
        spread = sum((p[0] - self._score) ** 2 for p in pairs)
        together = sum((p[0] - self._score) * (p[1] - self._mean) for p in pairs)
        self._slope = together / spread if spread > 1e-9 else 0.0
        left: dict[int, list[float]] = defaultdict(list)
        for score, value, content in pairs:
            left[content].append(value - self._line(score))
        self._own = {c: sum(v) / (len(v) + SHRINK) for c, v in left.items()}

    def __call__(self, score: float, content: int) -> float:
        return self._line(score) + self._own.get(content, 0.0)

    def _line(self, score: float) -> float:
        return self._mean + self._slope * (score - self._score)
