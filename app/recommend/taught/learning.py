"""Learning tag crosses from answers: one logistic regression with priors. Needs numpy.

A decision is a physician at a moment, with the interests of then; an answer is one content of it
and whether it was answered. The prior of the slope of affinity is positive, all others are 0, so
few answers change little, and no answer changes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from app.recommend.fit import response
from app.recommend.taught.descent import least
from app.recommend.taught.laplace import curvature
from app.recommend.taught.wanted import Answers, Contents, Wanted


@dataclass(frozen=True, slots=True)
class Priors:
    """How far each kind of number may easily go from what it is on day 0 (standard deviations)."""

    cross: float = 0.6
    tag: float = 1.0
    content: float = 1.0
    slope: float = 0.5
    base: float = 4.0


@dataclass(frozen=True, slots=True)
class Learned:
    """`crosses`: interests × tags; `tag`, `content`: their appeal; all in logits."""

    crosses: Any
    tag: Any
    content: Any
    steep: float
    reading: float
    base: float
    variance: Any = None  # a Learned, too: how unsure each number is, in squared logits

    def table(self, contents: Contents) -> Any:
        """Interests × contents, in points of affinity: what each interest adds."""
        more = self.reading * contents.reading + _by_content(self.crosses, contents)
        return contents.affinity + more / self.steep

    def appeal(self, contents: Contents) -> Any:
        """What each content has whoever reads it, in points of affinity."""
        return (_by_content(self.tag[None], contents)[0] + self.content) / self.steep


def learn(contents: Contents, answers: Answers, priors: Priors = Priors()) -> Learned:
    """The likeliest numbers, given the priors; the same for the same answers."""
    import numpy as np

    interests, tags = answers.interests.shape[1], contents.number_of_tags
    number = len(contents.tags)
    affine = _affinity(contents.affinity, answers)
    read = _affinity(contents.reading, answers)
    ends = np.cumsum([interests * tags, tags, number, 1, 1, 1])
    spreads = [priors.cross, priors.tag, priors.content, priors.slope, priors.slope, priors.base]
    mean, spread = np.zeros(ends[-1]), np.repeat(spreads, np.diff(ends, prepend=0))
    mean[ends[2]] = response.STEEP
    wanted = Wanted(contents, answers)

    def logits(x: Any) -> Any:
        crosses, tag, content, steep, reading, base = np.split(x, ends[:-1])
        logit = wanted.by(crosses.reshape(interests, tags), tag) + content[answers.content]
        return logit + steep * affine + reading * read + base

    def judged(x: Any) -> tuple[float, Any]:
        logit = logits(x)
        loss = np.logaddexp(0, logit).sum() - logit @ answers.good
        error = 1 / (1 + np.exp(-logit)) - answers.good
        away = (x - mean) / spread**2
        slope = np.concatenate([
            *wanted.pulled(error), np.bincount(answers.content, error, number),
            [error @ affine], [error @ read], [error.sum()],
        ])  # fmt: skip
        return float(loss + 0.5 * away @ (x - mean)), slope + away

    def parted(x: Any, least_steep: float, variance: Learned | None) -> Learned:
        crosses, tag, content, steep, reading, base = np.split(x, ends[:-1])
        return Learned(
            crosses.reshape(interests, tags), tag, content,
            max(least_steep, float(steep[0])), float(reading[0]), float(base[0]), variance,
        )  # fmt: skip

    found = least(judged, mean.copy())
    chance = 1 / (1 + np.exp(-logits(found)))
    variance = 1 / (curvature(wanted, answers, chance, affine, read) + 1 / spread**2)
    return parted(found, response.LEAST_STEEP, parted(variance, 0.0, None))


def platt(scores: Any, good: Any) -> tuple[float, float]:
    """Base and steepness that turn held-out scores into chances; few answers change little."""
    import numpy as np

    middle, size = scores.mean(), max(float(scores.std()), 1e-9)
    even = (scores - middle) / size

    def judged(x: Any) -> tuple[float, Any]:
        logit = x[0] + x[1] * even
        error = 1 / (1 + np.exp(-logit)) - good
        loss = np.logaddexp(0, logit).sum() - logit @ good + 0.05 * x @ x
        return float(loss), np.array([error.sum(), error @ even]) + 0.1 * x

    base, steep = least(judged, np.zeros(2))
    steep = max(float(steep), 1e-3) / size
    return float(base) - steep * float(middle), steep


def _by_content(rows: Any, contents: Contents) -> Any:
    import numpy as np

    found = np.zeros((len(rows), len(contents.tags)))
    for tags, shares in zip(contents.tags.T, contents.shares.T, strict=True):
        found += rows[:, tags] * shares
    return found


def _affinity(rows: Any, answers: Answers) -> Any:
    """Of each answer, a few at a time: decisions × contents would not fit into memory."""
    import numpy as np

    by_content = np.ascontiguousarray(rows.T)
    found = np.empty(len(answers.content))
    for start in range(0, len(found), 20_000):
        part = slice(start, start + 20_000)
        mine = answers.interests[answers.decision[part]]
        found[part] = (mine * by_content[answers.content[part]]).sum(1)
    return found
