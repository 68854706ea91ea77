"""The loops of `kernel`: compiled by numba where it is, plain Python where it is not."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from typing import Any

import numpy as np

prange: Any = import_module("numba").prange if find_spec("numba") else range

STRIP, PIECE, REASONS = 128, 512, 3
LANES = 32  # every 32nd of a strip is one lane: their bests are found side by side
SLACK = 1e-4  # a float32 sum is nearer to the truth than this part of it


def many(
    strips: Any, start: Any, begin: Any, own: Any, weight: Any, group: Any, content: Any, score: Any
) -> None:
    """Compiled by numba. A piece of physicians at a time for each strip; of those lanes of a strip
    that have one for the best, all are looked at. Equal ones are in the order of their places."""
    size, best = content.shape
    for piece in prange((size + PIECE - 1) // PIECE):
        strip, most = np.empty(STRIP, dtype=np.float32), np.empty(LANES, dtype=np.float32)
        first, last = piece * PIECE, min(size, piece * PIECE + PIECE)
        for s in range(strips.shape[0]):
            for p in range(first, last):
                rest = start[group[p], s]
                for j in range(STRIP):
                    strip[j] = rest[j]
                n, end = begin[p], begin[p + 1]
                while n + 3 < end:  # four rows for one walk over the strip
                    a, b, c, d = weight[n], weight[n + 1], weight[n + 2], weight[n + 3]
                    t, u = strips[s, own[n]], strips[s, own[n + 1]]
                    v, w = strips[s, own[n + 2]], strips[s, own[n + 3]]
                    for j in range(STRIP):
                        strip[j] = (((strip[j] + a * t[j]) + b * u[j]) + c * v[j]) + d * w[j]
                    n += 4
                while n < end:
                    a, t = weight[n], strips[s, own[n]]
                    for j in range(STRIP):
                        strip[j] += a * t[j]
                    n += 1
                for j in range(LANES):
                    most[j] = strip[j]
                for row in range(LANES, STRIP, LANES):
                    for j in range(LANES):  # with max(), or a branch, it would be one by one
                        most[j] = strip[row + j] if strip[row + j] > most[j] else most[j]
                low = score[p, best - 1]
                highest = most[0]
                for j in range(LANES):
                    highest = most[j] if most[j] > highest else highest
                if highest < low or highest == -np.inf:
                    continue
                for lane in range(LANES):
                    if most[lane] < low:
                        continue
                    for j in range(lane, STRIP, LANES):
                        value, c = strip[j], s * STRIP + j
                        if value < low or (value == low and c > content[p, best - 1]):
                            continue
                        place = best - 1
                        while place > 0 and (
                            score[p, place - 1] < value
                            or (score[p, place - 1] == value and content[p, place - 1] > c)
                        ):
                            score[p, place] = score[p, place - 1]
                            content[p, place] = content[p, place - 1]
                            place -= 1
                        score[p, place], content[p, place] = value, c
                        low = score[p, best - 1]


def reasons(
    strips: Any, begin: Any, own: Any, weight: Any, content: Any, score: Any, why: Any, part: Any
) -> None:
    """The own tags that say most for each, and contents that none speaks for taken out."""
    best = content.shape[1]
    for p in prange(content.shape[0]):
        kept = 0
        for k in range(best):
            c = content[p, k]
            if c < 0:
                break
            for r in range(REASONS):
                why[p, kept, r], part[p, kept, r] = -1, 0.0
            for n in range(begin[p], begin[p + 1]):
                value = weight[n] * strips[c // STRIP, own[n], c % STRIP]
                if value > part[p, kept, REASONS - 1]:
                    place = REASONS - 1
                    while place > 0 and part[p, kept, place - 1] < value:
                        part[p, kept, place] = part[p, kept, place - 1]
                        why[p, kept, place] = why[p, kept, place - 1]
                        place -= 1
                    part[p, kept, place], why[p, kept, place] = value, own[n]
            if why[p, kept, 0] >= 0:
                content[p, kept], score[p, kept] = c, score[p, k]
                kept += 1
        for k in range(kept, best):
            content[p, k], score[p, k] = -1, -float("inf")
            for r in range(REASONS):
                why[p, k, r], part[p, k, r] = -1, 0.0


def exact(
    rows: Any, rest: Any, tag: Any, begin: Any, own: Any, weight: Any, near: Any, near_score: Any,
    content: Any, affinity: Any, why: Any, part: Any, sure: Any,
) -> None:  # fmt: skip
    """Of contents `near` the best, which float32 has found, the best in float64, as the pure scorer
    adds up: own tag by own tag, what was read joined with the tag itself. `sure`: 0 where another
    content might be better than what is kept."""
    tries, best, most_why = near.shape[1], content.shape[1], why.shape[2]
    for p in prange(content.shape[0]):
        first, last = begin[p], begin[p + 1]
        score = np.full(best, -np.inf)
        said, told = np.empty(most_why), np.empty(most_why, dtype=np.int64)
        kept, is_sure = 0, False
        for k in range(tries):
            c, beyond = near[p, k], near_score[p, k]
            is_sure = kept == best and score[best - 1] > beyond + SLACK * (1.0 + abs(beyond))
            if c < 0 or is_sure:
                break
            said[:], told[:] = 0.0, -1
            total, most, n = 0.0, 0.0, first
            while n < last:
                t, value = tag[own[n]], 0.0
                while n < last and tag[own[n]] == t:
                    value += weight[n] * rows[c, own[n]]
                    n += 1
                total += value
                most = max(most, value)
                if value > said[most_why - 1]:
                    at = most_why - 1
                    while at > 0 and said[at - 1] < value:
                        said[at], told[at] = said[at - 1], told[at - 1]
                        at -= 1
                    said[at], told[at] = value, t
            if most <= 0.0:
                continue
            value = total + rest[c]
            at = min(kept, best)
            while at > 0 and (
                score[at - 1] < value or (score[at - 1] == value and content[p, at - 1] > c)
            ):
                at -= 1
            if at == best:
                continue
            for m in range(min(kept, best - 1), at, -1):
                score[m], content[p, m] = score[m - 1], content[p, m - 1]
                affinity[p, m] = affinity[p, m - 1]
                why[p, m], part[p, m] = why[p, m - 1], part[p, m - 1]
            score[at], content[p, at], affinity[p, at] = value, c, total
            why[p, at], part[p, at] = told, said
            kept = min(best, kept + 1)
        sure[p] = first == last or near[p, tries - 1] < 0 or is_sure
