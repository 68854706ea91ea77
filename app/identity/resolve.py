"""Evidence in, partition out: one transaction per event, one raw component at a time.

On PostgreSQL the component rows are locked in order and read again after the lock, because another
worker may have joined components meanwhile; on SQLite a writing transaction is alone anyway.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import datetime
from functools import partial
from itertools import combinations

from sqlalchemy import bindparam, func, select, update
from sqlalchemy.orm import Session, aliased

from app.identity.component import edges_of, join_components, judgements_on, nodes_of
from app.identity.models import Component, Conflict, Evidence, Identifier, IdentifierStatus, Kind
from app.identity.normalise import Id
from app.identity.partition import RULES, Partition, partition
from app.identity.register import registered
from app.identity.settle import store
from app.infra.db import insert_once

MAX_COMPONENT = 300  # larger raw components keep their last partition and wait for a rebuild
_EDGE = select(
    func.max(Evidence.trust).label("trust"), func.min(Evidence.at).label("at")
).where(
    Evidence.a_id == bindparam("a"), Evidence.b_id == bindparam("b"),
    Evidence.active.is_(True), Evidence.event_key != bindparam("key"),
)  # fmt: skip
_OF_SOURCE = select(
    func.max(Evidence.trust).label("trust"), func.min(Evidence.at).label("at")
).where(
    Evidence.a_id == bindparam("a"), Evidence.b_id == bindparam("b"),
    Evidence.kind == bindparam("kind"), Evidence.source == bindparam("source"),
    Evidence.active.is_(True),
)  # fmt: skip
_ME, _OTHER = aliased(Identifier), aliased(Identifier)
_KEPT_APART = (
    select(Conflict.id)
    .join(_OTHER, _OTHER.id == Conflict.a_id)
    .join(_ME, _ME.component_id == _OTHER.component_id)
    .where(_ME.id == bindparam("member"))
    .limit(1)
)
_AGAIN = (
    select(Identifier)
    .where(Identifier.id.in_(bindparam("ids", expanding=True)))
    .execution_options(populate_existing=True)
)
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

    `event_key` makes it happen once. Weak identifiers are linked to strong ones only. What the
    same source has said before, as early and as surely, is not written down again: somebody who
    writes every day would fill the table with one sentence.
    """
    rows = registered(session, ids, now)
    pairs = sorted(
        (min(a.id, b.id), max(a.id, b.id))
        for a, b in combinations(rows.values(), 2)
        if not (RULES[Kind(a.kind)].weak and RULES[Kind(b.kind)].weak)
    )
    told = partial(_told, session, kind=kind, source=source, trust=trust, at=at)
    if not pairs or _stays(session, rows.values(), lambda: all(told(*pair) for pair in pairs)):
        return [rows[one] for one in ids]
    fresh = []
    for a, b in pairs:
        values = {
            "event_key": event_key, "a_id": a, "b_id": b, "kind": kind, "source": source,
            "trust": trust, "at": at, "active": True,
        }  # fmt: skip
        if insert_once(session, Evidence, values, "event_key", "a_id", "b_id"):
            fresh.append((a, b))
    says_so = partial(_says_so, session, fresh, event_key, trust, at)
    if fresh and not _stays(session, rows.values(), says_so):
        recompute(session, [row.id for row in rows.values()], cause=event_key, now=now)
        for row in rows.values():
            session.refresh(row)
    return [rows[one] for one in ids]


def _stays(session: Session, rows: Iterable[Identifier], known: Callable[[], bool]) -> bool:
    """True when `known` holds, and holds still while nobody may take evidence back."""
    if session.get_bind().dialect.name == "postgresql":
        if not known():
            return False
        # Whoever takes evidence back holds the component for a new partition, and reads after us.
        # So hold it, too, and look again; not before, since who recomputes needs it alone.
        session.execute(_HELD, {"ids": sorted({row.component_id for row in rows})})
        session.scalars(_AGAIN, {"ids": [row.id for row in rows]}).all()  # the ONE ID of now
    return known()


def _told(
    session: Session, a: int, b: int, *, kind: str, source: str, trust: int, at: datetime
) -> bool:
    """True when this source said so before, as early and as surely."""
    values = {"a": a, "b": b, "kind": kind, "source": source}
    edge = session.connection().execute(_OF_SOURCE, values).one()
    return edge.trust is not None and edge.trust >= trust and edge.at <= at


def _says_so(
    session: Session,
    pairs: Collection[tuple[int, int]],
    event_key: str,
    trust: int,
    at: datetime,
) -> bool:
    """True when earlier evidence says all this, at least as surely: then nothing changes.

    An edge is the highest trust and the earliest time of its evidence, so more of the same leaves
    the partition as it is. Most events are of this kind.
    """
    known = session.connection()
    found = [known.execute(_EDGE, {"a": a, "b": b, "key": event_key}).one() for a, b in pairs]
    if any(edge.trust is None for edge in found):
        return False
    if all(edge.trust >= trust and edge.at <= at for edge in found):
        return True
    # Surer or earlier matters only where a rule keeps something apart: all that is joined fits
    # together, whatever was joined first.
    return known.execute(_KEPT_APART, {"member": min(pairs)[0]}).first() is None


def recompute(
    session: Session, identifier_ids: Sequence[int], *, cause: str, now: datetime
) -> list[Partition]:
    """Compute the components of these identifiers again and store what changed."""
    component = join_components(session, identifier_ids)
    nodes = nodes_of(session, component)
    if len(nodes) > MAX_COMPONENT:
        session.execute(
            update(Identifier)
            .where(Identifier.component_id == component)
            .values(status=IdentifierStatus.QUARANTINED)
        )
        return []
    result = partition(nodes, edges_of(session, nodes), judgements_on(session, nodes))
    store(session, component, nodes, result, cause, now)
    return [result]


def components_after(session: Session, last: int, limit: int) -> Sequence[int]:
    """The next raw components by number, so that all can be gone through in pieces."""
    chosen = select(Identifier.component_id).where(Identifier.component_id > last).distinct()
    return session.scalars(chosen.order_by(Identifier.component_id).limit(limit)).all()


def rebuild(session: Session, *, now: datetime, components: Collection[int] | None = None) -> int:
    """Compute these components again, or all; returns how many identifiers changed their ONE ID."""
    if components is None:
        components = session.scalars(select(Identifier.component_id).distinct()).all()
    changed = 0
    for component in components:
        of_it = select(Identifier.id, Identifier.one_id).where(Identifier.component_id == component)
        before = dict(session.execute(of_it).all())
        if before:
            recompute(session, [min(before)], cause="rebuild", now=now)
            after = dict(session.execute(of_it).all())
            changed += sum(one_id != after.get(key) for key, one_id in before.items())
    return changed
