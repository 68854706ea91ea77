"""The best contents of millions of physicians, and of one rep's, exactly. Needs numpy; numba: fast.

    found = best_many(kernel, physicians)

A physician's scores are a few rows of a table added up, so the work is adding rows and keeping
the best five. It is done in strips of 128 contents whose rows stay in the processor's cache, for
many physicians one after the other; a strip whose best is below the fifth best is skipped whole.
Without numba the same sums are made by numpy, in the same order: the results are equal to the bit.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from typing import Any

from app.recommend.table import Table

BEST, STRIP, REASONS = 5, 128, 3  # as in loops.py
CHUNK = 4096  # physicians of one step without numba


@dataclass(frozen=True, slots=True)
class Kernel:
    """`strips`: strips × own tags × 128; `start`: groups × strips × 128, −inf: not eligible."""

    strips: Any
    start: Any
    contents: int


@dataclass(frozen=True, slots=True)
class Physicians:
    """Interests of many: `own` and `weight` from `begin[n]` to `begin[n + 1]` are of the nth.

    `group`: whose contents it may get (a row of `eligible`).
    """

    begin: Any
    own: Any
    weight: Any
    group: Any


@dataclass(frozen=True, slots=True)
class Best:
    """Physicians × 5: places of contents (−1: no more), scores; × 3: own rows and their parts."""

    content: Any
    score: Any
    own: Any
    part: Any


def kernel(table: Table, eligible: Any) -> Kernel:
    """A table cut into strips. `eligible`: groups × contents, True where one may be suggested."""
    import numpy as np

    own, contents = table.rows.shape
    number = max(1, -(-contents // STRIP))
    rows = np.zeros((own, number * STRIP), dtype=np.float32)
    rows[:, :contents] = table.rows
    start = np.full((len(eligible), number * STRIP), -np.inf, dtype=np.float32)
    start[:, :contents] = np.where(eligible, table.rest, -np.inf)
    strips = rows.reshape(own, number, STRIP).transpose(1, 0, 2)
    return Kernel(
        np.ascontiguousarray(strips), start.reshape(len(eligible), number, STRIP), contents
    )


def best_many(made: Kernel, people: Physicians, *, fast: bool | None = None) -> Best:
    """The best five of each; a content that no own tag speaks for is none. `fast`: with numba."""
    import numpy as np

    size = len(people.begin) - 1
    found = Best(
        np.full((size, BEST), -1, dtype=np.int32), np.full((size, BEST), -np.inf, np.float32),
        np.full((size, BEST, REASONS), -1, dtype=np.int16),
        np.zeros((size, BEST, REASONS), dtype=np.float32),
    )  # fmt: skip
    if has_numba() if fast is None else fast:
        many, why = _compiled()
        many(made.strips, made.start, people.begin, people.own, people.weight, people.group,
             found.content, found.score)  # fmt: skip
    else:
        _by_numpy(made, people, found)
        from app.recommend import loops

        why = loops.reasons
    why(made.strips, people.begin, people.own, people.weight, found.content, found.score,
        found.own, found.part)  # fmt: skip
    return found


def has_numba() -> bool:
    """True when numba is installed (the extra `recommend`)."""
    return find_spec("numba") is not None


def warm(made: Kernel) -> None:
    """Compile now: it takes seconds, once for a machine; processes do it when they start."""
    import numpy as np

    nobody, nothing = np.zeros(1, dtype=np.int64), np.zeros(0, dtype=np.float32)
    people = Physicians(nobody, nothing.astype(np.uint16), nothing, nothing.astype(np.int32))
    best_many(made, people)


def _by_numpy(made: Kernel, people: Physicians, found: Best) -> None:
    import numpy as np

    number, own, _ = made.strips.shape
    rows = made.strips.transpose(1, 0, 2).reshape(own, number * STRIP)
    start = made.start.reshape(len(made.start), -1)
    for first in range(0, len(found.content), CHUNK):
        last = min(first + CHUNK, len(found.content))
        score = start[people.group[first:last]]
        most = int(np.diff(people.begin[first : last + 1]).max(initial=0))
        for n in range(most):
            at = people.begin[first:last] + n
            who = np.flatnonzero(at < people.begin[first + 1 : last + 1])
            at = at[who]
            score[who] += people.weight[at][:, None] * rows[people.own[at]]
        order = np.argsort(-score, axis=1, kind="stable")[:, :BEST]
        best = np.take_along_axis(score, order, axis=1)
        found.content[first:last] = np.where(best > -np.inf, order, -1)
        found.score[first:last] = best


@cache
def _compiled() -> tuple[Any, Any]:
    import numba

    from app.recommend import loops

    how = {"nogil": True, "parallel": True, "cache": True, "fastmath": {"nnan", "nsz"}}
    return numba.njit(**how)(loops.many), numba.njit(**how)(loops.reasons)
