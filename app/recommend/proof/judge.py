"""Everybody on the same question, in one run."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.recommend.proof.baselines import HOW, MODELS, WITHOUT, Build, can
from app.recommend.proof.figures import (
    Figure,
    Model,
    calibration,
    difference,
    joined,
    means,
    rank,
    spread,
)
from app.recommend.proof.ours import Ours, day_0, trained
from app.recommend.proof.splits import Problem
from app.recommend.proof.stacking import entries, scores_of

OURS, DAY_0 = "ours", "ours, day 0"


@dataclass(frozen=True, slots=True)
class Judged:
    """`rows`: by name of the model, figures by name; `apart`: ours minus each, NDCG@10, paired.

    `chosen`, `gate`: settings, and why EASE is in or out, one for each question.
    """

    rows: Mapping[str, Mapping[str, Figure]]
    apart: Mapping[str, Figure]
    calibration: Mapping[str, Figure]
    chosen: Sequence[Mapping[str, float]]
    gate: Sequence[Mapping[str, Any]]
    left_out: Mapping[str, str]
    seconds: Mapping[str, float]

    @property
    def best(self) -> str:
        """The strongest of the others."""
        others = [name for name in self.rows if name not in (OURS, DAY_0)]
        return max(others, key=lambda name: self.rows[name]["ndcg"].value, default="")

    @property
    def holds(self) -> bool:
        """Ours is not surely worse than the best of the others."""
        return not self.best or self.apart[self.best].high >= 0


def judge(
    problems: Sequence[Problem], tell: Callable[[str], None], only: Sequence[str] = tuple(MODELS)
) -> Judged:
    """Ours and the baselines, with what is not installed left out and said so."""
    import numpy as np

    rows, took, ranked = {}, {}, {}
    begun = time.perf_counter()
    ours = [trained(problem) for problem in problems]
    models: dict[str, Callable[[int], Any]] = {OURS: lambda n: ours[n].model}
    models[DAY_0] = lambda n: day_0(problems[n])
    models |= {name: _built(MODELS[name], problems) for name in only if can(name)}
    among = np.any([problem.among for problem in problems], axis=0)
    for name, build in models.items():
        ranked[name] = joined([rank(one, build(n)) for n, one in enumerate(problems)])
        rows[name] = means(ranked[name]) | spread(among, ranked[name])
        took[name] = round(time.perf_counter() - begun, 2)
        begun = time.perf_counter()
        tell(f"{name}: NDCG@10 {rows[name]['ndcg'].value:.4f}")
    left = {name: f"{WITHOUT[name]}; {HOW}" for name in only if not can(name)}
    apart = {name: difference(ranked[OURS], one) for name, one in ranked.items() if name != OURS}
    return Judged(rows, apart, _calibration(problems, ours), [one.chosen for one in ours],
                  [one.gate for one in ours], left, took)  # fmt: skip


def _built(build: Build, problems: Sequence[Problem]) -> Callable[[int], Model]:
    return lambda n: build(problems[n])


def _calibration(problems: Sequence[Problem], ours: Sequence[Ours]) -> Mapping[str, Figure]:
    import numpy as np

    said = []
    for problem, one in zip(problems, ours, strict=True):
        users, contents, good = entries(problem, problem.seed + 9)
        logit = one.base + one.sure * scores_of(one.model, users, contents)
        said.append((_chance(logit), good, users))
    chance, good, users = (np.concatenate(column) for column in zip(*said, strict=True))
    return calibration(chance, good, users)


def _chance(logit: Any) -> Any:
    import numpy as np

    return 1 / (1 + np.exp(-np.clip(logit, -30, 30)))
