"""How good the scorer is, on any data set, beside what one would use without it. Needs numpy.

    data = dataset(interactions, content_tags, physician_tags)
    judged = judge(split(data, Split.LAST, seed=0), tell)

`worlds` invents data sets, `figures` are per physician, so that differences are paired.
"""

from importlib.util import find_spec

from app.recommend.proof.baselines import HOW, MODELS, WITHOUT
from app.recommend.proof.dataset import Dataset, Interaction, Weighted, dataset
from app.recommend.proof.judge import Judged, judge
from app.recommend.proof.splits import Problem, Split, split
from app.recommend.proof.worlds import WORLDS, World, world

__all__ = [
    "HOW",
    "MODELS",
    "WITHOUT",
    "WORLDS",
    "Dataset",
    "Interaction",
    "Judged",
    "Problem",
    "Split",
    "Weighted",
    "World",
    "available",
    "dataset",
    "judge",
    "split",
    "world",
]


def available() -> bool:
    """True when numpy is installed (the extra `recommend`)."""
    return find_spec("numpy") is not None
