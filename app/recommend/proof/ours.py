"""The product's own scorer on a data set: on day 0, and after learning.

The same `Scorer` as every morning, over the data set's contents and what physicians opened; what
it learns goes through the same `Response` that is kept in the database. EASE joins when it helps
physicians whom its weight was not chosen by, surely.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from app.recommend.learning import Answers, Contents, Learned, learn, platt
from app.recommend.proof.figures import Model, Ranked, difference, rank
from app.recommend.proof.neighbours import ease
from app.recommend.proof.sampling import NEGATIVES, Sampled, sampled
from app.recommend.proof.splits import Problem, inner
from app.recommend.response import DAY_0, Response
from app.recommend.scoring import Piece, Scorer
from app.recommend.table import Table, table

LONG_AGO, NOW = datetime(2000, 1, 1, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC)
RIDGE, TAG_ROWS = 100.0, 1.0
WEIGHTS = (0.5, 1.0, 2.0, 4.0, 8.0, 16.0)  # of EASE, in standard deviations of the rest


@dataclass(frozen=True, slots=True)
class Ours:
    """`chance(users, scores)` of `model`'s scores; `gate`: why EASE is in or out."""

    model: Model
    base: float
    steep: float
    gate: Mapping[str, Any]


def day_0(problem: Problem) -> Model:
    """Tag affinity: no answer has been seen yet; what was opened is all that is known."""
    drawn = sampled(problem, problem.seed)
    known = _table(problem, drawn, DAY_0)
    return lambda users: known.scores(drawn.of(users))


def trained(problem: Problem) -> Ours:
    """The scorer after learning from what is known; its weights are chosen inside of that."""
    asked = inner(problem)
    tags_only = linear(asked)
    near = ease(asked, RIDGE, TAG_ROWS)
    weight, gate = _gate(asked, tags_only, near)
    base, steep = _calibrated(asked, _both(tags_only, near, weight))
    if not weight:
        return Ours(linear(problem), base, steep, gate)
    whole = _both(linear(problem), ease(problem, RIDGE, TAG_ROWS), weight)
    return Ours(whole, base, steep, gate)


def linear(problem: Problem) -> Model:
    """Affinity, tag crosses and appeal, learned from what is known."""
    drawn = sampled(problem, problem.seed)
    contents = _contents(problem, drawn)
    answers = Answers(drawn.interests, drawn.decision, drawn.content, drawn.good)
    known = _table(problem, drawn, _response(learn(contents, answers), _own(drawn)))
    return lambda users: known.scores(drawn.of(users))


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


def _gate(asked: Problem, tags_only: Model, near: Model) -> tuple[float, dict[str, Any]]:
    """The weight of EASE, chosen by half of the physicians; 0 unless the others surely gain."""
    import numpy as np

    size = _size(tags_only, near, asked)
    choosing = np.isin(asked.asked_user, np.unique(asked.asked_user)[::2])
    mine, others = _of(asked, choosing), _of(asked, ~choosing)
    tried: dict[float, Ranked] = {
        one: rank(mine, _both(tags_only, near, one * size)) for one in (0.0, *WEIGHTS)
    }
    best = max(tried, key=lambda one: (tried[one].each[:, 0].mean(), -one))
    if not best:
        return 0.0, {"ease": False, "why": "no weight helped"}
    gain = difference(rank(others, _both(tags_only, near, best * size)), rank(others, tags_only))
    said = {"weight": best, "gain_in_ndcg": gain.as_json()}
    if gain.low <= 0:
        return 0.0, {"ease": False, "why": "not surely better", **said}
    return best * size, {"ease": True, **said}


def _of(problem: Problem, chosen: Any) -> Problem:
    return replace(
        problem, asked_user=problem.asked_user[chosen], asked_item=problem.asked_item[chosen]
    )


def _size(tags_only: Model, near: Model, asked: Problem) -> float:
    import numpy as np

    some = np.unique(asked.asked_user)[:200]
    return float(tags_only(some).std(1).mean() / max(near(some).std(1).mean(), 1e-9))


def _both(tags_only: Model, near: Model, weight: float) -> Model:
    return (lambda users: tags_only(users) + weight * near(users)) if weight else tags_only


def _calibrated(asked: Problem, model: Model) -> tuple[float, float]:
    users, contents, good = entries(asked, asked.seed + 7)
    return platt(scores_of(model, users, contents), good)


def _own(drawn: Sampled) -> list[int]:
    """Own tags as the scorer knows them: given ones, and what was read as negative ones."""
    number = drawn.problem.data.content_tags.shape[1]
    own = list(range(1, number + 1))
    given = drawn.problem.data.physician_tags is not None
    return [*own, *(-tag for tag in own)] if given else own


def _pieces(problem: Problem) -> list[Piece]:
    tags = problem.data.content_tags
    return [
        Piece(n, n, {int(t) + 1: float(row[t]) for t in row.nonzero()[0]}, LONG_AGO)
        for n, row in enumerate(tags)
    ]


def _table(problem: Problem, drawn: Sampled, response: Response) -> Table:
    return table(Scorer(_pieces(problem), NOW, response=response), _own(drawn))


def _contents(problem: Problem, drawn: Sampled) -> Contents:
    import numpy as np

    tags = problem.data.content_tags
    most = max(1, int((tags > 0).sum(1).max()))
    order = np.argsort(-tags, axis=1, kind="stable")[:, :most]
    affinity = _table(problem, drawn, DAY_0).rows
    return Contents(order, np.take_along_axis(tags, order, axis=1), tags.shape[1], affinity)


def _response(learned: Learned, own: list[int]) -> Response:
    crosses = {
        tag: {n + 1: float(value) for n, value in enumerate(row)}
        for tag, row in zip(own, learned.crosses, strict=True)
    }
    return Response(
        1, 0, learned.steep, learned.base, crosses,
        {n + 1: float(value) for n, value in enumerate(learned.tag)},
        {n: float(value) for n, value in enumerate(learned.content)},
    )  # fmt: skip
