"""A third invented world, in which settings are tried out: nothing is ever reported on it. Pure.

Contents belong to circles that no tag names, physicians move slowly from circle to circle, what
was read draws its sequel, and a tenth of the tags is missing. Needs numpy.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from app.recommend.proof.dataset import Interaction

CIRCLES, SEQUEL, STAYS = 10, 2.5, 0.85


@dataclass(frozen=True, slots=True)
class Circles:
    """`tags`: contents × tags; `taste`: physicians × tags; `drawn`: contents × circles."""

    tags: Any
    taste: Any
    drawn: Any
    fame: Any
    sequel: Any  # of each content the next of its series, or −1


def circles(dice: Any, physicians: int, contents: int, tags: int) -> Circles:
    """What is true in this world."""
    import numpy as np

    usual = 1 / np.arange(2, tags + 2)
    usual /= usual.sum()

    def some(rows: int, most: int) -> Any:
        found = np.zeros((rows, tags))
        for row in found:
            row[dice.choice(tags, min(tags, 1 + dice.binomial(most - 1, 0.6)), False, usual)] = 1
        return found

    drawn = dice.gamma(0.3, 1.0, (contents, CIRCLES))
    sequel = np.where(dice.random(contents) < 0.15, np.roll(np.arange(contents), -1), -1)
    return Circles(
        some(contents, 4), some(physicians, 6) * dice.uniform(0.3, 1.2, (physicians, 1)),
        drawn / drawn.sum(1, keepdims=True), dice.normal(0, 0.8, contents), sequel,
    )  # fmt: skip


def openings(dice: Any, truth: Circles, days: float) -> Iterator[Interaction]:
    """One after the other: what was opened moves the next."""
    import numpy as np

    physicians, contents = len(truth.taste), len(truth.tags)
    for p in range(physicians):
        plain = truth.fame + truth.tags @ truth.taste[p] * 0.8
        circle, left = int(dice.integers(CIRCLES)), plain.copy()
        number = 2 + int(dice.negative_binomial(1.2, 0.1))
        for day in np.sort(dice.uniform(0, days, min(number, contents // 3))):
            if dice.random() > STAYS:
                circle = int(dice.integers(CIRCLES))
            worth = left + 2.5 * truth.drawn[:, circle] + dice.gumbel(size=contents)
            chosen = int(worth.argmax())
            left[chosen] = -np.inf
            if truth.sequel[chosen] >= 0:
                left[truth.sequel[chosen]] += SEQUEL
            yield Interaction(f"d{p}", f"c{chosen}", round(float(day), 3))
