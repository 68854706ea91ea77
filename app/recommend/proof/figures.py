"""How good a ranking is, for each physician, and how sure that is.

Physicians are drawn anew (bootstrap), never openings: those of one physician are no independent
witnesses. Differences are drawn in pairs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from app.recommend.proof.splits import Problem

TOP = 10
CHUNK = 512  # physicians scored at once
DRAWS, SHOWN_DRAWS, BINS = 1000, 100, 15
NAMES = ("ndcg", "recall", "hit")
Model = Callable[[Any], Any]  # positions of physicians → physicians × contents


@dataclass(frozen=True, slots=True)
class Ranked:
    """`each`: physicians × (NDCG, recall, hit) at 10; `top`: lists × what would be shown."""

    users: Any
    each: Any
    top: Any


@dataclass(frozen=True, slots=True)
class Figure:
    """A value with the interval in which 95 of 100 draws lie."""

    value: float
    low: float
    high: float

    def as_json(self) -> list[float]:
        """Value, low, high."""
        return [round(self.value, 4), round(self.low, 4), round(self.high, 4)]


def rank(problem: Problem, model: Model) -> Ranked:
    """Full ranking: every content that may be shown and is not known to be had."""
    import numpy as np

    users = np.unique(problem.asked_user)
    each, top = [], []
    for start in range(0, len(users), CHUNK):
        part = users[start : start + CHUNK]
        scores = np.array(model(part), dtype=float)
        scores[:, ~problem.among] = -np.inf
        scores[problem.known(part) > 0] = -np.inf
        best = _top(scores)
        top.append(best)
        each.append(_each(best, _asked(problem, part)))
    return Ranked(users, np.vstack(each), np.vstack(top))


def goodness(problem: Problem, model: Model) -> float:
    """NDCG@10."""
    return float(rank(problem, model).each[:, 0].mean())


def joined(some: Sequence[Ranked]) -> Ranked:
    """Several questions as one: each physician's mean of those that ask about them, all lists."""
    import numpy as np

    users, place = np.unique(np.concatenate([one.users for one in some]), return_inverse=True)
    each = np.zeros((len(users), len(NAMES)))
    np.add.at(each, place, np.vstack([one.each for one in some]))
    long = min(one.top.shape[1] for one in some)
    top = np.vstack([one.top[:, :long] for one in some])
    return Ranked(users, each / np.bincount(place)[:, None], top)


def means(ranked: Ranked, seed: int = 0) -> dict[str, Figure]:
    """NDCG, recall and hit rate at 10 with their intervals."""
    drawn = _draws(len(ranked.users), seed) @ ranked.each
    return {name: _figure(ranked.each[:, n].mean(), drawn[:, n]) for n, name in enumerate(NAMES)}


def difference(one: Ranked, other: Ranked, seed: int = 0) -> Figure:
    """Of NDCG, paired by physician."""
    return mean(one.each[:, 0] - other.each[:, 0], seed)


def mean(each: Any, seed: int = 0) -> Figure:
    """Of one value for each physician."""
    return _figure(each.mean(), _draws(len(each), seed) @ each)


def spread(among: Any, ranked: Ranked, seed: int = 0) -> dict[str, Figure]:
    """Share of the contents that anybody is shown, and how unevenly (Gini, 0 even to 1 one)."""
    import numpy as np

    number = int(among.sum())
    place = np.cumsum(among) - 1
    shown = place[ranked.top]
    dice = np.random.default_rng(seed)

    def of(rows: Any) -> tuple[float, float]:
        count = np.sort(np.bincount(shown[rows].ravel(), minlength=number))
        weights = 2 * np.arange(1, number + 1) - number - 1
        return float((count > 0).mean()), float(weights @ count / (number * count.sum()))

    size = len(shown)
    drawn = np.array([of(dice.integers(0, size, size)) for _ in range(SHOWN_DRAWS)])
    whole = of(np.arange(size))
    wide = 1.96 * drawn.std(0)  # fewer physicians are always shown less, so no percentiles
    return {
        name: Figure(whole[n], float(whole[n] - wide[n]), min(1.0, float(whole[n] + wide[n])))
        for n, name in enumerate(("coverage", "gini"))
    }


def calibration(chance: Any, good: Any, user: Any, seed: int = 0) -> dict[str, Figure]:
    """ECE over 15 equally filled bins, Brier, and the slope of a logistic fit (1: as it should be).

    Bootstrap by physician. `chance`: what was said, `good`: what happened.
    """
    import numpy as np

    whole = _calibrated(chance, good)
    order = np.argsort(user, kind="stable")
    chance, good, user = chance[order], good[order], user[order]
    starts = np.flatnonzero(np.r_[True, user[1:] != user[:-1]])
    pieces = np.split(np.arange(len(user)), starts[1:])
    dice = np.random.default_rng(seed)
    drawn = []
    for _ in range(SHOWN_DRAWS):
        chosen = dice.integers(0, len(pieces), len(pieces))
        rows = np.concatenate([pieces[n] for n in chosen])
        drawn.append(_calibrated(chance[rows], good[rows]))
    together = np.array(drawn)
    names = ("ece", "brier", "slope")
    return {name: _figure(whole[n], together[:, n]) for n, name in enumerate(names)}


def _calibrated(chance: Any, good: Any) -> tuple[float, float, float]:
    import numpy as np

    order = np.argsort(chance, kind="stable")
    bins = np.array_split(order, BINS)
    ece = sum(len(b) * abs(chance[b].mean() - good[b].mean()) for b in bins if len(b)) / len(good)
    logit = np.log(np.clip(chance, 1e-9, 1) / np.clip(1 - chance, 1e-9, 1))
    return float(ece), float(((chance - good) ** 2).mean()), _slope(logit, good)


def _slope(logit: Any, good: Any) -> float:
    """Newton's steps for two numbers; they settle long before the twentieth."""
    import numpy as np

    at = np.array([0.0, 1.0])
    both = np.stack([np.ones(len(logit)), logit])
    for _ in range(20):
        said = 1 / (1 + np.exp(-(at @ both)))
        bent = (both * (said * (1 - said))) @ both.T + 1e-9 * np.eye(2)
        at = at - np.clip(np.linalg.solve(bent, both @ (said - good)), -1, 1)
    return float(at[1])


def _top(scores: Any) -> Any:
    """The best ten contents of each row, best first; ties by the content's place."""
    import numpy as np

    if scores.shape[1] <= 4 * TOP:
        return np.argsort(-scores, axis=1, kind="stable")[:, :TOP]
    least = -np.partition(-scores, TOP - 1, axis=1)[:, TOP - 1]
    found = np.empty((len(scores), TOP), dtype=int)
    for row, values in enumerate(scores):
        maybe = np.flatnonzero(values >= least[row])
        found[row] = maybe[np.argsort(-values[maybe], kind="stable")[:TOP]]
    return found


def _asked(problem: Problem, users: Any) -> Any:
    import numpy as np

    found = np.zeros((len(users), problem.size[1]), dtype=bool)
    mine = np.isin(problem.asked_user, users)
    found[np.searchsorted(users, problem.asked_user[mine]), problem.asked_item[mine]] = True
    return found


def _each(top: Any, asked: Any) -> Any:
    import numpy as np

    worth = 1 / np.log2(np.arange(2, top.shape[1] + 2))
    found = np.take_along_axis(asked, top, axis=1)
    number = asked.sum(1)
    ideal = np.concatenate([[0], np.cumsum(worth)])[np.minimum(number, len(worth))]
    hits = found.sum(1)
    return np.stack([found @ worth / ideal, hits / number, hits > 0], axis=1)


def _draws(size: int, seed: int) -> Any:
    """How often each physician is drawn, as shares: draws × physicians."""
    import numpy as np

    dice = np.random.default_rng(seed)
    return dice.multinomial(size, np.full(size, 1 / size), DRAWS) / size


def _figure(value: Any, drawn: Any) -> Figure:
    import numpy as np

    low, high = np.percentile(drawn, [2.5, 97.5])
    return Figure(float(value), float(low), float(high))
