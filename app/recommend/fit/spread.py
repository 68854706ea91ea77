"""How unsure each learned number still is: variances in squared logits. Pure.

A number that no answer has told anything about is as unsure as its prior allows; only what answers
have narrowed is kept, so a young product keeps nothing and a large one little.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

Variances = Mapping[int, float]


@dataclass(frozen=True, slots=True)
class Spread:
    """Variances of the numbers of a `Response`; what is not in a map has the plain one's."""

    steep: float = 0.25
    reading: float = 0.25
    cross: float = 0.04
    tag: float = 0.25
    content: float = 0.25
    crosses: Mapping[int, Variances] = field(default_factory=dict)  # own tag → content's tag
    tags: Variances = field(default_factory=dict)
    contents: Variances = field(default_factory=dict)

    def wanted(self, interests: Mapping[int, float], tags: Variances) -> dict[int, float]:
        """By content's tag: the variance of how much this physician wants a whole share of it.

        `tags`: any mapping with the tags that are asked for.
        """
        narrow = [(w * w, self.crosses.get(own)) for own, w in interests.items() if w]
        whole = self.cross * sum(square for square, _ in narrow)
        found = {tag: whole + self.tags.get(tag, self.tag) for tag in tags}
        for square, known in narrow:
            if known:
                for tag in found.keys() & known.keys():
                    found[tag] += square * (known[tag] - self.cross)
        return found


PRIOR = Spread()


def from_json(data: Mapping[str, Any] | None) -> Spread:
    """What `asdict` gave, after JSON; None: the prior's. Raises KeyError, TypeError, ValueError."""
    if data is None:
        return PRIOR
    return Spread(
        steep=float(data["steep"]), reading=float(data["reading"]), cross=float(data["cross"]),
        tag=float(data["tag"]), content=float(data["content"]),
        crosses={int(own): _by_id(row) for own, row in data["crosses"].items()},
        tags=_by_id(data["tags"]), contents=_by_id(data["contents"]),
    )  # fmt: skip


def _by_id(values: Mapping[str, float]) -> dict[int, float]:
    return {int(key): float(value) for key, value in values.items()}
