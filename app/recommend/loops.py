"""The loops of `kernel`: compiled by numba where it is, plain Python where it is not."""

from __future__ import annotations

from typing import Any

import numpy as np

try:
    from numba import prange
except ImportError:
    prange = range

BEST, STRIP, PIECE, REASONS = 5, 128, 512, 3


def many(
    strips: Any, start: Any, begin: Any, own: Any, weight: Any, group: Any, content: Any, score: Any
) -> None:
    """Compiled by numba. A piece of physicians at a time for each strip."""
    size = content.shape[0]
    for piece in prange((size + PIECE - 1) // PIECE):
        strip = np.empty(STRIP, dtype=np.float32)
        first, last = piece * PIECE, min(size, piece * PIECE + PIECE)
        for s in range(strips.shape[0]):
            for p in range(first, last):
                for j in range(STRIP):
                    strip[j] = start[group[p], s, j]
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
                most = strip[0]
                for j in range(STRIP):
                    if strip[j] > most:  # max() would not become one instruction
                        most = strip[j]
                if most <= score[p, BEST - 1]:
                    continue
                for j in range(STRIP):
                    value = strip[j]
                    if value > score[p, BEST - 1]:
                        place = BEST - 1
                        while place > 0 and score[p, place - 1] < value:
                            score[p, place] = score[p, place - 1]
                            content[p, place] = content[p, place - 1]
                            place -= 1
                        score[p, place] = value
                        content[p, place] = s * STRIP + j


def reasons(
    strips: Any, begin: Any, own: Any, weight: Any, content: Any, score: Any, why: Any, part: Any
) -> None:
    """The own tags that say most for each, and contents that none speaks for taken out."""
    for p in prange(content.shape[0]):
        kept = 0
        for k in range(BEST):
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
        for k in range(kept, BEST):
            content[p, k], score[p, k] = -1, -float("inf")
            for r in range(REASONS):
                why[p, k, r], part[p, k, r] = -1, 0.0
