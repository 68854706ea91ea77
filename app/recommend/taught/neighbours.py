"""Which contents the same physicians open: EASE with the tags of contents. Needs numpy.

Kept is only what speaks for a content, of each opened one the nearest few.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from app.recommend.taught.descent import least as least_of

MOST, TAG_WORTH = 50, 1.0
LEAST_OPENED = 3  # by fewer physicians a content is too new to have neighbours
SPREAD = 2.0  # how far a weight easily goes from 0, in standard deviations of what was opened
BLOCK = 2_000_000  # pairs counted at once


def together(user: Any, item: Any, contents: int) -> Any:
    """How many opened both: contents × contents. `user`, `item`: openings, no pair twice."""
    import numpy as np

    order = np.argsort(user, kind="stable")
    who, what = user[order], item[order]
    found = np.zeros(contents * contents, dtype=np.float32)
    waiting: list[Any] = []
    for step in range(1, len(who)):
        same = np.flatnonzero(who[step:] == who[:-step])
        if not len(same):
            break
        waiting.append(what[same] * contents + what[same + step])
        if sum(map(len, waiting)) > BLOCK:
            _add(found, waiting)
    _add(found, waiting)
    both = found.reshape(contents, contents)
    both = both + both.T
    both[np.diag_indices(contents)] = np.bincount(what, minlength=contents)
    return both


def ease_weights(both: Any, content_tags: Any, ridge: float, tags: float = TAG_WORTH) -> Any:
    """The closed form: opened × contents, each content from all others, never from itself.

    `both`: how many opened both. A tag counts like `tags` people who opened all that have it.
    """
    import numpy as np

    gram = both.astype(float) + tags * content_tags @ content_tags.T
    gram[np.diag_indices(len(gram))] += ridge
    inverse = np.linalg.inv(gram)
    weights = -inverse / inverse.diagonal()
    np.fill_diagonal(weights, 0)
    return weights.astype(np.float32)


def nearest(both: Any, content_tags: Any, ridge: float, most: int = MOST) -> Any:
    """Opened × contents, 0 where one says nothing for the other, or one of them is too new."""
    import numpy as np

    known = np.flatnonzero(both.diagonal() >= LEAST_OPENED)
    found = np.zeros(both.shape, dtype=np.float32)
    if not len(known):
        return found
    part = np.ix_(known, known)
    weights = np.maximum(ease_weights(both[part], content_tags[known], ridge), 0)
    if most < len(known):
        least = np.partition(weights, -most, axis=1)[:, -most]
        weights[weights < least[:, None]] = 0
    found[part] = weights
    return found


def rows(
    weights: Any, ids: Sequence[int], times: float, least: float
) -> dict[int, dict[int, float]]:
    """As a response keeps them: opened content → content → logits; those below `least` are not."""
    import numpy as np

    found: dict[int, dict[int, float]] = {}
    for place, row in enumerate(weights):
        mine = {
            ids[n]: round(float(row[n]) * times, 5)
            for n in np.flatnonzero(row * times >= least).tolist()
        }
        if mine:
            found[ids[place]] = mine
    return found


def said(
    near: Mapping[int, Mapping[int, float]], opened: Sequence[Sequence[int]], content: Sequence[int]
) -> Any:
    """What was opened says for one content each, in the units of `near`."""
    import numpy as np

    found = np.zeros(len(content))
    for place, (mine, one) in enumerate(zip(opened, content, strict=True)):
        if mine:
            found[place] = sum(near[o].get(one, 0.0) for o in mine if o in near) / len(mine) ** 0.5
    return found


def weigh(tags: Any, opened: Any, good: Any) -> float:
    """How much of `tags` one of `opened` is worth, at least 0; few answers say little."""
    import numpy as np

    size = max(float(opened.std()), 1e-9)
    features = np.stack([np.ones(len(tags)), tags, opened / size], axis=1)
    middle, spread = np.array([0.0, 1.0, 0.0]), np.array([4.0, 0.5, SPREAD])

    def judged(x: Any) -> tuple[float, Any]:
        logit, away = features @ x, (x - middle) / spread**2
        error = 1 / (1 + np.exp(-np.clip(logit, -500, 500))) - good
        loss = np.logaddexp(0, logit).sum() - logit @ good
        return float(loss + 0.5 * away @ (x - middle)), features.T @ error + away

    _, sure, near = least_of(judged, middle.copy())
    return max(0.0, float(near / max(sure, 0.05) / size))


def _add(found: Any, waiting: list[Any]) -> None:
    import numpy as np

    for pairs in waiting:
        np.add.at(found, pairs, 1)
    waiting.clear()
