"""How unsure each learned number is after the answers: the diagonal of Laplace's variances.

One over (the answers' curvature at the likeliest numbers + the prior's): what is asked often, by
answers that could have gone either way, is narrow. Needs numpy.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from app.recommend.fit.spread import Spread

if TYPE_CHECKING:
    from app.recommend.taught.learning import Learned, Priors
    from app.recommend.taught.wanted import Answers, Wanted

NARROWED = 0.95  # of the prior's variance: what is above it is kept as the prior's
DIGITS = 5


def curvature(wanted: Wanted, answers: Answers, chance: Any, affine: Any, read: Any) -> Any:
    """Second derivatives of the loss, in the order of the numbers in `learn`. Never below 0.

    `chance`: of each answer, 0 to 1; `affine`, `read`: its affinity and that of what was read.
    """
    import numpy as np

    weight = chance * (1 - chance)
    return np.concatenate([
        *wanted.pulled(weight, squared=True),
        np.bincount(answers.content, weight, wanted.contents),
        [weight @ affine**2], [weight @ read**2], [weight.sum()],
    ])  # fmt: skip


def spread_of(
    learned: Mapping[str, Learned], worth: Mapping[str, float], priors: Priors,
    own: Sequence[int], tags: Sequence[int], contents: Sequence[int],
) -> Spread:  # fmt: skip
    """Of the sum of all questions, by ids. A question that nobody learned is as its prior.

    Standard deviations add up, as if one question's error were the others': contents that please
    reps unexpectedly please physicians, too.
    """
    import numpy as np

    left = 1 - sum(worth[head] for head in learned)

    def mixed(name: str, prior: float) -> Any:
        parts = [worth[head] * getattr(one.variance, name) ** 0.5 for head, one in learned.items()]
        return np.square(sum(parts, start=np.float64(left * prior)))

    by_own = np.broadcast_to(mixed("crosses", priors.cross), (len(own), len(tags)))
    by_tag = np.broadcast_to(mixed("tag", priors.tag), (len(tags),))
    each = np.broadcast_to(mixed("content", priors.content), (len(contents),))
    crosses = {one: _narrow(tags, row, priors.cross) for one, row in zip(own, by_own, strict=True)}
    return Spread(
        steep=float(mixed("steep", priors.slope)), reading=float(mixed("reading", priors.slope)),
        cross=round(priors.cross**2, DIGITS), tag=round(priors.tag**2, DIGITS),
        content=round(priors.content**2, DIGITS),
        crosses={one: row for one, row in crosses.items() if row},
        tags=_narrow(tags, by_tag, priors.tag), contents=_narrow(contents, each, priors.content),
    )  # fmt: skip


def _narrow(ids: Sequence[int], variances: Any, prior: float) -> dict[int, float]:
    by_id = dict(zip(ids, variances.tolist(), strict=True))  # of a content's newest version
    most = NARROWED * prior**2
    return {one: round(value, DIGITS) for one, value in by_id.items() if value < most}
