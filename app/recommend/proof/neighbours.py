"""Contents by contents, as one would use them alone: nearest neighbours, and EASE. Needs numpy."""

from __future__ import annotations

from typing import Any

from app.recommend.proof.figures import Model
from app.recommend.proof.splits import Problem
from app.recommend.taught import neighbours
from app.recommend.taught.neighbours import ease_weights


def together(problem: Problem) -> Any:
    """How many opened both: contents × contents."""
    return neighbours.together(problem.user, problem.item, problem.size[1])


def knn(problem: Problem, most: int) -> Model:
    """A content is as good as the cosines to those that were opened."""
    import numpy as np

    both = together(problem)
    length = np.sqrt(np.maximum(both.diagonal(), 1e-9))
    near = both / length / length[:, None]
    np.fill_diagonal(near, 0)
    if most < len(near):
        least = -np.partition(-near, most, axis=0)[most]
        near[near < np.maximum(least, 1e-12)] = 0
    return lambda users: problem.known(users) @ near


def ease(problem: Problem, ridge: float, tags: float) -> Model:
    """What `ease_weights` says of what was opened."""
    weights = ease_weights(together(problem), problem.data.content_tags, ridge, tags)
    return lambda users: problem.known(users) @ weights
