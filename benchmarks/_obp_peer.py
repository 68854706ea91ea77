"""Open Bandit Pipeline's estimates of the same decisions, where it is installed.

`pip install --no-deps --ignore-requires-python obp==0.5.7` with numpy, scikit-learn, pandas, tqdm,
pyyaml beside it: its pins are years old. It imports torch for learners that are not used here;
without torch an empty one stands in.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Sequence
from importlib.util import find_spec
from types import ModuleType

from app.recommend.ope import Logged


def available() -> bool:
    """Whether it is installed beside this interpreter."""
    return find_spec("obp") is not None


def estimates(rows: Sequence[Logged], new: Sequence[Sequence[float]]) -> dict[str, float]:
    """IPW, SNIPW, and DR with a reward model that is nothing: the mean of all."""
    _without_torch()
    import numpy as np
    from obp.ope import (  # fmt: skip
        DoublyRobust,
        InverseProbabilityWeighting,
        SelfNormalizedInverseProbabilityWeighting,
    )

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
    doubly = DoublyRobust().estimate_policy_value(estimated_rewards_by_reg_model=flat, **given)
    return {
        "IPW": float(InverseProbabilityWeighting().estimate_policy_value(**given)),
        "SNIPW": float(SelfNormalizedInverseProbabilityWeighting().estimate_policy_value(**given)),
        "DR, flat model": float(doubly),
    }


class _Empty(ModuleType):
    """A module of empty classes."""

    def __getattr__(self, name: str) -> type:
        if name.startswith("__"):
            raise AttributeError(name)
        return type(name, (), {})


def _without_torch() -> None:
    warnings.filterwarnings("ignore")
    if find_spec("obp") and "torch" not in sys.modules and find_spec("torch") is None:
        for name in ("torch", "torch.nn", "torch.nn.functional", "torch.optim", "torch.utils",
                     "torch.utils.data"):  # fmt: skip
            sys.modules[name] = _Empty(name)
