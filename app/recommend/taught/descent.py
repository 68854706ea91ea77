"""The least value of a smooth convex function, by its gradients (L-BFGS). Needs numpy."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any

MEMORY, STEPS, ENOUGH = 8, 80, 1e-6
Judged = Callable[[Any], tuple[float, Any]]  # a vector → value, gradient


def least(judged: Judged, start: Any, steps: int = STEPS) -> Any:
    """Where `judged` is least; it stops when a step gains less than a millionth."""
    at, (value, slope) = start, judged(start)
    past: deque[tuple[Any, Any]] = deque(maxlen=MEMORY)
    for _ in range(steps):
        way = _direction(slope, past)
        there, new, new_slope = _walk(judged, at, value, slope, way)
        moved, turned = there - at, new_slope - slope
        if moved @ turned > 1e-12:
            past.append((moved, turned))
        gained = value - new
        at, value, slope = there, new, new_slope
        if gained <= ENOUGH * abs(value):
            break
    return at


def _direction(slope: Any, past: deque[tuple[Any, Any]]) -> Any:
    """The slope, bent by what the last steps told about curvature."""
    way = slope.copy()
    told = []
    for moved, turned in reversed(past):
        share = moved @ way / (turned @ moved)
        told.append(share)
        way -= share * turned
    if past:
        moved, turned = past[-1]
        way *= moved @ turned / (turned @ turned)
    else:
        way /= max(1.0, float((slope @ slope) ** 0.5))
    for (moved, turned), share in zip(past, reversed(told), strict=True):
        way += moved * (share - turned @ way / (turned @ moved))
    return way


def _walk(judged: Judged, at: Any, value: float, slope: Any, way: Any) -> tuple[Any, float, Any]:
    """The first of ever shorter steps that goes down enough; where it is when none does."""
    steep, length = float(slope @ way), 1.0
    while length > 1e-10:
        there = at - length * way
        new, new_slope = judged(there)
        if new <= value - 1e-4 * length * steep:
            return there, new, new_slope
        length /= 2
    return at, value, slope
