"""Millions at once give exactly what the pure function gives, whatever the evidence is."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.identity import bulk
from app.identity.bulk import KINDS
from app.identity.partition import RULES, Edge, Judgements, Node, partition

pytestmark = pytest.mark.skipif(
    not bulk.available(), reason="numpy and scipy (requirements-linkage.lock) are not installed"
)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
DAYS_30 = 30 * 86_400_000_000  # microseconds
NODES = 12
node = st.integers(0, NODES - 1)
pair = st.tuples(node, node).filter(lambda p: p[0] < p[1])


@settings(max_examples=300, deadline=None)
@given(
    kinds=st.lists(st.integers(0, len(KINDS) - 1), min_size=NODES, max_size=NODES),
    spaces=st.lists(st.integers(0, 1), min_size=NODES, max_size=NODES),
    keys=st.lists(st.integers(0, 3), min_size=NODES, max_size=NODES),
    blocked=st.sets(node, max_size=2), named=st.sets(node, max_size=4),
    rows=st.lists(st.tuples(pair, st.sampled_from((20, 80)), st.integers(0, 5)), max_size=30),
    must=st.frozensets(pair, max_size=2),
    cannot=st.frozensets(pair, max_size=3),
)  # fmt: skip
def test_all_at_once_is_who_each_would_be(
    kinds: list[int],
    spaces: list[int],
    keys: list[int],
    blocked: set[int],
    named: set[int],
    rows: list[tuple[tuple[int, int], int, int]],
    must: frozenset[tuple[int, int]],
    cannot: frozenset[tuple[int, int]],
) -> None:
    import numpy as np

    # equal in their first bytes, so that the last ones decide
    blind = [bytes(24) + bytes([key]) + bytes(6) + bytes([n]) for n, key in enumerate(keys)]
    nodes = [
        Node(n, KINDS[kinds[n]], f"{spaces[n]:05d}", blind[n], n in blocked, 2 * (n in named))
        for n in range(NODES)
    ]
    rows = [r for r in rows if not all(RULES[nodes[one].kind].weak for one in r[0])]
    best: dict[tuple[int, int], tuple[int, int]] = {}
    for ends, trust, at in rows:
        known = best.get(ends, (trust, at))
        best[ends] = (max(trust, known[0]), min(at, known[1]))
    edges = [Edge(*p, trust, EPOCH + timedelta(days=30 * at)) for p, (trust, at) in best.items()]
    judgements = Judgements(must, cannot)
    wanted = partition(nodes, edges, judgements)
    found = bulk.identify(
        bulk.Graph(
            kind=np.array(kinds), namespace=np.array(spaces),
            key=np.frombuffer(b"".join(blind), dtype=np.uint8).reshape(NODES, 32),
            blocked=np.array([n in blocked for n in range(NODES)]),
            names=np.array([2 * (n in named) for n in range(NODES)]),
            a=np.array([r[0][0] for r in rows], dtype=np.int32),
            b=np.array([r[0][1] for r in rows], dtype=np.int32),
            trust=np.array([r[1] for r in rows], dtype=np.int16),
            at=np.array([r[2] * DAYS_30 for r in rows], dtype=np.int64), judgements=judgements,
        )
    )  # fmt: skip
    anchors = {member: one.anchor for one in wanted.clusters for member in one.members}
    assert found.anchor.tolist() == [anchors[n] for n in range(NODES)]
    assert set(np.flatnonzero(found.shared).tolist()) == wanted.shared
