"""Scoring 5 million pairs × 2,000 contents, exact top five with eligibility and parts.

    ./dev bench recommend [--pairs N] [--peers N] [--json]

Ours is the product's kernel, in full. What one would write without it is measured on `--peers`
pairs in the same run and extrapolated, which favours neither: all grow in step with the pairs.
Making the invented physicians is not counted; they come in chunks, as from a database.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import numpy as np

from app.recommend.fit.kernel import BEST, Kernel, Physicians, best_many, has_numba, kernel, warm
from app.recommend.fit.scoring import Piece, Scorer
from app.recommend.fit.table import Table, table

TAGS, CONTENTS, GROUPS, OWN, OF_CONTENT = 400, 2000, 20, 16, 6
CHUNK, SIDEBAR, ASKED = 250_000, 1000, 200
NOW = datetime(2026, 11, 24, tzinfo=UTC)


def main() -> None:
    asked = _arguments()
    dice = np.random.default_rng(1)
    made, rows = _library(dice)
    eligible = dice.random((GROUPS, CONTENTS)) < 0.7
    ready = kernel(made, eligible)
    warm()
    if asked.check:
        _check(ready, _people(dice, 3000))
    gflops = _peak()
    ours = _ours(ready, dice, asked.pairs)
    peers = {name: _timed(work, asked.peers, asked.pairs) for name, work in
             _peers(rows, made.rest, eligible, _people(dice, asked.peers)).items()}  # fmt: skip
    beside = _sidebar(ready, dice)
    work = 2.0 * OWN * CONTENTS * asked.pairs / 1e9
    data = {
        "pairs": asked.pairs, "contents": CONTENTS, "numba": has_numba(), **ours,
        "sgemm_gflops": round(gflops, 1), "gflops": round(work / ours["wall_s"], 1),
        "share_of_sgemm_peak": round(work / ours["wall_s"] / gflops, 3), "peers": peers,
        "sidebar_ms": beside, "load": os.getloadavg()[0],
        "ratio": round(min(one["wall_s"] for one in peers.values()) / ours["wall_s"], 1),
    }  # fmt: skip
    print(json.dumps(data) if asked.json else _as_text(data))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="./dev bench recommend")
    parser.add_argument("--pairs", type=int, default=5_000_000)
    parser.add_argument("--peers", type=int, default=20_000)
    parser.add_argument("--no-check", dest="check", action="store_false")
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


def _library(dice: Any) -> tuple[Table, Any]:
    """The product's own table of an invented library; and the same as float32."""
    usual = 1 / np.arange(1, TAGS + 1)
    usual /= usual.sum()
    pieces = [
        Piece(n, n, {int(t) + 1: 1.0 for t in dice.choice(
            TAGS, 1 + dice.poisson(OF_CONTENT - 1), False, usual)}, NOW)
        for n in range(CONTENTS)
    ]  # fmt: skip
    parents = {tag: (tag + 9) // 10 for tag in range(11, TAGS + 1)}
    made = table(Scorer(pieces, NOW, parents), range(1, TAGS + 1))
    return made, made.rows.astype(np.float32)


def _people(dice: Any, number: int) -> Physicians:
    count = np.maximum(1, dice.poisson(OWN, number))
    begin = np.concatenate([[0], np.cumsum(count)])
    usual = np.cumsum(1 / np.arange(1, TAGS + 1))
    own = np.searchsorted(usual, dice.random(begin[-1]) * usual[-1]).astype(np.uint16)
    weight = dice.uniform(0.05, 1, begin[-1]).astype(np.float32)
    return Physicians(begin, np.minimum(own, TAGS - 1).astype(np.uint16), weight,
                      dice.integers(0, GROUPS, number).astype(np.int32))  # fmt: skip


def _check(ready: Kernel, people: Physicians) -> None:
    fast, slow = best_many(ready, people), best_many(ready, people, fast=False)
    for name in ("content", "score", "own", "part"):
        assert np.array_equal(getattr(fast, name), getattr(slow, name)), name


def _ours(ready: Kernel, dice: Any, pairs: int) -> dict[str, float]:
    wall = cpu = 0.0
    kept = 0
    for size in _chunks(pairs):
        people = _people(dice, size)
        begun, spent = time.perf_counter(), time.process_time()
        found = best_many(ready, people)
        wall += time.perf_counter() - begun
        cpu += time.process_time() - spent
        kept += int((found.content >= 0).sum())
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    return {"wall_s": round(wall, 2), "cpu_s": round(cpu, 2), "peak_mb": peak,
            "suggestions": kept, "us_per_pair_cpu": round(cpu / pairs * 1e6, 2)}  # fmt: skip


def _chunks(pairs: int) -> Iterator[int]:
    while pairs > 0:
        yield min(CHUNK, pairs)
        pairs -= CHUNK


def _timed(work: Callable[[], None], measured: int, pairs: int) -> dict[str, float]:
    begun, spent = time.perf_counter(), time.process_time()
    work()
    factor = pairs / measured
    wall, cpu = time.perf_counter() - begun, time.process_time() - spent
    return {
        "wall_s": round(wall * factor, 1),
        "cpu_s": round(cpu * factor, 1),
        "measured": measured,
    }


def _peers(
    rows: Any, rest: Any, eligible: Any, people: Physicians, size: int = 2000
) -> dict[str, Callable[[], None]]:
    """scipy sparse × sparse and × dense, numpy's GEMM; each with mask and argpartition."""

    def by(score: Callable[[Any], Any], mine: Any) -> Callable[[], None]:
        def run() -> None:
            for first in range(0, mine.shape[0], size):
                group = people.group[first : first + size]
                found = score(mine[first : first + size]) + rest
                found[~eligible[group]] = -np.inf
                best = np.argpartition(-found, BEST, axis=1)[:, :BEST]
                np.take_along_axis(found, best, axis=1).argsort(axis=1)

        return run  # fmt: skip

    dense = np.zeros((len(people.group), TAGS), dtype=np.float32)
    owner = np.repeat(np.arange(len(people.group)), np.diff(people.begin))
    np.add.at(dense, (owner, people.own), people.weight)
    found = {"numpy GEMM + argpartition": by(lambda some: some @ rows, dense)}
    try:
        from scipy.sparse import csr_matrix
    except ImportError:
        return found
    mine, table = csr_matrix(dense), csr_matrix(rows)
    found["scipy csr@dense + argpartition"] = by(lambda some: some @ rows, mine)
    found["scipy csr@csr + argpartition"] = by(lambda some: (some @ table).toarray(), mine)
    return found


def _sidebar(ready: Kernel, dice: Any) -> dict[str, float]:
    """One rep's thousand physicians, again and again."""
    people = [_people(dice, SIDEBAR) for _ in range(ASKED)]
    took = []
    for one in people:
        begun = time.perf_counter()
        best_many(ready, one)
        took.append((time.perf_counter() - begun) * 1000)
    return {f"p{q}": round(float(np.percentile(took, q)), 2) for q in (50, 95, 99)}


def _peak() -> float:
    """Billions of operations a second of numpy's float32 matrix product on this machine."""
    one = np.ones((3000, 3000), dtype=np.float32)
    best = 1e9
    for _ in range(3):
        begun = time.perf_counter()
        one @ one
        best = min(best, time.perf_counter() - begun)
    return 2 * 3000**3 / best / 1e9


def _as_text(data: dict[str, Any]) -> str:
    beside = data["sidebar_ms"]
    lines = [
        f"{data['pairs']:,} pairs × {data['contents']:,} contents, numba: {data['numba']}, "
        f"load {data['load']:.1f}",
        f"{'':34}{'wall s':>9}{'CPU s':>9}",
        f"{'ours':34}{data['wall_s']:9.1f}{data['cpu_s']:9.1f}   peak {data['peak_mb']:,} MB",
        *(f"{name:34}{one['wall_s']:9.1f}{one['cpu_s']:9.1f}   from {one['measured']:,} pairs"
          for name, one in data["peers"].items()),
        f"{data['gflops']} GFLOP/s, {data['share_of_sgemm_peak']:.1%} of SGEMM's "
        f"{data['sgemm_gflops']} in the same run",
        f"one rep's {SIDEBAR:,} physicians: p50 {beside['p50']} ms, p95 {beside['p95']}, "
        f"p99 {beside['p99']}",
    ]  # fmt: skip
    return "\n".join(lines)


if __name__ == "__main__":
    main()
