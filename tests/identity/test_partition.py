"""The partition is a function of evidence, not of its order; limits hold in every cluster."""

from __future__ import annotations

import random
from collections import Counter
from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from app.identity.models import Kind
from app.identity.partition import RULES, Edge, Judgements, Node, Partition, partition

START = datetime(2026, 1, 1, tzinfo=UTC)
KINDS = [
    (Kind.LICENCE_NO, ""), (Kind.CRM_ID, ""), (Kind.UNIONID, "open"),
    (Kind.WECOM_EXTERNAL_USERID, "ww1"), (Kind.OPENID, "wx1"), (Kind.PHONE, ""), (Kind.DEVICE, ""),
]  # fmt: skip


@st.composite
def graphs(draw: st.DrawFn) -> tuple[list[Node], list[Edge], Judgements]:
    count = draw(st.integers(2, 14))
    nodes = [
        Node(
            i, *draw(st.sampled_from(KINDS)), key=bytes([i]),
            blocked=draw(st.integers(0, 9)) == 0, names=draw(st.integers(0, 2)),
        )
        for i in range(count)
    ]  # fmt: skip
    pair = st.tuples(st.integers(0, count - 1), st.integers(0, count - 1)).filter(
        lambda p: p[0] < p[1]
    )
    pairs = draw(st.sets(pair, max_size=25))
    edges = [
        Edge(
            a,
            b,
            draw(st.sampled_from([20, 50, 90])),
            START + timedelta(days=draw(st.integers(0, 3)) * 60),
        )
        for a, b in sorted(pairs)
    ]
    must = draw(st.sets(pair, max_size=2))
    cannot = draw(st.sets(pair, max_size=3)) - must
    return nodes, edges, Judgements(frozenset(must), frozenset(cannot))


def groups(result: Partition) -> set[tuple[int, frozenset[int]]]:
    return {(cluster.anchor, cluster.members) for cluster in result.clusters}


@settings(max_examples=300, deadline=None)
@given(graphs(), st.randoms(use_true_random=False))
def test_any_order_of_nodes_and_evidence_gives_the_same_people(
    graph: tuple[list[Node], list[Edge], Judgements], rng: random.Random
) -> None:
    nodes, edges, judgements = graph
    expected = partition(nodes, edges, judgements)
    shuffled_nodes, shuffled_edges = list(nodes), list(edges)
    rng.shuffle(shuffled_nodes)
    rng.shuffle(shuffled_edges)
    found = partition(shuffled_nodes, shuffled_edges, judgements)
    assert groups(found) == groups(expected)
    assert (found.shared, set(found.held)) == (expected.shared, set(expected.held))


@settings(max_examples=300, deadline=None)
@given(graphs())
def test_row_ids_do_not_matter(graph: tuple[list[Node], list[Edge], Judgements]) -> None:
    nodes, edges, judgements = graph
    top = 1000
    moved = [Node(top - n.id, n.kind, n.namespace, n.key, n.blocked, n.names) for n in nodes]
    turned = [Edge(top - e.b, top - e.a, e.trust, e.at) for e in edges]

    def turn(pairs: frozenset[tuple[int, int]]) -> frozenset[tuple[int, int]]:
        return frozenset((top - b, top - a) for a, b in pairs)

    found = partition(moved, turned, Judgements(turn(judgements.must), turn(judgements.cannot)))
    back = {
        (top - anchor, frozenset(top - m for m in members)) for anchor, members in groups(found)
    }
    assert back == groups(partition(nodes, edges, judgements))


@settings(max_examples=300, deadline=None)
@given(graphs())
def test_limits_and_judgements_hold_and_everybody_is_somewhere_once(
    graph: tuple[list[Node], list[Edge], Judgements],
) -> None:
    nodes, edges, judgements = graph
    by_id = {n.id: n for n in nodes}
    result = partition(nodes, edges, judgements)
    members = [m for cluster in result.clusters for m in cluster.members]
    assert sorted(members) == sorted(by_id)
    for cluster in result.clusters:
        counts = Counter((by_id[m].kind, by_id[m].namespace) for m in cluster.members)
        assert all(n <= RULES[kind].limit for (kind, _), n in counts.items())
        assert not any(a in cluster.members and b in cluster.members for a, b in judgements.cannot)


def test_a_shared_phone_links_nobody() -> None:
    phone = Node(0, Kind.PHONE, "", b"p")
    people = [Node(i, Kind.WECOM_EXTERNAL_USERID, "ww1", bytes([i])) for i in range(1, 5)]
    result = partition([phone, *people], [Edge(0, p.id, 50, START) for p in people])
    assert result.shared == {0}
    assert len(result.clusters) == 5


def test_a_phone_told_under_two_names_links_nobody() -> None:
    licence, contact = Node(1, Kind.LICENCE_NO, "", b"l"), Node(2, Kind.OPENID, "wx1", b"o")
    for names in (0, 1, 2):
        phone = Node(0, Kind.PHONE, "", b"p", names=names)
        seen = [Edge(0, 1, 80, START), Edge(0, 2, 60, START)]
        result = partition([phone, licence, contact], seen)
        assert len(result.clusters) == (3 if names == 2 else 1)
        assert result.shared == ({0} if names == 2 else set())


def test_a_device_links_within_its_window_only() -> None:
    device, *people = [Node(0, Kind.DEVICE, "web", b"d")] + [
        Node(n, Kind.OPENID, f"wx{n}", bytes([n])) for n in range(1, 4)
    ]
    seen = [Edge(0, n, 50, START + timedelta(days=day)) for n, day in ((1, 0), (2, 90), (3, 91))]
    result = partition([device, *people], seen)
    assert groups(result) == {(1, frozenset({0, 1, 2})), (3, frozenset({3}))}
    earlier = Edge(0, 3, 50, START - timedelta(days=1))  # then the window ends a day earlier
    assert groups(partition([device, *people], [*seen[:2], earlier])) == {
        (1, frozenset({0, 1, 3})), (2, frozenset({2})),
    }  # fmt: skip


def test_two_licences_are_two_people_and_the_conflict_is_kept() -> None:
    one, other = Node(1, Kind.LICENCE_NO, "", b"a"), Node(2, Kind.LICENCE_NO, "", b"b")
    union = Node(3, Kind.UNIONID, "open", b"u")
    result = partition([one, other, union], [Edge(1, 3, 90, START), Edge(2, 3, 50, START)])
    assert groups(result) == {(1, frozenset({1, 3})), (2, frozenset({2}))}
    assert [held.reason for held in result.held] == ["limit:licence_no"]
