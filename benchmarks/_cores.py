"""Who computes where and how long: processor seconds of process trees, and one core a side.

Linux only. Elsewhere nothing is pinned, and processor seconds are 0.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

PROC = Path("/proc")
PARENT, OWN, OF_ENDED = 1, slice(11, 13), slice(13, 15)  # what follows the name in `stat`


@contextmanager
def apart() -> Iterator[int | None]:
    """This process, and all that it starts inside the block, on the first core alone.

    Yields the core that is left for a load client; None when there is only one for both.
    """
    cores = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else set()
    if len(cores) < 2:
        yield None
        return
    os.sched_setaffinity(0, {min(cores)})
    try:
        yield max(cores)
    finally:
        os.sched_setaffinity(0, cores)


def children() -> frozenset[int]:
    """The processes that this one has started and that live."""
    return frozenset(pid for pid, stat in _all().items() if int(stat[PARENT]) == os.getpid())


def tree(roots: Iterable[int]) -> dict[int, list[str]]:
    """The living of `roots` and of what they started, each with its fields of `stat`."""
    found = _all()
    pids = {pid for pid in roots if pid in found}
    while grown := {pid for pid, stat in found.items() if int(stat[PARENT]) in pids} - pids:
        pids |= grown
    return {pid: found[pid] for pid in sorted(pids)}


def cpu_s(roots: Iterable[int]) -> float:
    """Processor seconds (user and system) of `roots`, what they started, and what ended there."""
    ticks = sum(int(n) for stat in tree(roots).values() for n in stat[OWN] + stat[OF_ENDED])
    return ticks / os.sysconf("SC_CLK_TCK") if ticks else 0.0


def _all() -> dict[int, list[str]]:
    found = {}
    for path in PROC.glob("[0-9]*/stat"):
        try:
            found[int(path.parent.name)] = path.read_text().rpartition(")")[2].split()
        except (OSError, ValueError):
            continue  # it has ended meanwhile
    return found
