"""How strongly each tag holds for one person, and when that will next be otherwise. Pure.

Nothing has to happen for a tag to fade. All assertions about a tag share its half-life, so after
some time each counts for the same part `x` of what it counts now, and the weight is

    w(x) = (1 - prod(1 - p·x)) · prod(1 - n·x)        p speak for it, n against it

which rises at most once and then falls. So the moment at which it crosses a step is found, not
waited for. Which of several tags that exclude each other is strongest is looked at daily.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from app.tagging.models import Source
from app.tagging.rules import DAY_S, Asserted, strength, weight
from app.tagging.shape import Shape

LOOK_AGAIN = timedelta(days=1)  # at tags that exclude each other
HALVINGS = 40
SECOND = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Line:
    """One assertion that holds; `id` tells which of equal ones is newer."""

    id: int
    asserted: Asserted


@dataclass(frozen=True, slots=True)
class Held:
    """Tag → its strength, broader tags of those that hold included; `changes_at`: not before it
    does any of them cross a step, to the second."""

    strengths: Mapping[int, float]
    changes_at: datetime | None


Lines = Mapping[int, Sequence[Line]]


def held(lines: Lines, shape: Shape, now: datetime, steps: Sequence[float]) -> Held:
    """What holds now, of active assertions by tag. `steps`: growing, above 0."""
    known = {tag: of for tag, of in lines.items() if tag in shape.half_lives}
    chosen = _winners(known, shape, now)
    strengths: dict[int, float] = {}
    moments: list[datetime] = []
    for tag, value in chosen.items():
        broader = shape.broader(tag)
        for other, factor in broader.items():
            strengths[other] = max(strengths.get(other, 0.0), value * factor)
        wanted = sorted({step / factor for step in steps for factor in broader.values()})
        moments += _crossings(known[tag], shape.half_lives[tag], now, wanted)
    moments += _flips(known, shape, now, set(chosen))
    return Held(strengths, min(moments, default=None))


def _winners(lines: Lines, shape: Shape, now: datetime) -> dict[int, float]:
    """Tags with their weight; of those that exclude each other the strongest, then the newest."""
    values: dict[int, float] = {}
    best: dict[str, tuple[float, datetime, int]] = {}
    for tag, of in lines.items():
        half_life = shape.half_lives[tag]
        values[tag] = weight((line.asserted for line in of), half_life, now)
        if tag in shape.exclusive:
            top = max(of, key=lambda one: (strength(one.asserted, half_life, now), one.id))
            mine, category = (values[tag], top.asserted.at, tag), shape.exclusive[tag]
            best[category] = max(best.get(category, mine), mine)
    return {
        tag: value
        for tag, value in values.items()
        if tag not in shape.exclusive or best[shape.exclusive[tag]][2] == tag
    }


def _flips(lines: Lines, shape: Shape, now: datetime, chosen: set[int]) -> list[datetime]:
    """When another of several that exclude each other becomes the strongest."""
    rivals = {tag: lines[tag] for tag in lines if tag in shape.exclusive}
    if len(rivals) <= len(chosen & rivals.keys()) or not _fade(rivals, shape):
        return []

    def same(moment: datetime) -> bool:
        return _winners(rivals, shape, moment).keys() <= chosen

    early, late = now, now + LOOK_AGAIN
    if same(late):
        return [late]
    while late - early > SECOND:
        middle = early + (late - early) / 2
        early, late = (middle, late) if same(middle) else (early, middle)
    return [late]


def _fade(lines: Lines, shape: Shape) -> bool:
    return any(shape.half_lives[tag] is not None for tag in lines)


def _crossings(
    lines: Sequence[Line], half_life: int | None, now: datetime, steps: Sequence[float]
) -> list[datetime]:
    """The next moment at which the weight of a tag crosses a step, if it ever does."""
    if half_life is None or any(line.asserted.source == Source.PHYSICIAN for line in lines):
        return []  # what a physician has deleted stays so
    begins = [line.asserted.at for line in lines if line.asserted.at > now]  # fades from then on
    part = _next_part(*_sides(lines, half_life, now), steps)
    if part is not None:
        later = timedelta(seconds=-math.log2(part) * half_life * DAY_S)
        begins.append((now + later).replace(microsecond=0) + SECOND)
    return begins


def _sides(lines: Sequence[Line], half_life: int, now: datetime) -> tuple[list[float], list[float]]:
    """What speaks for it and against it: the strongest of each source."""
    best: dict[tuple[str, bool], float] = {}
    for line in lines:
        value = strength(line.asserted, half_life, now)
        if value:
            side = (line.asserted.source, value > 0)
            best[side] = max(best.get(side, 0.0), abs(value))
    return [v for (_, good), v in best.items() if good], [v for (_, g), v in best.items() if not g]


def _next_part(good: Sequence[float], bad: Sequence[float], steps: Sequence[float]) -> float | None:
    """The largest x below 1 at which w(x) crosses a step."""
    if not good:
        return None

    def w(x: float) -> float:
        return (1.0 - math.prod(1.0 - p * x for p in good)) * math.prod(1.0 - n * x for n in bad)

    here = w(1.0)
    top = _top(w) if bad else 1.0
    above = next((step for step in steps if step > here), None)
    if top < 1.0 and above is not None and w(top) >= above:
        return _solved(lambda x: w(x) < above, top, 1.0)
    below = next((step for step in reversed(steps) if step <= here), None)
    if below is None:
        return None
    if len(good) == 1 and not bad:
        return min(below / good[0], 1.0)
    return _solved(lambda x: w(x) >= below, 0.0, top)


def _top(w: Callable[[float], float]) -> float:
    """Where it is highest."""
    low, high = 0.0, 1.0
    for _ in range(HALVINGS):
        a, b = low + (high - low) / 3, high - (high - low) / 3
        low, high = (a, high) if w(a) < w(b) else (low, b)
    return 1.0 if high > 1.0 - 1e-6 else high


def _solved(still: Callable[[float], bool], low: float, high: float) -> float:
    """The largest x at which `still` is not true any more; it is at `high`, not at `low`."""
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        low, high = (low, middle) if still(middle) else (middle, high)
    return max(low, 1e-300)
