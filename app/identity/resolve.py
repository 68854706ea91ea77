"""Evidence in, partition out: one transaction per event, one raw component at a time.

On PostgreSQL the component rows are locked in order and read again after the lock, because another
worker may have joined components meanwhile; on SQLite a writing transaction is alone anyway.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from itertools import combinations

from sqlalchemy import bindparam, func, or_, select, update
from sqlalchemy.orm import Session

from app.identity import profile
from app.identity.models import (
    Component,
    Conflict,
    Evidence,
    Identifier,
    IdentifierStatus,
    IdentityLog,
    Kind,
    Override,
    Physician,
)
from app.identity.normalise import Id
from app.identity.partition import (
    RULE_VERSION,
    RULES,
    Edge,
    Judgements,
    Node,
    Partition,
    partition,
)
from app.identity.register import ensure_physician, label_of, registered
from app.infra.db import insert_once

MAX_COMPONENT = 300  # larger raw components keep their last partition and wait for a rebuild
_EDGE = select(
    func.max(Evidence.trust).label("trust"), func.min(Evidence.at).label("at")
).where(
    Evidence.a_id == bindparam("a"), Evidence.b_id == bindparam("b"),
    Evidence.active.is_(True), Evidence.event_key != bindparam("key"),
)  # fmt: skip
_HELD = (
    select(Component.id)
    .where(Component.id.in_(bindparam("ids", expanding=True)))
    .with_for_update(read=True, key_share=True)
)


def observe(
    session: Session,
    ids: Sequence[Id],
    *,
    event_key: str,
    source: str,
    at: datetime,
    now: datetime,
    kind: str = "cooccur",
    trust: int = 50,
) -> list[Identifier]:
    """Register identifiers and that they were seen as one person; rows in the order of `ids`.

    `event_key` makes it happen once. Weak identifiers are linked to strong ones only.
    """
    rows = registered(session, ids, now)
    pairs = [
        (min(a.id, b.id), max(a.id, b.id))
        for a, b in combinations(rows.values(), 2)
        if not (RULES[Kind(a.kind)].weak and RULES[Kind(b.kind)].weak)
    ]
    fresh = []
    for a, b in sorted(pairs):
        values = {
            "event_key": event_key, "a_id": a, "b_id": b, "kind": kind, "source": source,
            "trust": trust, "at": at, "active": True,
        }  # fmt: skip
        if insert_once(session, Evidence, values, "event_key", "a_id", "b_id"):
            fresh.append((a, b))
    if fresh and not _known_before(session, fresh, rows.values(), event_key, trust, at):
        recompute(session, [row.id for row in rows.values()], cause=event_key, now=now)
        for row in rows.values():
            session.refresh(row)
    return [rows[one] for one in ids]


def _known_before(
    session: Session,
    pairs: Collection[tuple[int, int]],
    rows: Iterable[Identifier],
    event_key: str,
    trust: int,
    at: datetime,
) -> bool:
    """True when earlier evidence says all this, at least as surely: then nothing changes.

    An edge is the highest trust and the earliest time of its evidence, so more of the same leaves
    the partition as it is. Most events are of this kind.
    """

    def says_so() -> bool:
        known = session.connection()
        found = (known.execute(_EDGE, {"a": a, "b": b, "key": event_key}).one() for a, b in pairs)
        return all(
            edge.trust is not None and edge.trust >= trust and edge.at <= at for edge in found
        )

    if not says_so():
        return False
    if session.get_bind().dialect.name != "postgresql":
        return True
    # Whoever takes evidence back holds the component for a new partition, and reads after us. So
    # hold it, too, and look again; not before, since who goes on to recompute needs it alone.
    session.execute(_HELD, {"ids": sorted({row.component_id for row in rows})})
    return says_so()


def recompute(
    session: Session, identifier_ids: Sequence[int], *, cause: str, now: datetime
) -> list[Partition]:
    """Compute the components of these identifiers again and store what changed."""
    component = _join_components(session, identifier_ids)
    nodes = _nodes(session, component)
    if len(nodes) > MAX_COMPONENT:
        session.execute(
            update(Identifier)
            .where(Identifier.component_id == component)
            .values(status=IdentifierStatus.QUARANTINED)
        )
        return []
    result = partition(nodes, _edges(session, nodes), _judgements(session, nodes))
    _store(session, component, nodes, result, cause, now)
    return [result]


def rebuild(session: Session, *, now: datetime) -> int:
    """Compute every component again; returns how many identifiers changed their ONE ID."""
    before = dict(session.execute(select(Identifier.id, Identifier.one_id)).all())
    components = session.scalars(select(Identifier.component_id).distinct()).all()
    for component in components:
        first = session.scalar(
            select(func.min(Identifier.id)).where(Identifier.component_id == component)
        )
        if first is not None:
            recompute(session, [first], cause="rebuild", now=now)
    after = dict(session.execute(select(Identifier.id, Identifier.one_id)).all())
    return sum(before.get(key) != value for key, value in after.items())


def _join_components(session: Session, identifier_ids: Sequence[int]) -> int:
    while True:
        wanted = _components(session, identifier_ids)
        session.execute(
            select(Component.id)
            .where(Component.id.in_(wanted))
            .order_by(Component.id)
            .with_for_update()
        ).all()
        if _components(session, identifier_ids) == wanted:
            break
    target = min(wanted)
    if len(wanted) > 1:
        session.execute(
            update(Identifier)
            .where(Identifier.component_id.in_(wanted))
            .values(component_id=target)
            .execution_options(synchronize_session="fetch")
        )
        session.execute(
            update(Component)
            .where(Component.id.in_(wanted), Component.id != target)
            .values(merged_into=target, size=0)
        )
    return target


def _components(session: Session, identifier_ids: Sequence[int]) -> list[int]:
    chosen = select(Identifier.component_id).where(Identifier.id.in_(identifier_ids)).distinct()
    return sorted(session.scalars(chosen))


def _nodes(session: Session, component: int) -> list[Node]:
    rows = session.execute(
        select(
            Identifier.id,
            Identifier.kind,
            Identifier.namespace,
            Identifier.value_hash,
        ).where(Identifier.component_id == component)
    ).all()
    blocked = set(
        session.scalars(
            select(Override.a_id).where(
                Override.kind == "block",
                Override.retracted_at.is_(None),
                Override.a_id.in_([row.id for row in rows]),
            )
        )
    )
    return [
        Node(row.id, Kind(row.kind), row.namespace, bytes(row.value_hash), row.id in blocked)
        for row in rows
    ]


def _edges(session: Session, nodes: Sequence[Node]) -> list[Edge]:
    ids = [node.id for node in nodes]
    rows = session.execute(
        select(
            Evidence.a_id,
            Evidence.b_id,
            func.max(Evidence.trust).label("trust"),
            func.min(Evidence.at).label("at"),
        )
        .where(Evidence.a_id.in_(ids), Evidence.b_id.in_(ids), Evidence.active.is_(True))
        .group_by(Evidence.a_id, Evidence.b_id)
    )
    return [Edge(row.a_id, row.b_id, row.trust, row.at) for row in rows]


def _judgements(session: Session, nodes: Sequence[Node]) -> Judgements:
    ids = [node.id for node in nodes]
    rows = session.scalars(
        select(Override).where(
            Override.retracted_at.is_(None),
            Override.kind.in_(("must", "cannot")),
            or_(Override.a_id.in_(ids), Override.b_id.in_(ids)),
        )
    ).all()
    return judgements_of(rows)


def judgements_of(overrides: Iterable[Override]) -> Judgements:
    """Must and cannot pairs of override rows."""
    pairs: dict[str, set[tuple[int, int]]] = {"must": set(), "cannot": set()}
    for row in overrides:
        if row.b_id is not None and row.kind in pairs:
            pairs[row.kind].add((min(row.a_id, row.b_id), max(row.a_id, row.b_id)))
    return Judgements(frozenset(pairs["must"]), frozenset(pairs["cannot"]))


def _store(
    session: Session,
    component: int,
    nodes: Sequence[Node],
    result: Partition,
    cause: str,
    now: datetime,
) -> None:
    ids = [node.id for node in nodes]
    rows = {
        row.id: row
        for row in session.scalars(
            select(Identifier)
            .where(Identifier.id.in_(ids))
            .execution_options(populate_existing=True)
        )
    }
    before = {row.id: row.one_id for row in rows.values()}
    labels = {n.id: label_of(n.key, n.kind.value, n.namespace) for n in nodes}
    for cluster in result.clusters:
        ensure_physician(session, labels[cluster.anchor], cluster.anchor, now)
        for member in cluster.members:
            rows[member].one_id = labels[cluster.anchor]
    for node in nodes:
        rows[node.id].status = _status(node, result)
    session.flush()
    after = {row.id: row.one_id for row in rows.values()}
    known = {row.one_id for row in rows.values() if row.value}
    _redirect(session, labels, after, known, now)
    _store_conflicts(session, component, ids, result, now)
    session.execute(update(Component).where(Component.id == component).values(size=len(ids)))
    if before != after:
        _write_log(session, before, after, cause, now)
    for one_id in set(after.values()):
        profile.refresh(session, one_id, now)


def _status(node: Node, result: Partition) -> str:
    if node.blocked:
        return IdentifierStatus.BLOCKED
    return IdentifierStatus.SHARED if node.id in result.shared else IdentifierStatus.ACTIVE


def _redirect(
    session: Session,
    labels: dict[int, str],
    after: dict[int, str],
    known: set[str],
    now: datetime,
) -> None:
    """A label lives while its own node anchors a cluster, and else points where that node is.

    `known`: labels with an identifier that is not forgotten; without any there is nobody to show.
    """
    home = {labels[node]: after[node] for node in labels}
    for row in session.scalars(
        select(Physician)
        .where(Physician.one_id.in_(home))
        .execution_options(populate_existing=True)
    ):
        own = home[row.one_id] == row.one_id
        live, target = own and row.one_id in known, None if own else home[row.one_id]
        if row.live != live or row.redirect_to != target:
            row.live, row.redirect_to, row.updated_at = live, target, now
    session.flush()


def _store_conflicts(
    session: Session, component: int, ids: Sequence[int], result: Partition, now: datetime
) -> None:
    wanted = {(min(h.a, h.b), max(h.a, h.b)): h.reason for h in result.held}
    known = session.scalars(select(Conflict).where(Conflict.a_id.in_(ids))).all()
    for row in known:
        if wanted.pop((row.a_id, row.b_id), None) is None:
            session.delete(row)
    for (a, b), reason in wanted.items():
        session.add(Conflict(component_id=component, a_id=a, b_id=b, reason=reason, at=now))
    session.flush()


def _write_log(
    session: Session, before: dict[int, str], after: dict[int, str], cause: str, now: datetime
) -> None:
    groups_before, groups_after = set(before.values()), set(after.values())
    kind = "relabel"
    if len(groups_after) < len(groups_before):
        kind = "merge"
    elif len(groups_after) > len(groups_before):
        kind = "split"
    session.add(
        IdentityLog(
            at=now,
            kind=kind,
            cause=cause,
            before={str(k): v for k, v in before.items() if after[k] != v},
            after={str(k): v for k, v in after.items() if before[k] != v},
            rule_version=RULE_VERSION,
        )
    )
