"""Trying what may be better than what looks best, with chances that are known exactly. Pure.

    night = draws(response, ALPHA, seed)
    weighed = night.weigh(interests, scorer.best(interests, TOP))
    chosen = weighed.options[pick(weighed.chances, "plan:7:2026-11-26:ONE-ID")]

A night has S draws of the learned numbers, each as likely as it is after all answers (`spread`;
variances times `alpha`). The policy is a mixture: one of the draws, each alike, and the best of the
physician's top contents under it, with 1 − floor; any of them, each alike, with floor. So a
content's chance is (1 − floor) · draws in which it is best / S + floor / contents: nothing is
estimated, and whoever judges another policy by these answers has the true chances.

Numbers come from a hash of night, number and draw, so every process and shard draws the same
without drawing all. Crosses of one physician only ever count as sums by tag of a content; such a
sum is drawn at once, which is the same chance for some thirty times less work. How much what was
read counts is one number that all answers know well: it is not drawn.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from app.recommend.fit.response import Response
from app.recommend.fit.scoring import Scored
from app.recommend.policy.normals import Normals, Term

TOP = 10  # contents of a physician among which is chosen
NUMBER = 50  # draws of a night
ALPHA = 0.1  # of the variance: more of it tries too much (docs/recommend.md)
FLOOR = 0.02  # of a choice's chance, shared by all of its contents


@dataclass(frozen=True, slots=True)
class Weighed:
    """Contents that may be chosen, best first, and the exact chance of each."""

    options: tuple[Scored, ...]
    chances: tuple[float, ...]


class Draws:
    """One night's draws; what it has drawn it keeps, so use one for many physicians."""

    def __init__(self, response: Response, alpha: float, normals: Normals) -> None:
        self._response, self._normals = response, normals
        self._scale = math.sqrt(alpha)

    def weigh(
        self,
        interests: Mapping[int, float],
        fits: Sequence[Scored],
        *,
        floor: float = FLOOR,
        size: int = TOP,
    ) -> Weighed:
        """The best `size` fits, in whatever order they come, each with its chance.

        `interests` as the scorer got them.
        """
        options = sorted(fits, key=_rank)[:size]
        tops = self.tops(interests, options)
        return Weighed(tuple(options), tuple(chances(tops, len(options), floor)))

    def tops(self, interests: Mapping[int, float], options: Sequence[Scored]) -> list[int]:
        """For each draw the place of the option that is best under it; the first when equal."""
        if not options:
            return []
        if not self._scale or len(options) == 1:
            best = min(range(len(options)), key=lambda n: _rank(options[n]))
            return [best] * self._normals.number
        terms = self._terms(interests, options)
        return self._normals.tops([self._response.steep * fit.score for fit in options], terms)

    def deviations(
        self, interests: Mapping[int, float], options: Sequence[Scored]
    ) -> list[list[float]]:
        """For each draw how far each option's score lies from its mean."""
        sums = self._normals.sums(self._terms(interests, options))
        return [[one / self._response.steep for one in row] for row in zip(*sums, strict=True)]

    def _terms(self, interests: Mapping[int, float], options: Sequence[Scored]) -> list[list[Term]]:
        """Of each option, what a draw adds to its logit."""
        learned, spread, scale = self._response, self._response.spread, self._scale
        tags = dict.fromkeys((tag for fit in options for tag in fit.piece.tags), 0.0)
        unsure = spread.wanted(interests, tags)
        away = {tag: (math.sqrt(unsure[tag]) * scale, f"tag:{tag}") for tag in tags}
        wants = _wanted(learned, interests, tags)
        steep = math.sqrt(spread.steep) * scale
        found = []
        for fit in options:
            piece = fit.piece
            said = learned.content_appeal.get(piece.content_id, 0.0)
            own = math.sqrt(spread.contents.get(piece.content_id, spread.content)) * scale
            terms = [(own, f"content:{piece.content_id}")]
            for tag, share in piece.tags.items():
                said += wants[tag] * share
                terms.append((away[tag][0] * share, away[tag][1]))
            terms.append((steep * (fit.score - said / learned.steep), "steep"))
            found.append(terms)
        return found


def draws(
    response: Response,
    alpha: float = ALPHA,
    seed: int | str = 0,
    number: int = NUMBER,
    *,
    arrays: bool | None = None,
) -> Draws:
    """The draws of a night; the same for the same seed wherever they are made.

    `arrays` as in `Normals`. Raises ValueError for no draws or a variance below 0.
    """
    if number < 1 or alpha < 0:
        raise ValueError("a night has at least one draw, and no variance is below 0")
    return Draws(response, alpha, Normals(seed, number, arrays=arrays))


def chances(tops: Sequence[int], size: int, floor: float = FLOOR) -> list[float]:
    """The exact chance of each of `size` options. `tops`: which was best under each draw."""
    if not size:
        return []
    counts = [0] * size
    for place in tops:
        counts[place] += 1
    return [(1 - floor) * count / len(tops) + floor / size for count in counts]


def pick(chances: Sequence[float], key: str) -> int:
    """One place by its chance; the same for the same key. Raises ValueError when there is none."""
    at = int.from_bytes(hashlib.blake2b(key.encode(), digest_size=8).digest()) / 2**64
    last = None
    for place, chance in enumerate(chances):
        if chance > 0:
            last = place
            at -= chance
            if at < 0:
                break
    if last is None:
        raise ValueError("nothing can be chosen: no option has a chance")
    return last


def _wanted(
    learned: Response, interests: Mapping[int, float], tags: Mapping[int, float]
) -> dict[int, float]:
    """By content's tag: how much answers say this physician wants a whole share of it."""
    found = {tag: learned.tag_appeal.get(tag, 0.0) for tag in tags}
    for own, weight in interests.items():
        row = learned.crosses.get(own)
        if row:
            for tag in found.keys() & row.keys():
                found[tag] += weight * row[tag]
    return found


def _rank(fit: Scored) -> tuple[float, int]:
    return (-fit.score, fit.piece.content_id)
