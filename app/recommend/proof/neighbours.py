"""Contents by contents: nearest neighbours, and EASE. Needs numpy."""

from __future__ import annotations

from typing import Any

from app.recommend.proof.figures import CHUNK, Model
from app.recommend.proof.splits import Problem


def together(problem: Problem) -> Any:
    """How many opened both: contents × contents."""
    import numpy as np

    people, items = problem.size
    found = np.zeros((items, items), dtype=np.float32)
    for start in range(0, people, CHUNK):
        opened = problem.known(np.arange(start, min(start + CHUNK, people)))
        found += opened.T @ opened
    return found


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


def ease_weights(both: Any, content_tags: Any, ridge: float, tags: float) -> Any:
    """The closed form: each content from all others, never from itself.

    `both`: how many opened both. A tag counts like `tags` people who opened all that have it.
    """
    import numpy as np

    gram = both.astype(float) + tags * content_tags @ content_tags.T
    gram[np.diag_indices(len(gram))] += ridge
    inverse = np.linalg.inv(gram)
    weights = -inverse / inverse.diagonal()
    np.fill_diagonal(weights, 0)
    return weights.astype(np.float32)
