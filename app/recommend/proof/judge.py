"""Everybody on the same question, in one run."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from app.recommend.proof.baselines import HOW, MODELS, WITHOUT, can
from app.recommend.proof.figures import Figure, calibration, difference, means, rank, spread
from app.recommend.proof.ours import day_0, trained
from app.recommend.proof.splits import Problem
from app.recommend.proof.stacking import entries, scores_of

OURS, DAY_0 = "ours", "ours, day 0"


@dataclass(frozen=True, slots=True)
class Judged:
    """`rows`: by name of the model, figures by name; `apart`: ours minus each, NDCG@10, paired."""

    rows: Mapping[str, Mapping[str, Figure]]
    apart: Mapping[str, Figure]
    calibration: Mapping[str, Figure]
    chosen: Mapping[str, float]
    gate: Mapping[str, Any]
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
    problem: Problem, tell: Callable[[str], None], only: Sequence[str] = tuple(MODELS)
) -> Judged:
    """Ours and the baselines, with what is not installed left out and said so."""
    rows, took, ranked = {}, {}, {}
    begun = time.perf_counter()
    ours = trained(problem)
    models: dict[str, Callable[[], Any]] = {OURS: lambda: ours.model}
    models[DAY_0] = lambda: day_0(problem)
    models |= {name: partial(MODELS[name], problem) for name in only if can(name)}
    for name, build in models.items():
        ranked[name] = rank(problem, build())
        rows[name] = means(ranked[name]) | spread(problem, ranked[name])
        took[name] = round(time.perf_counter() - begun, 2)
        begun = time.perf_counter()
        tell(f"{name}: NDCG@10 {rows[name]['ndcg'].value:.4f}")
    users, contents, good = entries(problem, problem.seed + 9)
    logit = ours.base + ours.sure * scores_of(ours.model, users, contents)
    left = {name: f"{WITHOUT[name]}; {HOW}" for name in only if not can(name)}
    apart = {name: difference(ranked[OURS], one) for name, one in ranked.items() if name != OURS}
    return Judged(rows, apart, calibration(_chance(logit), good, users), ours.chosen,
                  ours.gate, left, took)  # fmt: skip


def _chance(logit: Any) -> Any:
    import numpy as np

    return 1 / (1 + np.exp(-np.clip(logit, -30, 30)))
