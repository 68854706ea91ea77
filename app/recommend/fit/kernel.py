"""The best contents of millions of physicians, and of one rep's, exactly. Needs numpy; numba: fast.

    found = best_many(kernel, physicians)

A physician's scores are a few rows of a table added up, so the work is adding rows and keeping
the best five. It is done in strips of 128 contents whose rows stay in the processor's cache, for
many physicians one after the other; a strip whose best is below the fifth best is skipped whole.
Without numba the same sums are made by numpy, in the same order: the results are equal to the bit.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from types import FunctionType
from typing import Any

from app.recommend.fit.fit_rows import KEPT
from app.recommend.fit.table import Table

BEST, SPARE = 5, 3  # and one more looked at for each three that are kept
STRIP, PIECE, REASONS = 128, 512, 3  # as in loops.py; a piece is one core's work
CHUNK = 4096  # physicians of one step without numba


_running = threading.Lock()  # two at once would end the process, says numba
_warm = threading.Event()


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


@dataclass(frozen=True, slots=True)
class Whole:
    """float64: contents × own rows; what each content has; the own tag of each row, read ones as
    the tag itself."""

    rows: Any
    rest: Any
    tag: Any


@dataclass(frozen=True, slots=True)
class Fits:
    """Physicians × those kept: places of contents (−1: no more), affinity; × 3: own tags (−1: none)
    and their parts; `sure`: 0 where the pure scorer must be asked."""

    content: Any
    affinity: Any
    tag: Any
    part: Any
    sure: Any


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


def best_many(
    made: Kernel, people: Physicians, *, fast: bool | None = None, best: int = BEST
) -> Best:
    """The best five (`best`) of each; a content that no own tag speaks for is none. `fast`: with
    numba."""
    import numpy as np

    size = len(people.begin) - 1
    with _running:
        near = _nearest(made, people, fast, best)
    found = Best(
        *near, np.full((size, best, REASONS), -1, dtype=np.int16),
        np.zeros((size, best, REASONS), dtype=np.float32),
    )  # fmt: skip
    why = _compiled(size > PIECE)[1] if _is_fast(fast) else loops().reasons
    with _running:
        why(made.strips, people.begin, people.own, people.weight, found.content, found.score,
            found.own, found.part)  # fmt: skip
    return found


def fits_many(
    made: Kernel, whole: Whole, people: Physicians, *, fast: bool | None = None, kept: int = KEPT
) -> Fits:
    """The best `kept` of each as `fit_rows` keeps them, equal to what the pure scorer gives.

    float32 finds a third more than these, float64 puts them in order.
    """
    import numpy as np

    size = len(people.begin) - 1
    found = Fits(
        np.full((size, kept), -1, dtype=np.int32), np.zeros((size, kept)),
        np.full((size, kept, REASONS), -1, dtype=np.int32),
        np.zeros((size, kept, REASONS), dtype=np.float32), np.zeros(size, dtype=np.uint8),
    )  # fmt: skip
    exact = _compiled(size > PIECE)[2] if _is_fast(fast) else loops().exact
    with _running:
        near, score = _nearest(made, people, fast, kept + kept // SPARE)
        exact(whole.rows, whole.rest, whole.tag, people.begin, people.own, people.weight, near,
              score, found.content, found.affinity, found.tag, found.part, found.sure)  # fmt: skip
    return found


def whole_of(made: Table) -> Whole:
    """The table itself, as `fits_many` takes it."""
    import numpy as np

    tags = np.array([abs(tag) for tag in made.own], dtype=np.int64)
    return Whole(np.ascontiguousarray(made.rows.T), made.rest, tags)


def has_numba() -> bool:
    """True when numba is installed (the extra `recommend`)."""
    return find_spec("numba") is not None


def is_warm() -> bool:
    """True once this process has compiled the loops, or read them from the machine's cache."""
    return _warm.is_set()


def loops() -> Any:
    """Its module, which needs numpy."""
    from app.recommend.fit import loops as found

    return found


def _is_fast(fast: bool | None) -> bool:
    return has_numba() if fast is None else fast


def _nearest(made: Kernel, people: Physicians, fast: bool | None, best: int) -> tuple[Any, Any]:
    """Places and scores of the best by float32, those that no own tag speaks for among them."""
    import numpy as np

    size = len(people.begin) - 1
    content = np.full((size, best), -1, dtype=np.int32)
    score = np.full((size, best), -np.inf, np.float32)
    if _is_fast(fast):
        weight = people.weight.astype(np.float32)
        many, *_ = _compiled(size > PIECE)
        many(made.strips, made.start, people.begin, people.own, weight, people.group,
             content, score)  # fmt: skip
    else:
        _by_numpy(made, people, content, score)
    return content, score


def warm() -> None:
    """Compile now, on one core and on all: most of a minute, once for a machine, later a second.
    Processes that plan do it when they start, beside their work. Needs numba."""
    import numpy as np

    nothing = Table({1: 0}, np.zeros((1, 1)), np.zeros(1))
    made, whole = kernel(nothing, np.ones((1, 1), dtype=bool)), whole_of(nothing)
    for size in (1, PIECE + 1):
        people = Physicians(
            np.zeros(size + 1, dtype=np.int64), np.zeros(0, dtype=np.uint16), np.zeros(0),
            np.zeros(size, dtype=np.int32),
        )  # fmt: skip
        fits_many(made, whole, people)
        best_many(made, people)
    _warm.set()


def _by_numpy(made: Kernel, people: Physicians, content: Any, found: Any) -> None:
    import numpy as np

    number, own, _ = made.strips.shape
    rows = made.strips.transpose(1, 0, 2).reshape(own, number * STRIP)
    start = made.start.reshape(len(made.start), -1)
    weight = people.weight.astype(np.float32)
    for first in range(0, len(content), CHUNK):
        last = min(first + CHUNK, len(content))
        score = start[people.group[first:last]]
        most = int(np.diff(people.begin[first : last + 1]).max(initial=0))
        for n in range(most):
            at = people.begin[first:last] + n
            who = np.flatnonzero(at < people.begin[first + 1 : last + 1])
            at = at[who]
            score[who] += weight[at][:, None] * rows[people.own[at]]
        order = np.argsort(-score, axis=1, kind="stable")[:, : content.shape[1]]
        best = np.take_along_axis(score, order, axis=1)
        content[first:last, : best.shape[1]] = np.where(best > -np.inf, order, -1)
        found[first:last, : best.shape[1]] = best


@cache
def _compiled(parallel: bool) -> tuple[Any, Any, Any]:
    """`many`, `reasons`, `exact`. On all cores, or on this one: for few physicians waking the
    others takes longer than the work."""
    numba: Any = import_module("numba")

    how: dict[str, Any] = {"nogil": True, "parallel": parallel, "cache": True}
    quick = {**how, "fastmath": {"nnan", "nsz"}}
    ours = loops()
    many, reasons, exact = (
        one if parallel else _renamed(one) for one in (ours.many, ours.reasons, ours.exact)
    )
    return numba.njit(**quick)(many), numba.njit(**quick)(reasons), numba.njit(**how)(exact)


def _renamed(function: Any) -> Any:
    """The same under another name: numba's cache knows what it compiled by name alone."""
    copy = FunctionType(function.__code__, function.__globals__, f"{function.__name__}_alone")
    copy.__qualname__ = copy.__name__
    return copy
