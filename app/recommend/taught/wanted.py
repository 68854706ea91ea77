"""Answers as arrays: whose interests met which tags, and what that adds up to. Needs numpy.

An answer's part of the crosses is its interests × crosses × tags of its content. Interests ×
crosses is the same for all answers of a decision, and a few thousand decisions at a time stay in
the processor's cache, which all of them at once do not by far.
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


@dataclass(frozen=True, slots=True)
class _Part:
    """Some decisions and their answers. `cells`, `shares`: most tags of a content × answers, where
    a cell is a place among decisions × tags."""

    decisions: Any
    answers: Any
    cells: Any
    shares: Any


class Wanted:
    """What answers have to do with crosses and tags."""

    def __init__(self, contents: Contents, answers: Answers) -> None:
        self.contents, self._number = len(contents.tags), contents.number_of_tags
        self._answers = answers
        self._parts = list(self._parted(contents)) if self._number else []

    def by(self, crosses: Any, tag: Any) -> Any:
        """What each answer's content has from interests × tags and from the tags alone."""
        import numpy as np

        found = np.zeros(len(self._answers.content))
        for one in self._parts:
            each = (self._answers.interests[one.decisions] @ crosses + tag).ravel()
            found[one.answers] = np.einsum("ij,ij->j", each[one.cells], one.shares)
        return found

    def pulled(self, each: Any, *, squared: bool = False) -> tuple[Any, Any]:
        """The transpose: from a number for each answer to interests × tags, flat, and tags.

        `squared`: with the squares of interests and shares.
        """
        import numpy as np

        number = self._number
        crosses, tag = np.zeros((self._answers.interests.shape[1], number)), np.zeros(number)
        for one in self._parts:
            interests, shares = self._answers.interests[one.decisions], one.shares
            if squared:
                interests, shares = interests**2, shares**2
            pulls = (each[one.answers] * shares).ravel()
            whole = np.bincount(one.cells.ravel(), pulls, len(interests) * number)
            by_decision = whole.reshape(len(interests), number)
            crosses += interests.T @ by_decision
            tag += by_decision.sum(0)
        return crosses.ravel(), tag

    def _parted(self, contents: Contents) -> Iterator[_Part]:
        import numpy as np

        one = self._answers
        order = np.argsort(one.decision, kind="stable")
        decisions, first = np.unique(one.decision[order], return_index=True)
        ends = np.append(first, len(order))
        for start in range(0, len(decisions), AT_ONCE):
            some = decisions[start : start + AT_ONCE]
            answers = order[ends[start] : ends[min(start + AT_ONCE, len(decisions))]]
            content, row = one.content[answers], np.searchsorted(some, one.decision[answers])
            cells = row * self._number + contents.tags.T[:, content]
            yield _Part(some, answers, cells, contents.shares.T[:, content])
