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

from app.recommend.learning import Answers, Contents, Learned, Priors, learn, platt
from app.recommend.proof.figures import Figure, Model, Ranked, difference, mean, rank
from app.recommend.proof.neighbours import ease
from app.recommend.proof.sampling import MOST, NEGATIVES, Sampled, sampled
from app.recommend.proof.splits import Problem, inner
from app.recommend.reading import ANYTHING
from app.recommend.response import DAY_0, Response
from app.recommend.scoring import Piece, Scorer
from app.recommend.table import Table, table

LONG_AGO, NOW = datetime(2000, 1, 1, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC)
START = {"worth": 8.0, "cross": 0.2, "content": 1.0}
OTHERS = {"cross": (0.05, 0.8), "worth": (2.0, 32.0), "content": (0.1,)}
CAUTIOUS = {"worth": 2.0, "cross": 0.02, "content": 0.02, "tag": 0.02}  # hardly more than day 0
EASES = tuple((ridge, tags) for ridge in (20.0, 100.0, 400.0) for tags in (0.0, 1.0, 10.0))
FEW = 300_000  # answers that are enough to choose settings by
WEIGHTS = (0.5, 1.0, 2.0, 4.0, 8.0, 16.0)  # of EASE, in standard deviations of the rest


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
    asked = inner(problem)
    chosen = _settings(asked)
    tags_only = linear(asked, **chosen)
    near_by, near = _nearest(asked)
    weight, gate = _gate(asked, tags_only, near)
    base, sure = _calibrated(asked, _both(tags_only, near, weight))
    whole = linear(problem, **chosen)
    if weight:
        whole = _both(whole, ease(problem, *near_by), weight)
    return Ours(whole, base, sure, chosen, gate)


def linear(
    problem: Problem, worth: float, cross: float, content: float, tag: float = 1.0,
    most: float = MOST,
) -> Model:  # fmt: skip
    """Affinity, tag crosses and appeal as logits, learned from what is known.

    `worth`: of reading; the others: how far a number may easily go from day 0 (`Priors`).
    """
    drawn = sampled(problem, problem.seed, worth, int(most))
    contents = _contents(problem, drawn)
    answers = Answers(drawn.interests, drawn.decision, drawn.content, drawn.good)
    learned = learn(contents, answers, Priors(cross, tag, content))
    known = _table(problem, drawn, _response(learned, _own(drawn)))
    return lambda users: learned.base + learned.steep * known.scores(drawn.of(users))


def _settings(asked: Problem) -> dict[str, float]:
    """One after the other, each is moved where that helps; the last word has day 0."""

    def good(one: dict[str, float]) -> float:
        return float(rank(asked, linear(asked, **one, most=FEW)).each[:, 0].mean())

    at, best = dict(START), good(START)
    for name, values in OTHERS.items():
        tried = {value: good({**at, name: value}) for value in values}
        value = max(tried, key=lambda one: tried[one])
        if tried[value] > best:
            at[name], best = value, tried[value]
    return at if best >= good(CAUTIOUS) else dict(CAUTIOUS)


def _nearest(asked: Problem) -> tuple[tuple[float, float], Model]:
    """EASE with the ridge and tags that foresee best by themselves."""
    tried = [(one, ease(asked, *one)) for one in EASES]
    good = [rank(asked, model).each[:, 0].mean() for _, model in tried]
    return tried[good.index(max(good))]


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
    """The weight of EASE; 0 unless physicians gain surely by a weight that others have chosen."""
    import numpy as np

    size = _size(tags_only, near, asked)
    tried: dict[float, Ranked] = {
        one: rank(asked, _both(tags_only, near, one * size)) for one in (0.0, *WEIGHTS)
    }
    half = np.arange(len(tried[0.0].users)) % 2 == 0

    def best(rows: Any) -> float:
        return max(tried, key=lambda one: (tried[one].each[rows, 0].mean(), -one))

    weights = {True: best(~half), False: best(half)}
    mixed = np.where(half[:, None], tried[weights[True]].each, tried[weights[False]].each)
    gain = difference(replace(tried[0.0], each=mixed), tried[0.0])
    loss = _loss_saved(asked, tags_only, near, {h: w * size for h, w in weights.items()})
    chosen = best(slice(None))
    said = {"weight": chosen, "gain_in_ndcg": gain.as_json(), "log_loss_saved": loss.as_json()}
    surely = gain.low > 0 or (gain.value > 0 and loss.low > 0)
    if not chosen or not surely:
        return 0.0, {"ease": False, **said}
    return chosen * size, {"ease": True, **said}


def _loss_saved(
    asked: Problem, tags_only: Model, near: Model, weights: Mapping[bool, float]
) -> Figure:
    """Log loss without EASE minus with it, by physician; `weights`: of every second, the others."""
    import numpy as np

    users, contents, good = entries(asked, asked.seed + 5)
    place = np.searchsorted(np.unique(asked.asked_user), users)
    plain, beside = scores_of(tags_only, users, contents), scores_of(near, users, contents)
    both = plain + np.where(place % 2 == 0, weights[True], weights[False]) * beside
    saved = _loss(plain, good) - _loss(both, good)
    return mean(np.bincount(place, saved) / np.bincount(place))


def _loss(score: Any, good: Any) -> Any:
    import numpy as np

    base, steep = platt(score, good)
    logit = base + steep * score
    return np.logaddexp(0, logit) - good * logit


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
    return [*own, *(-tag for tag in own), ANYTHING] if given else [*own, ANYTHING]


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
    reading = np.zeros_like(affinity)
    if problem.data.physician_tags is not None:
        reading[tags.shape[1] : -1] = affinity[: tags.shape[1]]
    shares = np.take_along_axis(tags, order, axis=1)
    return Contents(order, shares, tags.shape[1], affinity, reading)


def _response(learned: Learned, own: list[int]) -> Response:
    crosses = {
        tag: {n + 1: float(value) for n, value in enumerate(row)}
        for tag, row in zip(own, learned.crosses, strict=True)
    }
    return Response(
        steep=learned.steep, reading=learned.reading, base=learned.base, crosses=crosses,
        tag_appeal={n + 1: float(value) for n, value in enumerate(learned.tag)},
        content_appeal={n: float(value) for n, value in enumerate(learned.content)},
    )  # fmt: skip
