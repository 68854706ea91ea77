"""One raw component as the database holds it: whom it joins, what is known of them.

Its row is locked from joining until the partition is stored; see `resolve`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlalchemy import BindParameter, bindparam, func, or_, select, update
from sqlalchemy.orm import Session

from app.identity import called
from app.identity.models import Component, Evidence, Identifier, Kind, Override
from app.identity.partition import Edge, Judgements, Node


def join_components(session: Session, identifier_ids: Sequence[int]) -> int:
    """Make one component of those of these identifiers, and hold it; its id."""
    while True:
        wanted = _components(session, identifier_ids)
        session.execute(_LOCK, {"ids": wanted}).all()
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


def try_hold(session: Session, identifier_ids: Sequence[int]) -> bool:
    """Hold the components of these identifiers, unless somebody else has one: False, no waiting."""
    wanted = _components(session, identifier_ids)
    held = sorted(session.scalars(_TRY, {"ids": wanted}))
    return held == wanted and _components(session, identifier_ids) == wanted


def nodes_of(session: Session, component: int) -> list[Node]:
    """Its identifiers."""
    rows = session.execute(_NODES, {"component": component}).all()
    blocked = set(session.scalars(_BLOCKED, {"ids": [row.id for row in rows]}))
    return [
        Node(
            row.id, Kind(row.kind), row.namespace, bytes(row.value_hash), row.id in blocked,
            row.names,
        )
        for row in rows
    ]  # fmt: skip


def resize(session: Session, component: int, members: int) -> None:
    """Note how many it has. Always written, so that `pair` sees that it was computed again."""
    session.connection().execute(_RESIZE, {"component": component, "members": members})


def edges_of(session: Session, nodes: Sequence[Node]) -> list[Edge]:
    """What evidence says of them: the highest trust and the earliest time of each pair."""
    rows = session.execute(_EDGES, {"ids": [node.id for node in nodes]})
    return [Edge(row.a_id, row.b_id, row.trust, row.at) for row in rows]


def judgements_on(session: Session, nodes: Sequence[Node]) -> Judgements:
    """What people decided about them."""
    rows = session.scalars(_JUDGED, {"ids": [node.id for node in nodes]})
    return judgements_of(rows)


def judgements_of(overrides: Iterable[Override]) -> Judgements:
    """Must and cannot pairs of override rows."""
    pairs: dict[str, set[tuple[int, int]]] = {"must": set(), "cannot": set()}
    for row in overrides:
        if row.b_id is not None and row.kind in pairs:
            pairs[row.kind].add((min(row.a_id, row.b_id), max(row.a_id, row.b_id)))
    return Judgements(frozenset(pairs["must"]), frozenset(pairs["cannot"]))


def _components(session: Session, identifier_ids: Sequence[int]) -> list[int]:
    return sorted(session.scalars(_COMPONENTS, {"ids": list(identifier_ids)}))


# What a new link costs is built once.
_IDS: BindParameter[int] = bindparam("ids", expanding=True)
_COMPONENTS = select(Identifier.component_id).where(Identifier.id.in_(_IDS)).distinct()
_LOCK = select(Component.id).where(Component.id.in_(_IDS)).order_by(Component.id).with_for_update()
_TRY = select(Component.id).where(Component.id.in_(_IDS)).with_for_update(skip_locked=True)
_NODES = select(
    Identifier.id, Identifier.kind, Identifier.namespace, Identifier.value_hash,
    called.names_of().label("names"),
).where(Identifier.component_id == bindparam("component"))  # fmt: skip
_BLOCKED = select(Override.a_id).where(
    Override.kind == "block", Override.retracted_at.is_(None), Override.a_id.in_(_IDS)
)
_EDGES = (
    select(
        Evidence.a_id,
        Evidence.b_id,
        func.max(Evidence.trust).label("trust"),
        func.min(Evidence.at).label("at"),
    )
    .where(Evidence.a_id.in_(_IDS), Evidence.b_id.in_(_IDS), Evidence.active.is_(True))
    .group_by(Evidence.a_id, Evidence.b_id)
)
_JUDGED = select(Override).where(
    Override.retracted_at.is_(None),
    Override.kind.in_(("must", "cannot")),
    or_(Override.a_id.in_(_IDS), Override.b_id.in_(_IDS)),
)
_RESIZE = (
    update(Component)
    .where(Component.id == bindparam("component"))
    .values(size=bindparam("members"))
)
