"""Whether what the same physicians open is added to tags, how much, and beside which settings.

    logit = base + sure · (tags + near · what was opened says)

The weights are one logistic regression over answers that teach neither part, with a prior at none.
Everything is chosen by every second physician for the others, and it joins when those surely gain.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from app.recommend.proof.figures import Figure, Model, Ranked, difference, mean, rank
from app.recommend.proof.sampling import NEGATIVES
from app.recommend.proof.splits import Problem, Split
from app.recommend.taught import neighbours
from app.recommend.taught.learning import platt

RIDGES = (100.0, 400.0)
TIMES = (1.0, 2.0)  # answers are about all contents, a list is about the best ten


@dataclass(frozen=True, slots=True)
class Stack:
    """`near`: logits of tags that one of EASE is worth, 0: it stays out; `careful`: tags hardly
    more than day 0 beside it."""

    near: float = 0.0
    ridge: float = RIDGES[0]
    careful: bool = False


@dataclass(frozen=True, slots=True)
class _Parts:
    """Both parts of one way to make the score."""

    stack: Stack
    tags: Model
    opened: Model


def says(problem: Problem, weights: Any) -> Model:
    """What was opened says for each content: the same as the scorer's sum of parts."""
    import numpy as np

    def of(users: Any) -> Any:
        known = problem.known(users)
        return (known @ weights) / np.sqrt(np.maximum(known.sum(1, keepdims=True), 1))

    return of


def nearest(problem: Problem, ridge: float) -> Any:
    """Opened × contents, as the product keeps them."""
    both = neighbours.together(problem.user, problem.item, problem.size[1])
    return neighbours.nearest(both, problem.data.content_tags, ridge)


def choose(asked: Problem, tags: Mapping[bool, Model]) -> tuple[Stack, dict[str, Any]]:
    """What joins, and why. `tags`: the scorer by tags with the settings chosen, and careful."""
    if asked.kind is Split.COLD:
        return Stack(), {"ease": False, "why": "nobody has opened what is ranked"}
    answers = entries(asked, asked.seed + 5)
    fitted = [_weighted(asked, answers, careful, model, ridge)
              for careful, model in tags.items() for ridge in RIDGES]  # fmt: skip
    tried = [
        replace(one, stack=replace(one.stack, near=one.stack.near * times))
        for one in fitted
        for times in TIMES
    ]
    ranked = [rank(asked, _together(one)) for one in tried]
    return _gate(asked, tags[False], tried, ranked, answers)


def entries(problem: Problem, seed: int) -> tuple[Any, Any, Any]:
    """Answers to foresee: (physician, content, 1 or 0), with as many drawn as learning has."""
    import numpy as np

    dice = np.random.default_rng(seed)
    may = np.flatnonzero(problem.among)
    number = problem.size[1]
    who = np.repeat(problem.asked_user, NEGATIVES)
    what = may[dice.integers(0, len(may), len(who))]
    had = np.concatenate([problem.user * number + problem.item,
                          problem.asked_user * number + problem.asked_item])  # fmt: skip
    fresh = ~np.isin(who * number + what, had)
    good = np.r_[np.ones(len(problem.asked_user)), np.zeros(int(fresh.sum()))]
    return (np.r_[problem.asked_user, who[fresh]], np.r_[problem.asked_item, what[fresh]], good)


def scores_of(model: Model, users: Any, contents: Any) -> Any:
    """One score for each pair."""
    import numpy as np

    found = np.empty(len(users))
    people = np.unique(users)
    for start in range(0, len(people), 512):
        part = people[start : start + 512]
        mine = np.isin(users, part)
        found[mine] = model(part)[np.searchsorted(part, users[mine]), contents[mine]]
    return found


def _weighted(
    asked: Problem, answers: tuple[Any, Any, Any], careful: bool, tags: Model, ridge: float
) -> _Parts:
    users, contents, good = answers
    opened = says(asked, nearest(asked, ridge))
    near = neighbours.weigh(
        scores_of(tags, users, contents), scores_of(opened, users, contents), good
    )
    return _Parts(Stack(near, ridge, careful), tags, opened)


def _together(one: _Parts) -> Model:
    return lambda users: one.tags(users) + one.stack.near * one.opened(users)


def _best(ranked: Sequence[Ranked], rows: Any) -> int:
    """The first, unless a later one is better by more than a standard error of the difference."""
    at = 0
    for n, one in enumerate(ranked):
        more = one.each[rows, 0] - ranked[at].each[rows, 0]
        if more.mean() > more.std() / len(more) ** 0.5:
            at = n
    return at


def _gate(
    asked: Problem, plain: Model, tried: Sequence[_Parts], ranked: Sequence[Ranked],
    answers: tuple[Any, Any, Any],
) -> tuple[Stack, dict[str, Any]]:  # fmt: skip
    """In only when physicians surely gain by what others have chosen."""
    import numpy as np

    without = rank(asked, plain)
    half = np.arange(len(without.users)) % 2 == 0
    chosen = {True: _best(ranked, ~half), False: _best(ranked, half)}
    mixed = np.where(half[:, None], ranked[chosen[True]].each, ranked[chosen[False]].each)
    gain = difference(replace(without, each=mixed), without)
    loss = _loss_saved(asked, plain, {h: _together(tried[n]) for h, n in chosen.items()}, answers)
    best = tried[_best(ranked, slice(None))].stack
    surely = gain.low > 0 or (gain.value > 0 and loss.low > 0)
    said = {"ease": bool(surely and best.near), "near": round(best.near, 3), "ridge": best.ridge,
            "careful": best.careful, "gain_in_ndcg": gain.as_json(),
            "log_loss_saved": loss.as_json()}  # fmt: skip
    return (best if said["ease"] else Stack()), said


def _loss_saved(
    asked: Problem, plain: Model, both: Mapping[bool, Model], answers: tuple[Any, Any, Any]
) -> Figure:
    """Log loss without it minus with it, by physician; `both`: of every second, the others."""
    import numpy as np

    users, contents, good = answers
    place = np.searchsorted(np.unique(asked.asked_user), users)
    beside = {half: scores_of(model, users, contents) for half, model in both.items()}
    score = np.where(place % 2 == 0, beside[True], beside[False])
    saved = _loss(scores_of(plain, users, contents), good) - _loss(score, good)
    return mean(np.bincount(place, saved) / np.bincount(place))


def _loss(score: Any, good: Any) -> Any:
    import numpy as np

    base, steep = platt(score, good)
    logit = base + steep * score
    return np.logaddexp(0, logit) - good * logit
