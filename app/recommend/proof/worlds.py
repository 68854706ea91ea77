"""Invented physicians, contents and tags with known tastes, from a seed. Needs numpy.

`fits`: openings follow tags as the scorer assumes, with popularity and habit. `off`: they do not.
Tags are wrong or missing, tastes are subjects that no tag names, they drift, some physicians open
whatever is new, tags that go together are liked apart, and many openings are never told.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from app.recommend.proof import taste
from app.recommend.proof.dataset import Interaction, Weighted

WORLDS = ("fits", "off", "taste")
DAYS = 180
TAGS_OF_CONTENT, TAGS_OF_PHYSICIAN = 3, 5


@dataclass(frozen=True, slots=True)
class World:
    """Three tables, as `dataset` takes them."""

    interactions: list[Interaction]
    content_tags: list[Weighted]
    physician_tags: list[Weighted]


@dataclass(frozen=True, slots=True)
class _Truth:
    """`taste`: physicians × tags; `about`: contents × tags; `hidden`: tastes that no tag names."""

    taste: Any
    about: Any
    fame: Any
    hidden: Any
    born: Any


def world(
    name: str, physicians: int = 2000, contents: int = 300, tags: int = 60, seed: int = 0
) -> World:
    """An invented world, one of `WORLDS`; the same for the same numbers."""
    import numpy as np

    dice = np.random.default_rng([seed, physicians, contents, tags])
    if name == "taste":
        return _of_circles(dice, physicians, contents, tags)
    off = name == "off"
    truth = _truth(dice, physicians, contents, tags)
    opened = list(_openings(dice, truth, off))
    about, given = truth.about.copy(), truth.taste > 0.5
    if off:
        about = _wrong(dice, about)
        given = _wrong(dice, given.astype(float)) > 0
    return _world(dice, opened, about, given)


def _of_circles(dice: Any, physicians: int, contents: int, tags: int) -> World:
    truth = taste.circles(dice, physicians, contents, tags)
    opened = list(taste.openings(dice, truth, DAYS))
    about = truth.tags * (dice.random(truth.tags.shape) > 0.1)
    given = (truth.taste > 0) & (dice.random(truth.taste.shape) > 0.4)
    return _world(dice, opened, about, given)


def _world(dice: Any, opened: list[Interaction], about: Any, given: Any) -> World:
    import numpy as np

    return World(
        opened,
        [Weighted(f"c{c}", f"t{t}", float(about[c, t])) for c, t in np.argwhere(about > 0)],
        [Weighted(f"d{p}", f"t{t}", round(float(dice.uniform(0.3, 0.9)), 2))
         for p, t in np.argwhere(given)],
    )  # fmt: skip


def _truth(dice: Any, physicians: int, contents: int, tags: int) -> _Truth:
    import numpy as np

    usual = 1 / np.arange(1, tags + 1) ** 0.8
    usual /= usual.sum()

    def drawn(rows: int, most: int) -> Any:
        found = np.zeros((rows, tags))
        for row in found:
            row[dice.choice(tags, min(tags, 1 + dice.poisson(most - 1)), False, usual)] = 1
        return found

    taste = drawn(physicians, TAGS_OF_PHYSICIAN) * dice.gamma(4.0, 0.3, (physicians, 1))
    hidden = dice.normal(size=(physicians, 6)) @ dice.normal(size=(6, contents)) / 6**0.5
    return _Truth(taste, drawn(contents, TAGS_OF_CONTENT), dice.normal(0, 0.7, contents),
                  hidden, dice.integers(0, DAYS, contents))  # fmt: skip


def _openings(dice: Any, truth: _Truth, off: bool) -> Iterator[Interaction]:
    import numpy as np

    physicians, contents = truth.hidden.shape
    length = np.sqrt(np.maximum(truth.about.sum(1), 1))
    for p in range(physicians):
        likes = 1.5 * truth.about @ truth.taste[p] / length + truth.fame
        later = likes
        if off:
            apart = np.minimum(truth.about[:, ::2].sum(1), truth.about[:, 1::2].sum(1))
            likes = 0.5 * likes + truth.hidden[p] - 0.7 * apart
            later = 0.5 * likes + dice.permutation(truth.hidden[p]) * 0.7
            if p % 5 == 0:
                likes = later = truth.born / DAYS * 4.0
        much = 3 + dice.poisson(dice.gamma(2.0, 5.0))
        for half, worth in enumerate((likes, later)):
            noise = dice.gumbel(size=contents)
            chosen = np.argsort(-(worth + noise), kind="stable")[: max(1, much // 2)]
            for c in chosen:
                if not off or dice.random() < 0.7:
                    day = half * DAYS / 2 + dice.uniform(0, DAYS / 2)
                    yield Interaction(f"d{p}", f"c{c}", round(float(day), 3))


def _wrong(dice: Any, rows: Any) -> Any:
    """A fifth of the tags is missing, and as many are wrong."""
    import numpy as np

    kept = rows * (dice.random(rows.shape) > 0.2)
    number = int((rows > 0).sum() * 0.2)
    kept[dice.integers(0, len(rows), number), dice.integers(0, rows.shape[1], number)] = 1
    return np.where(rows.sum(1, keepdims=True) > 0, kept, rows)
