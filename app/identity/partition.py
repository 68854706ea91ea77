"""Who is one person: a pure function of evidence and judgements, never of arrival order.

Edges join in a canonical order (how strong the weaker end is, trust, time, key) unless a limit or
a judgement forbids it; what is forbidden becomes a conflict for people to look at. Design and
measurements behind it: constrained union-find over one raw component, recomputed as a whole.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import MappingProxyType

from app.identity.models import Kind

RULE_VERSION = 2


@dataclass(frozen=True, slots=True)
class Rule:
    """Rank (0 is strongest), how many one person may have per namespace, and weakness.

    A weak value is shared (a clinic's phone, a family tablet) and links nobody when it is seen
    with more values of one strong kind than one person may have, or told under two names. One with
    a `window` links whom it was seen with first, and whoever else so much later at most: by then
    somebody else may hold the phone or sit at the computer.
    """

    rank: int
    limit: int
    weak: bool = False
    window: timedelta | None = None


RULES: Mapping[Kind, Rule] = MappingProxyType(
    {
        Kind.LICENCE_NO: Rule(0, 1),
        Kind.CRM_ID: Rule(1, 1),
        Kind.UNIONID: Rule(2, 2),
        Kind.WECOM_EXTERNAL_USERID: Rule(3, 2),
        Kind.OPENID: Rule(4, 2),
        Kind.PHONE: Rule(5, 3, weak=True),
        Kind.DEVICE: Rule(6, 50, weak=True, window=timedelta(days=90)),
    }
)


@dataclass(frozen=True, slots=True)
class Node:
    """An identifier; `key` is its blind index and orders it without its row id.

    `names`: under how many different names sources told it, of a weak value.
    """

    id: int
    kind: Kind
    namespace: str
    key: bytes
    blocked: bool = False
    names: int = 0

    @property
    def order(self) -> tuple[int, str, bytes]:
        """Canonical order: strongest kind first."""
        return RULES[self.kind].rank, self.namespace, self.key


@dataclass(frozen=True, slots=True)
class Edge:
    """Two nodes seen together: the best trust and the earliest time of all such evidence."""

    a: int
    b: int
    trust: int
    at: datetime


@dataclass(frozen=True, slots=True)
class Judgements:
    """What people decided: pairs that are one person, pairs that are not."""

    must: frozenset[tuple[int, int]] = frozenset()
    cannot: frozenset[tuple[int, int]] = frozenset()


@dataclass(frozen=True, slots=True)
class Cluster:
    """One person. The anchor is the strongest node; it gives the ONE ID."""

    anchor: int
    members: frozenset[int]


@dataclass(frozen=True, slots=True)
class Held:
    """Two nodes that evidence would join but a rule keeps apart."""

    a: int
    b: int
    reason: str


@dataclass(frozen=True, slots=True)
class Partition:
    """The result for one raw component."""

    clusters: tuple[Cluster, ...]
    shared: frozenset[int]
    held: tuple[Held, ...]
    joined: tuple[tuple[int, int], ...]  # the edges that built the clusters, in order


@dataclass
class _Union:
    nodes: Mapping[int, Node]
    cannot: Mapping[int, frozenset[int]]
    parent: dict[int, int] = field(default_factory=dict)
    members: dict[int, set[int]] = field(default_factory=dict)
    counts: dict[int, Counter[tuple[Kind, str]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for node in self.nodes.values():
            self.parent[node.id] = node.id
            self.members[node.id] = {node.id}
            self.counts[node.id] = Counter({(node.kind, node.namespace): 1})

    def root(self, node: int) -> int:
        while self.parent[node] != node:
            self.parent[node] = self.parent[self.parent[node]]
            node = self.parent[node]
        return node

    def forbidden(self, a: int, b: int) -> str:
        """Why the groups of `a` and `b` may not join, or ""."""
        one, other = self.root(a), self.root(b)
        small, large = sorted((one, other), key=lambda r: len(self.members[r]))
        if any(self.cannot.get(m, frozenset()) & self.members[large] for m in self.members[small]):
            return "cannot_link"
        together = self.counts[one] + self.counts[other]
        over = [kind for (kind, _), n in together.items() if n > RULES[kind].limit]
        return f"limit:{min(over, key=lambda kind: RULES[kind].rank).value}" if over else ""

    def join(self, a: int, b: int) -> None:
        one, other = self.root(a), self.root(b)
        self.parent[other] = one
        self.members[one] |= self.members.pop(other)
        self.counts[one] += self.counts.pop(other)


def partition(
    nodes: Sequence[Node], edges: Iterable[Edge], judgements: Judgements | None = None
) -> Partition:
    """Clusters of one raw component. Every node is in exactly one cluster."""
    judgements = judgements or Judgements()
    by_id = {node.id: node for node in nodes}
    usable = _in_time(by_id, [e for e in edges if not (by_id[e.a].blocked or by_id[e.b].blocked)])
    shared = _shared(by_id, usable)
    linking = [e for e in usable if e.a not in shared and e.b not in shared]
    union = _Union(by_id, _neighbours(judgements.cannot))
    held: dict[tuple[int, int], Held] = {}
    joined: list[tuple[int, int]] = []
    ordered = sorted(
        (pair for pair in judgements.must if pair[0] in by_id and pair[1] in by_id),
        key=lambda pair: _pair_order(by_id, *pair),
    ) + [(e.a, e.b) for e in sorted(linking, key=lambda e: _edge_order(by_id, e))]
    for a, b in ordered:
        if union.root(a) == union.root(b):
            continue
        reason = union.forbidden(a, b)
        if reason:
            held.setdefault((a, b), Held(a, b, reason))
        else:
            union.join(a, b)
            joined.append((a, b))
    clusters = tuple(
        sorted(
            (_cluster(by_id, members) for members in union.members.values()),
            key=lambda c: by_id[c.anchor].order,
        )
    )
    return Partition(clusters, shared, tuple(held.values()), tuple(joined))


def _cluster(by_id: Mapping[int, Node], members: set[int]) -> Cluster:
    return Cluster(min(members, key=lambda m: by_id[m].order), frozenset(members))


def _in_time(by_id: Mapping[int, Node], edges: Sequence[Edge]) -> Sequence[Edge]:
    """Without those that were first seen after the window of one of their nodes."""
    opened: dict[int, datetime] = {}
    for edge in edges:
        for node in (edge.a, edge.b):
            if RULES[by_id[node].kind].window is not None:
                opened[node] = min(edge.at, opened.get(node, edge.at))
    if not opened:
        return edges
    closes = {
        node: at + (RULES[by_id[node].kind].window or timedelta()) for node, at in opened.items()
    }
    return [e for e in edges if all(e.at <= closes.get(node, e.at) for node in (e.a, e.b))]


def _shared(by_id: Mapping[int, Node], edges: Sequence[Edge]) -> frozenset[int]:
    seen: dict[int, dict[tuple[Kind, str], set[int]]] = defaultdict(lambda: defaultdict(set))
    for edge in edges:
        for weak, other in ((edge.a, edge.b), (edge.b, edge.a)):
            strong = by_id[other]
            if RULES[by_id[weak].kind].weak and not RULES[strong.kind].weak:
                seen[weak][strong.kind, strong.namespace].add(other)
    crowded = {
        weak
        for weak, groups in seen.items()
        if any(len(values) > RULES[kind].limit for (kind, _), values in groups.items())
    }
    return frozenset(crowded | {n.id for n in by_id.values() if _has_several_names(n)})


def _has_several_names(node: Node) -> bool:
    return RULES[node.kind].weak and node.names > 1 and not node.blocked


def _neighbours(pairs: Iterable[tuple[int, int]]) -> dict[int, frozenset[int]]:
    found: dict[int, set[int]] = defaultdict(set)
    for a, b in pairs:
        found[a].add(b)
        found[b].add(a)
    return {node: frozenset(others) for node, others in found.items()}


def _edge_order(by_id: Mapping[int, Node], edge: Edge) -> tuple[object, ...]:
    worse = max(RULES[by_id[edge.a].kind].rank, RULES[by_id[edge.b].kind].rank)
    return worse, -edge.trust, edge.at, _pair_order(by_id, edge.a, edge.b)


def _pair_order(by_id: Mapping[int, Node], a: int, b: int) -> tuple[object, ...]:
    return tuple(sorted((by_id[a].order, by_id[b].order)))
