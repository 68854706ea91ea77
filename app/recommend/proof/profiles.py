"""What physicians are interested in: what they were given, and how much they opened of it."""

from __future__ import annotations

from typing import Any

from app.recommend.proof.splits import Problem


def rarity(problem: Problem) -> Any:
    """The weight of each tag: log(1 + contents / contents that have it), as the scorer has it."""
    import numpy as np

    tags = problem.data.content_tags
    return np.log(1 + len(tags) / np.maximum((tags > 0).sum(0), 1))


def shares_by_rarity(problem: Problem) -> Any:
    """Contents × tags, of length 1."""
    return _unit(problem.data.content_tags * rarity(problem))


def cosine_profiles(problem: Problem, users: Any) -> Any:
    """Physicians × tags, of length 1: opened and given count alike."""
    found = _unit(problem.known(users) @ shares_by_rarity(problem))
    given = problem.data.physician_tags
    return found if given is None else _unit(found + _unit(given[users] * rarity(problem)))


def _unit(rows: Any) -> Any:
    import numpy as np

    return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)
