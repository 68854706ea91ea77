"""Answers as arrays: whose interests met which tags, and what that adds up to. Needs numpy.

An answer's part of the crosses is its interests × crosses × tags of its content. A few thousand
answers at a time stay in the processor's cache, which all of them at once do not by far.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

AT_ONCE = 4096


@dataclass(frozen=True, slots=True)
class Contents:
    """The library as arrays. `tags`, `shares`: contents × most tags of one, padded by share 0."""

    tags: Any
    shares: Any
    number_of_tags: int
    affinity: Any  # interests × contents: what each interest adds on day 0
    reading: Any  # the same for what was read, which day 0 has in the tags already


@dataclass(frozen=True, slots=True)
class Answers:
    """`interests`: decisions × interests; the others one for each answer."""

    interests: Any
    decision: Any
    content: Any
    good: Any  # 1.0 or 0.0

    def part(self, chosen: Any) -> Answers:
        """Only some answers."""
        return Answers(
            self.interests, self.decision[chosen], self.content[chosen], self.good[chosen]
        )


class Wanted:
    """What answers have to do with crosses and tags."""

    def __init__(self, contents: Contents, answers: Answers) -> None:
        import numpy as np

        self._answers = answers
        self.contents = len(contents.tags)
        self._shares = np.zeros((self.contents, contents.number_of_tags))
        rows = np.arange(self.contents)[:, None]
        if contents.number_of_tags:  # without any, the padding is no tag either
            np.add.at(self._shares, (rows, contents.tags), contents.shares)

    def by(self, crosses: Any, tag: Any) -> Any:
        """What each answer's content has from interests × tags and from the tags alone."""
        import numpy as np

        found = np.empty(len(self._answers.content))
        for part, interests, shares in self._parts():
            found[part] = np.einsum("ij,ij->i", interests @ crosses + tag, shares)
        return found

    def pulled(self, each: Any, *, squared: bool = False) -> tuple[Any, Any]:
        """The transpose: from a number for each answer to interests × tags, flat, and tags.

        `squared`: with the squares of interests and shares.
        """
        import numpy as np

        tags = self._shares.shape[1]
        crosses, tag = np.zeros((self._answers.interests.shape[1], tags)), np.zeros(tags)
        for part, interests, shares in self._parts():
            if squared:
                interests, shares = interests**2, shares**2
            crosses += interests.T @ (each[part, None] * shares)
            tag += each[part] @ shares
        return crosses.ravel(), tag

    def _parts(self) -> Iterator[tuple[slice, Any, Any]]:
        one = self._answers
        for start in range(0, len(one.content), AT_ONCE):
            part = slice(start, start + AT_ONCE)
            yield part, one.interests[one.decision[part]], self._shares[one.content[part]]
