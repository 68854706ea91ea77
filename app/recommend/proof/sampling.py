"""Answers out of openings: what was opened is good, what was drawn and not opened is not.

The interests of a decision are made of what it does not ask: each physician's openings are dealt
into five hands, and each hand is foreseen from the other four.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from app.recommend.fit.reading import WORTH, interest
from app.recommend.proof.splits import Problem

HANDS, NEGATIVES, MOST = 5, 5, 1_500_000


@dataclass(frozen=True, slots=True)
class Sampled:
    """`interests`: decisions × interests; the others one for each answer."""

    problem: Problem
    interests: Any
    decision: Any
    content: Any
    good: Any
    usual: Any
    worth: float

    def of(self, users: Any) -> Any:
        """Interests of physicians from all that is known."""
        tags = self.problem.data.content_tags
        known = self.problem.known(users)
        opened = _opened(known @ tags, known.sum(1), self.usual, self.worth)
        return joined(self.problem, users, opened)


def sampled(problem: Problem, seed: int, worth: float = WORTH, most: int = MOST) -> Sampled:
    """The same answers for the same openings and seed; at most so many."""
    import numpy as np

    dice = np.random.default_rng(seed)
    tags, (people, number) = problem.data.content_tags, problem.size
    usual = usual_share(problem)
    counts = _counts(problem)
    hand = dice.integers(0, HANDS, len(problem.user))
    may = np.flatnonzero(problem.warm())
    had = np.unique(problem.user * number + problem.item)
    users, interests, decision, content, good = np.arange(people), [], [], [], []
    for n in range(HANDS):
        mine = hand == n
        left = counts.copy()
        np.subtract.at(left, problem.user[mine], tags[problem.item[mine]])
        much = np.bincount(problem.user[~mine], minlength=people)
        opened = _opened(np.maximum(left, 0), much, usual, worth)
        interests.append(joined(problem, users, opened))
        who = np.repeat(problem.user[mine], NEGATIVES)
        what = may[dice.integers(0, len(may), len(who))]
        fresh = ~_among(who * number + what, had)
        decision += [problem.user[mine] + n * people, who[fresh] + n * people]
        content += [problem.item[mine], what[fresh]]
        good += [np.ones(int(mine.sum())), np.zeros(int(fresh.sum()))]
    rows = np.concatenate(decision), np.concatenate(content), np.concatenate(good)
    kept = np.sort(dice.permutation(len(rows[0]))[:most])
    decisions, contents, answers = (row[kept] for row in rows)
    return Sampled(problem, np.vstack(interests), decisions, contents, answers, usual, worth)


def joined(problem: Problem, users: Any, opened: Any) -> Any:
    """What physicians were given beside what they opened; only the latter without given tags."""
    import numpy as np

    given = problem.data.physician_tags
    return opened if given is None else np.hstack([given[users], opened])


def _opened(counts: Any, much: Any, usual: Any, worth: float) -> Any:
    """Interest in each tag, and last how much was opened at all."""
    import numpy as np

    return np.hstack([interest(counts, usual, worth), interest(much, 1.0, worth)[:, None]])


def usual_share(problem: Problem) -> Any:
    """How often each tag is met in an opening, never 0."""
    import numpy as np

    tags = problem.data.content_tags
    seen = np.bincount(problem.item, minlength=len(tags)) @ (tags > 0)
    return (seen + 0.5) / (len(problem.item) + 1)


def _counts(problem: Problem) -> Any:
    import numpy as np

    tags = problem.data.content_tags
    found = np.zeros((problem.size[0], tags.shape[1]))
    for start in range(0, len(problem.user), 200_000):
        part = slice(start, start + 200_000)
        np.add.at(found, problem.user[part], tags[problem.item[part]])
    return found


def _among(values: Any, sorted_values: Any) -> Any:
    import numpy as np

    at = np.minimum(np.searchsorted(sorted_values, values), len(sorted_values) - 1)
    return sorted_values[at] == values
