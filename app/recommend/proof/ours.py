"""The product's own scorer on a data set: on day 0, and after learning.

The same `Scorer` as every morning, over the data set's contents and what physicians opened; what
it learns goes through the same `Response` that is kept in the database. EASE joins when it helps
physicians whom its weight was not chosen by, surely.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from app.recommend.fit import near
from app.recommend.fit.reading import ANYTHING
from app.recommend.fit.response import DAY_0, Response
from app.recommend.fit.scoring import Piece, Scorer
from app.recommend.fit.table import Table, table
from app.recommend.proof.figures import Model, goodness
from app.recommend.proof.sampling import MOST, Sampled, sampled
from app.recommend.proof.splits import Problem, Split, inner
from app.recommend.proof.stacking import Stack, choose, entries, nearest, scores_of
from app.recommend.taught import neighbours
from app.recommend.taught.learning import Learned, Priors, learn, platt
from app.recommend.taught.wanted import Answers, Contents

LONG_AGO, NOW = datetime(2000, 1, 1, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC)
START = {
    Split.LAST: {"worth": 8.0, "cross": 0.2, "content": 1.0, "tag": 1.0},
    Split.COLD: {"worth": 32.0, "cross": 0.05, "content": 1.0, "tag": 0.3},
}
OTHERS: Mapping[Split, Mapping[str, tuple[float, ...]]] = {
    Split.LAST: {"cross": (0.05, 0.8), "worth": (2.0, 32.0), "content": (0.1,)},
    Split.COLD: {"tag": (0.02, 0.1, 1.0), "cross": (0.02, 0.2), "worth": (2.0, 8.0, 128.0)},
}
CAUTIOUS = {"worth": 2.0, "cross": 0.02, "content": 0.02, "tag": 0.02}  # hardly more than day 0
FEW = 300_000  # answers that are enough to choose settings by
TAGS_ALONE = Stack()
LEAST = 1e-4  # a neighbour below it is not kept, in logits


@dataclass(frozen=True, slots=True)
class Ours:
    """`model` gives logits; `base`, `sure`: what is true of them; `chosen`: what was tried.

    `gate`: why EASE is in or out.
    """

    model: Model
    base: float
    sure: float
    chosen: Mapping[str, float]
    gate: Mapping[str, Any]


def day_0(problem: Problem) -> Model:
    """Tag affinity: no answer has been seen yet; what was opened is all that is known."""
    drawn = sampled(problem, problem.seed)
    known = _table(problem, drawn, DAY_0)
    return lambda users: known.scores(drawn.of(users))


def trained(problem: Problem) -> Ours:
    """The scorer after learning from what is known; its settings are chosen inside of that."""
    parts = inner(problem)
    asked, chosen = parts[0], _settings(parts)
    stack, gate = choose(asked, {False: linear(asked, **chosen), True: linear(asked, **CAUTIOUS)})
    settings = dict(CAUTIOUS) if stack.careful else chosen
    base, sure = _calibrated(asked, linear(asked, stack, **settings))
    return Ours(linear(problem, stack, **settings), base, sure, settings, gate)


def linear(
    problem: Problem, stack: Stack = TAGS_ALONE, /, *, worth: float, cross: float, content: float,
    tag: float = 1.0, most: float = MOST,
) -> Model:  # fmt: skip
    """Affinity, tag crosses and appeal as logits, learned from what is known, and neighbours.

    `worth`: of reading; the others: how far a number may easily go from day 0 (`Priors`).
    """
    import numpy as np

    drawn = sampled(problem, problem.seed, worth, int(most))
    contents = _contents(problem, drawn)
    answers = Answers(drawn.interests, drawn.decision, drawn.content, drawn.good)
    learned = learn(contents, answers, Priors(cross, tag, content))
    ids = range(problem.size[1])
    beside: Mapping[int, Mapping[int, float]] = {}
    if stack.near:
        beside = neighbours.rows(nearest(problem, stack.ridge), ids, stack.near, LEAST)
    response = _response(learned, _own(drawn), beside)
    known = _table(problem, drawn, response)

    def logits(users: Any) -> Any:
        mine = drawn.of(users)
        if beside:
            opened = problem.known(users)
            much = np.sqrt(np.maximum(opened.sum(1, keepdims=True), 1))
            mine = np.hstack([mine, opened / much])
        return learned.base + learned.steep * known.scores(mine)

    return logits


def _settings(parts: Sequence[Problem]) -> dict[str, float]:
    """One after the other, each is moved where that helps; the last word has day 0."""

    def good(one: dict[str, float]) -> float:
        return sum(goodness(part, linear(part, **one, most=FEW)) for part in parts)

    start, others = START[parts[0].kind], OTHERS[parts[0].kind]
    at, best = dict(start), good(start)
    for name, values in others.items():
        tried = {value: good({**at, name: value}) for value in values}
        value = max(tried, key=lambda one: tried[one])
        if tried[value] > best:
            at[name], best = value, tried[value]
    return at if best >= good(CAUTIOUS) else dict(CAUTIOUS)


def _calibrated(asked: Problem, model: Model) -> tuple[float, float]:
    users, contents, good = entries(asked, asked.seed + 7)
    return platt(scores_of(model, users, contents), good)


def _own(drawn: Sampled) -> list[int]:
    """Own tags as the scorer knows them: given ones, and what was read as negative ones."""
    number = drawn.problem.data.content_tags.shape[1]
    own = list(range(1, number + 1))
    given = drawn.problem.data.physician_tags is not None
    return [*own, *(-tag for tag in own), ANYTHING] if given else [*own, ANYTHING]


def _pieces(problem: Problem) -> list[Piece]:
    tags = problem.data.content_tags
    return [
        Piece(n, n, {int(t) + 1: float(row[t]) for t in row.nonzero()[0]}, LONG_AGO)
        for n, row in enumerate(tags)
    ]


def _table(problem: Problem, drawn: Sampled, response: Response) -> Table:
    opened = [near.key(n) for n in range(problem.size[1])] if response.near else []
    return table(Scorer(_pieces(problem), NOW, response=response), [*_own(drawn), *opened])


def _contents(problem: Problem, drawn: Sampled) -> Contents:
    import numpy as np

    tags = problem.data.content_tags
    most = max(1, int((tags > 0).sum(1).max()))
    order = np.argsort(-tags, axis=1, kind="stable")[:, :most]
    affinity = _table(problem, drawn, DAY_0).rows
    reading = np.zeros_like(affinity)
    if problem.data.physician_tags is not None:
        reading[tags.shape[1] : -1] = affinity[: tags.shape[1]]
    shares = np.take_along_axis(tags, order, axis=1)
    return Contents(order, shares, tags.shape[1], affinity, reading)


def _response(
    learned: Learned, own: list[int], beside: Mapping[int, Mapping[int, float]]
) -> Response:
    crosses = {
        tag: {n + 1: float(value) for n, value in enumerate(row)}
        for tag, row in zip(own, learned.crosses, strict=True)
    }
    return Response(
        steep=learned.steep, reading=learned.reading, base=learned.base, crosses=crosses,
        tag_appeal={n + 1: float(value) for n, value in enumerate(learned.tag)},
        content_appeal={n: float(value) for n, value in enumerate(learned.content)}, near=beside,
    )  # fmt: skip
