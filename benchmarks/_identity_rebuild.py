"""Who is who from so many rows of evidence, beside scipy's bare connected components.

The limit is what scipy takes for the same rows as a graph and nothing else: no shared values, no
limits, no anchors. Both are timed from arrays in memory, each in a process of its own, whose peak
memory includes those arrays.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from typing import Any

from benchmarks._linkers import say
from benchmarks._servers import ROOT

PER_PERSON = 6  # licence, CRM number, unionid, contact, follower, phone
ROWS_PER_PERSON = 12.5
CLINICS, WRONG = 0.05, 0.002  # rows with a clinic's phone; persons tied to another's CRM number


def run(options: argparse.Namespace) -> dict[str, Any]:
    """Both, one after the other."""
    found = {}
    for how in ("bare", "ours"):
        say(f"{options.evidence:,} rows of evidence, {how}")
        done = subprocess.run(
            [sys.executable, "-m", "benchmarks._identity_rebuild", how, str(options.evidence)],
            cwd=ROOT, capture_output=True, text=True,
        )  # fmt: skip
        if done.returncode:
            say(f"rebuild is left out: {(done.stderr.strip().splitlines() or ['?'])[-1]}")
            return {}
        found[how] = json.loads(done.stdout)
    ratio = round(found["ours"]["seconds"] / found["bare"]["seconds"], 2)
    print(
        f"\n{options.evidence:,} rows of evidence{'':11}{'seconds':>9}{'peak MB':>9}{'persons':>12}"
    )
    for name, how in (("scipy's connected components", "bare"), ("Yishu", "ours")):
        one = found[how]
        print(f"{name:38}{one['seconds']:9.2f}{one['peak_mb']:9}{one['persons']:12,}")
    print(f"times as long: {ratio}; components judged one by one: {found['ours']['judged']:,}")
    return {"rows": options.evidence, "ratio": ratio, **found}


def _graph(rows: int) -> Any:
    import numpy as np

    from app.identity.bulk import KINDS, Graph
    from app.identity.models import Kind

    rng = np.random.default_rng(7)
    persons = int(rows / ROWS_PER_PERSON)
    kinds = [Kind.LICENCE_NO, Kind.CRM_ID, Kind.UNIONID, Kind.WECOM_EXTERNAL_USERID, Kind.OPENID,
             Kind.PHONE]  # fmt: skip
    clinics = persons // 20
    kind = np.concatenate([
        np.tile(np.array([KINDS.index(one) for one in kinds], dtype=np.int8), persons),
        np.full(clinics, KINDS.index(Kind.PHONE), dtype=np.int8),
    ])  # fmt: skip
    who = rng.integers(0, persons, rows, dtype=np.int32)
    one = rng.integers(0, PER_PERSON - 1, rows, dtype=np.int32)
    other = (one + 1 + rng.integers(0, PER_PERSON - 1, rows, dtype=np.int32)) % PER_PERSON
    a, b = who * PER_PERSON + one, who * PER_PERSON + other
    at_clinic = rng.random(rows) < CLINICS
    b[at_clinic] = persons * PER_PERSON + who[at_clinic] % clinics
    wrong = rng.random(rows) < WRONG / ROWS_PER_PERSON
    a[wrong] = who[wrong] * PER_PERSON + 3
    b[wrong] = rng.integers(0, persons, int(wrong.sum()), dtype=np.int32) * PER_PERSON + 1
    a, b = np.minimum(a, b), np.maximum(a, b)
    keys = rng.integers(0, 256, (len(kind), 32), dtype=np.uint8)
    return Graph(
        kind=kind, namespace=np.zeros(len(kind), dtype=np.int32), key=keys,
        blocked=np.zeros(len(kind), dtype=bool), a=a, b=b,
        names=np.zeros(len(kind), dtype=np.int8),
        trust=np.full(rows, 50, dtype=np.int16), at=rng.integers(0, 10**12, rows, dtype=np.int64),
    )  # fmt: skip


def _bare(graph: Any) -> tuple[int, int]:
    import numpy as np
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    number = len(graph.kind)
    links = coo_matrix((np.ones(len(graph.a), dtype=np.int8), (graph.a, graph.b)), (number, number))
    return int(connected_components(links, directed=False)[0]), 0


def _ours(graph: Any) -> tuple[int, int]:
    import numpy as np

    from app.identity.bulk import identify

    found = identify(graph)
    return int((found.anchor == np.arange(len(found.anchor))).sum()), found.judged


def main(how: str, rows: int) -> None:
    """One of both, in this process."""
    import resource

    import scipy.sparse.csgraph  # noqa: F401  imported before the clock starts

    graph = _graph(rows)
    begun = time.perf_counter()
    persons, judged = (_bare if how == "bare" else _ours)(graph)
    took = time.perf_counter() - begun
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    result = {"seconds": round(took, 3), "peak_mb": peak, "persons": persons, "judged": judged}
    print(json.dumps(result))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
