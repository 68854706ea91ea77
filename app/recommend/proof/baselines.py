"""What one would use without us, each tuned inside what is known. Some need libraries of their own.

popularity · tag cosine (TF-IDF) · item-kNN · EASE with tags · implicit's ALS · logistic regression
on tag crosses (scikit-learn). For contents that nobody has opened, kNN and ALS know nothing by
themselves; ALS gets factors from tags by ridge regression, as is usual.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib.util import find_spec
from typing import Any

from app.recommend.proof.figures import CHUNK, Model, goodness
from app.recommend.proof.neighbours import ease, knn
from app.recommend.proof.profiles import cosine_profiles, shares_by_rarity
from app.recommend.proof.sampling import sampled
from app.recommend.proof.splits import Problem, Split, inner

Build = Callable[..., Model]
WITHOUT = {"als": "implicit", "logistic": "sklearn"}  # what each needs
HOW = "pip install --require-hashes -r requirements-evaluate.lock"
SEED = 0


def popularity(problem: Problem) -> Model:
    """How many opened it; the same for everybody."""
    import numpy as np

    count = np.bincount(problem.item, minlength=problem.size[1]).astype(float)
    return lambda users: np.tile(count, (len(users), 1))


def tag_cosine(problem: Problem) -> Model:
    """Cosine of TF-IDF: the tags of what somebody opened, and those given, against a content's."""
    rows = shares_by_rarity(problem)
    return lambda users: cosine_profiles(problem, users) @ rows.T


def item_knn(problem: Problem) -> Model:
    """Cosine of who opened what, the best neighbours of each content only."""
    return tuned(problem, knn, ({"most": 20}, {"most": 50}, {"most": 200}))


def ease_tags(problem: Problem) -> Model:
    """EASE, with the tags of contents as further rows."""
    grid = [{"ridge": r, "tags": t} for r in (20.0, 100.0, 400.0) for t in (0.0, 1.0, 10.0)]
    return tuned(problem, ease, grid)


def als(problem: Problem) -> Model:
    """implicit's alternating least squares."""
    return tuned(problem, _als, [{"factors": f, "ridge": r} for f in (16, 64) for r in (0.05, 5)])


def logistic(problem: Problem) -> Model:
    """scikit-learn's logistic regression on tag crosses, tags, and a content's fame."""
    return tuned(problem, _logistic, ({"strength": 0.1}, {"strength": 1.0}, {"strength": 10.0}))


MODELS: dict[str, Build] = {
    "popularity": popularity,
    "cosine": tag_cosine,
    "knn": item_knn,
    "als": als,
    "ease": ease_tags,
    "logistic": logistic,
}


def can(name: str) -> bool:
    """True when what the model needs is installed."""
    return name not in WITHOUT or find_spec(WITHOUT[name]) is not None


def tuned(problem: Problem, build: Build, grid: Sequence[dict[str, float]]) -> Model:
    """The model with those settings that foresee best inside what is known."""
    asked = inner(problem)
    known = [sum(goodness(part, build(part, **one)) for part in asked) for one in grid]
    return build(problem, **grid[known.index(max(known))])


def _als(problem: Problem, factors: int, ridge: float) -> Model:
    import numpy as np
    from implicit.als import AlternatingLeastSquares
    from scipy.sparse import csr_matrix
    from threadpoolctl import threadpool_limits

    ones = np.ones(len(problem.item), dtype=np.float32)
    opened = csr_matrix((ones, (problem.user, problem.item)), shape=problem.size)
    with threadpool_limits(1, "blas"):
        model = AlternatingLeastSquares(
            int(factors), regularization=ridge, iterations=15, random_state=SEED, num_threads=1
        )
        model.fit(opened, show_progress=False)
    of_items = np.array(model.item_factors, dtype=float)
    seen, tags = problem.warm(), problem.data.content_tags
    normal = tags[seen].T @ tags[seen] + 5.0 * np.eye(tags.shape[1])
    by_tag = np.linalg.solve(normal, tags[seen].T @ of_items[seen])
    of_items[~seen] = tags[~seen] @ by_tag
    return lambda users: model.user_factors[users] @ of_items.T


def _logistic(problem: Problem, strength: float) -> Model:
    import numpy as np
    from sklearn.linear_model import LogisticRegression

    drawn = sampled(problem, SEED)
    tags, rows = problem.data.content_tags, shares_by_rarity(problem)
    fame = np.log1p(np.bincount(problem.item, minlength=problem.size[1]))
    if problem.kind is Split.COLD:
        fame[:] = 0  # it would take what tags must say when nobody has opened anything
    number = tags.shape[1]

    def crossed(interests: Any) -> Any:
        """How much more of each tag than is usual, given how much at all; given tags added."""
        more = interests[:, -number - 1 : -1] - interests[:, -1:]
        return more + interests[:, :number] * (interests.shape[1] > number + 1)

    def features(interests: Any, items: Any) -> Any:
        mine = crossed(interests)
        whole = (mine * rows[items]).sum(1)
        return np.hstack([mine * tags[items], tags[items], whole[:, None], fame[items][:, None]])

    chosen = _at_most(len(drawn.good), 60_000_000 // (2 * number + 2))
    model = LogisticRegression(C=strength, max_iter=200)
    interests = drawn.interests[drawn.decision[chosen]]
    model.fit(features(interests, drawn.content[chosen]), drawn.good[chosen])
    weights = model.coef_[0]

    def scores(users: Any) -> Any:
        mine = crossed(drawn.of(users))
        found = (mine * weights[:number]) @ tags.T + weights[-2] * (mine @ rows.T)
        return found + tags @ weights[number:-2] + weights[-1] * fame

    return scores


def _at_most(size: int, most: int) -> Any:
    import numpy as np

    return np.sort(np.random.default_rng(SEED).permutation(size)[:most])


__all__ = ["CHUNK", "HOW", "MODELS", "WITHOUT", "can", "tuned"]
