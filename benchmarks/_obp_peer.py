"""Open Bandit Pipeline's estimates of the same decisions, where it is installed.

`pip install --no-deps --ignore-requires-python obp==0.5.7` with numpy, pandas, scikit-learn and
scipy beside it: its pins are years old. Only its estimators are imported.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Sequence
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any

from app.recommend.policy.ope import Logged


@cache
def available() -> bool:
    """Whether it is installed beside this interpreter."""
    return find_spec("obp") is not None


def estimates(rows: Sequence[Logged], new: Sequence[Sequence[float]]) -> dict[str, float]:
    """IPW, SNIPW, and DR with a reward model that is nothing: the mean of all."""
    theirs = _estimators()
    import numpy as np

    most = max(len(n) for n in new)
    action_dist = np.zeros((len(rows), most, 1))
    for n, chances in enumerate(new):
        action_dist[n, : len(chances), 0] = chances
    reward = np.array([r.reward for r in rows])
    given = {
        "reward": reward, "action": np.array([r.chosen for r in rows]),
        "pscore": np.array([r.chances[r.chosen] for r in rows]), "action_dist": action_dist,
    }  # fmt: skip
    flat = np.full(action_dist.shape, reward.mean())
    doubly = theirs.DoublyRobust().estimate_policy_value(
        estimated_rewards_by_reg_model=flat, **given
    )
    return {
        "IPW": float(theirs.InverseProbabilityWeighting().estimate_policy_value(**given)),
        "SNIPW": float(
            theirs.SelfNormalizedInverseProbabilityWeighting().estimate_policy_value(**given)
        ),
        "DR, flat model": float(doubly),
    }


@cache
def _estimators() -> Any:
    """Its module of estimators alone: the package imports learners, and they import torch."""
    warnings.filterwarnings("ignore")
    spec = find_spec("obp")
    assert spec is not None
    for name, below in (("obp", ()), ("obp.ope", ("ope",))):
        package = ModuleType(name)
        package.__path__ = [str(Path(place, *below)) for place in spec.submodule_search_locations or ()]  # noqa: E501  # fmt: skip
        sys.modules.setdefault(name, package)
    if find_spec("torch") is None:
        sys.modules["torch"] = _Empty("torch")
    return import_module("obp.ope.estimators")


class _Empty(ModuleType):
    """A module of empty classes."""

    def __getattr__(self, name: str) -> type:
        if name.startswith("__"):
            raise AttributeError(name)
        return type(name, (), {})
