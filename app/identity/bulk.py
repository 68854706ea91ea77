"""Who is who of millions at once: what needs no judgement as arrays, the rest by `partition`.

    result = identify(graph)      needs numpy and scipy (the extra `linkage`)

Equal to `partition` of the same nodes and edges, which a property test holds. A component needs
`partition` when joining all of it would break a limit, or when somebody judged one of its nodes;
of every other the linking edges join all, in whatever order.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from importlib.util import find_spec
from typing import Any

from app.identity.models import Kind
from app.identity.partition import RULES, Edge, Judgements, Node, partition

KINDS = tuple(RULES)
_RANK = [RULES[kind].rank for kind in KINDS]
_SPAN = 1 << 16  # of namespaces
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Graph:
    """Nodes by position and rows of evidence by the positions of their two nodes, as numpy arrays.

    `kind`: place in `KINDS`; `namespace`: small numbers in the order of the texts; `key`: the 32
    bytes of each blind index, as (n, 32) uint8; `blocked`: bool; `trust` and `at` (microseconds
    since 1970): of each row; `names`: of each node, as in `Node`. Pairs of `judgements` are
    positions.
    """

    kind: Any
    namespace: Any
    key: Any
    blocked: Any
    a: Any
    b: Any
    trust: Any
    at: Any
    names: Any
    judgements: Judgements = field(default_factory=Judgements)


@dataclass(frozen=True, slots=True)
class Identified:
    """`anchor`: of each node, the node that stands for its person; `shared`: values that link
    nobody; `judged`: how many components needed `partition`."""

    anchor: Any
    shared: Any
    judged: int


@dataclass(frozen=True, slots=True)
class Outline:
    """`anchor` and `shared` as in `Identified`. `hard`: nodes of components that `partition` has to
    judge, whose anchor is only that of the component. `linking`: rows that link; None: all."""

    anchor: Any
    shared: Any
    hard: Any
    hard_components: int
    component: Any
    linking: Any


def available() -> bool:
    """True when numpy and scipy are installed."""
    return all(find_spec(name) is not None for name in ("numpy", "scipy"))


def identify(graph: Graph) -> Identified:
    """The person of every node."""
    found = outline(graph)
    if found.hard.any():
        _judge(graph, found)
    return Identified(found.anchor, found.shared, found.hard_components)


def outline(graph: Graph) -> Outline:
    """The person of every node, but for those that need `partition`."""
    import numpy as np
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    number = len(graph.kind)
    in_time = _in_time(graph)
    shared = _shared(graph, in_time)
    idle = graph.blocked | shared
    if idle.any() or in_time is not None:
        linking = ~(idle[graph.a] | idle[graph.b])
        linking &= True if in_time is None else in_time
        a, b = graph.a[linking], graph.b[linking]
    else:
        linking, a, b = None, graph.a, graph.b
    must = np.array(sorted(graph.judgements.must), dtype=np.int32).reshape(-1, 2)
    if len(must):
        a, b = np.concatenate([a, must[:, 0]]), np.concatenate([b, must[:, 1]])
    links = coo_matrix((np.ones(len(a), dtype=np.int8), (a, b)), shape=(number, number))
    found, component = connected_components(links, directed=False)
    anchor = _anchors(graph, component, found)[component]
    hard = _hard(graph, component, found)
    return Outline(anchor, shared, hard[component], int(hard.sum()), component, linking)


def _in_time(graph: Graph) -> Any:
    """Rows whose pair was first seen within the windows of both its nodes; None: all are."""
    import numpy as np

    never = np.iinfo(np.int64).max
    window = np.array([_microseconds(RULES[kind].window) for kind in KINDS])
    has = (window >= 0)[graph.kind]
    rows = np.flatnonzero(has[graph.a] | has[graph.b])
    rows = rows[~(graph.blocked[graph.a[rows]] | graph.blocked[graph.b[rows]])]
    if not len(rows):
        return None
    ends, at = (graph.a[rows], graph.b[rows]), graph.at[rows].astype(np.int64)
    pairs = np.minimum(*ends).astype(np.int64) * len(graph.kind) + np.maximum(*ends)
    _, pair = np.unique(pairs, return_inverse=True)
    first, opened = np.full(len(rows), never), np.full(len(graph.kind), never)
    np.minimum.at(first, pair, at)
    for end in ends:
        np.minimum.at(opened, end, at)
    in_time = np.ones(len(graph.a), dtype=bool)
    for end in ends:
        in_time[rows] &= ~has[end] | (first[pair] - opened[end] <= window[graph.kind[end]])
    return in_time


def _microseconds(window: timedelta | None) -> int:
    """-1 without a window."""
    return -1 if window is None else window // timedelta(microseconds=1)


def _shared(graph: Graph, in_time: Any) -> Any:
    """Weak values seen with more values of one strong kind than one person may have, or told
    under two names."""
    import numpy as np

    limit = np.array([RULES[kind].limit for kind in KINDS])
    weak = np.array([RULES[kind].weak for kind in KINDS])[graph.kind]
    shared = weak & (graph.names > 1) & ~graph.blocked
    of_both = weak[graph.a] != weak[graph.b]
    rows = np.flatnonzero(of_both if in_time is None else of_both & in_time)
    a, b = graph.a[rows], graph.b[rows]
    first = weak[a]
    value, strong = np.where(first, a, b), np.where(first, b, a)
    if graph.blocked.any():
        usable = ~(graph.blocked[a] | graph.blocked[b])
        value, strong = value[usable], strong[usable]
    groups, width = _groups(graph)
    if len(graph.kind) * width >= 1 << 31:
        raise ValueError("too many nodes and namespaces for one look: divide them by component")
    # one number for weak value, kind of strong value, and strong value, in this order
    seen = value.astype(np.int64) * width
    seen += groups[strong]
    seen <<= 32
    seen |= strong
    seen = seen[_first_of_equal(seen)] >> 32
    starts = np.flatnonzero(_first_of_equal(seen))
    counts = np.diff(starts, append=len(seen))
    of_groups = seen[starts]
    kind = of_groups % width // (width // len(KINDS))
    shared[of_groups[counts > limit[kind]] // width] = True
    return shared


def _groups(graph: Graph) -> tuple[Any, int]:
    """A number for kind and namespace of each node, and how many such numbers there are."""
    import numpy as np

    spaces = int(graph.namespace.max(initial=0)) + 1
    return graph.kind.astype(np.int64) * spaces + graph.namespace, len(KINDS) * spaces


def _first_of_equal(values: Any) -> Any:
    """Sorts in place (numpy's `unique` takes ten times as long); where another value begins."""
    import numpy as np

    values.sort()
    first = np.ones(len(values), dtype=bool)
    np.not_equal(values[1:], values[:-1], out=first[1:])
    return first


def _anchors(graph: Graph, component: Any, found: int) -> Any:
    """Of each component, its strongest node: by rank, namespace, and key."""
    import numpy as np

    order = np.array(_RANK, dtype=np.int64)[graph.kind] * _SPAN + graph.namespace
    best = np.full(found, np.iinfo(np.int64).max)
    np.minimum.at(best, component, order)
    left = np.flatnonzero(order == best[component])
    for column in range(0, graph.key.shape[1], 8):
        if len(left) == found:
            break
        part = np.ascontiguousarray(graph.key[left, column : column + 8]).view(">u8").ravel()
        part = part.astype(np.uint64)
        least = np.full(found, np.iinfo(np.uint64).max, dtype=np.uint64)
        np.minimum.at(least, component[left], part)
        left = left[part == least[component[left]]]
    anchors = np.empty(found, dtype=np.int64)
    anchors[component[left]] = left
    return anchors


def _hard(graph: Graph, component: Any, found: int) -> Any:
    """Components that break a limit as a whole, or that somebody judged."""
    import numpy as np

    limit = np.array([RULES[kind].limit for kind in KINDS])
    groups, width = _groups(graph)
    group = component.astype(np.int64) * width + groups
    counts = np.bincount(group, minlength=found * width).reshape(found, width)
    hard: Any = (counts > np.repeat(limit, width // len(KINDS))).any(axis=1)
    judged = [one for pair in graph.judgements.must | graph.judgements.cannot for one in pair]
    hard[component[np.array(judged, dtype=np.int64)]] = True
    return hard


def _judge(graph: Graph, found: Outline) -> None:
    """The rest, one by one, as the product does it for each event; into `found.anchor`."""
    import numpy as np

    component, judged, linking = found.component, found.hard, found.linking
    members: dict[int, list[int]] = defaultdict(list)
    for node in np.flatnonzero(judged).tolist():
        members[int(component[node])].append(node)
    of_hard = judged[graph.a]
    rows = np.flatnonzero(of_hard if linking is None else of_hard & linking)
    edges = _edges(graph, rows)
    by_component: dict[int, list[Edge]] = defaultdict(list)
    for edge in edges:
        by_component[int(component[edge.a])].append(edge)
    for number, nodes in members.items():
        mine = set(nodes)
        judgements = Judgements(
            frozenset(pair for pair in graph.judgements.must if pair[0] in mine),
            frozenset(pair for pair in graph.judgements.cannot if mine & set(pair)),
        )
        result = partition([_node(graph, one) for one in nodes], by_component[number], judgements)
        for cluster in result.clusters:
            found.anchor[list(cluster.members)] = cluster.anchor


def _edges(graph: Graph, rows: Any) -> list[Edge]:
    """The highest trust and the earliest time of each pair."""
    best: dict[tuple[int, int], tuple[int, int]] = {}
    columns = (column[rows].tolist() for column in (graph.a, graph.b, graph.trust, graph.at))
    for a, b, trust, at in zip(*columns, strict=True):
        pair = (a, b) if a < b else (b, a)
        known = best.get(pair)
        best[pair] = (max(known[0], trust), min(known[1], at)) if known else (trust, at)
    return [
        Edge(a, b, trust, _EPOCH + timedelta(microseconds=at))
        for (a, b), (trust, at) in best.items()
    ]


def _node(graph: Graph, one: int) -> Node:
    """Namespaces are numbers in their order, so as texts of one length they keep it."""
    kind: Kind = KINDS[int(graph.kind[one])]
    space = f"{int(graph.namespace[one]):05d}"
    key, names = graph.key[one].tobytes(), int(graph.names[one])
    return Node(one, kind, space, key, bool(graph.blocked[one]), names)
