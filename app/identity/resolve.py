"""Evidence in, partition out: one transaction per event, one raw component at a time.

On PostgreSQL the component rows are locked in order and read again after the lock, because another
worker may have joined components meanwhile; on SQLite a writing transaction is alone anyway.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from functools import partial
from itertools import combinations
from typing import Any

from sqlalchemy import bindparam, select, update
from sqlalchemy.orm import Session

from app.identity import called
from app.identity.component import (
    edges_of,
    join_components,
    judgements_on,
    nodes_of,
    resize,
)
from app.identity.evidence import Sentence, is_told, says_nothing_new
from app.identity.models import Component, Evidence, Identifier, IdentifierStatus, Kind
from app.identity.normalise import Id
from app.identity.pair import told_pair
from app.identity.partition import RULES, Partition, partition
from app.identity.register import Known, read, registered
from app.identity.settle import store
from app.infra.db import insert_once

MAX_COMPONENT = 300  # larger raw components keep their last partition and wait for a rebuild


_HELD = (
    select(Component.id)
    .where(Component.id.in_(bindparam("ids", expanding=True)))
    .with_for_update(read=True, key_share=True)
)


def observe(session: Session, ids: Sequence[Id], **said: Any) -> list[Identifier]:
    """`recognise`, and rows that the session keeps up to date."""
    found = recognise(session, ids, **said)
    return [session.get_one(Identifier, one.id, populate_existing=True) for one in found]


def recognise(
    session: Session,
    ids: Sequence[Id],
    *,
    event_key: str,
    source: str,
    at: datetime,
    now: datetime,
    kind: str = "cooccur",
    trust: int = 50,
    name: str = "",
) -> list[Known]:
    """Register identifiers and that they were seen as one person; as they are now, in order.

    `name`: how this person is called, where the source knows the real name: see `called`.

    `event_key` makes it happen once. Weak identifiers are linked to strong ones only. What the
    same source has said before, as early and as surely, is not written down again: somebody who
    writes every day would fill the table with one sentence.
    """
    said = Sentence(event_key, kind, source, trust, at)
    may_be_told = _is_pair(ids) and _may_be_joined_meanwhile(session)
    known = told_pair(session, ids, said) if may_be_told else None
    rows = dict(zip(ids, known, strict=True)) if known else registered(session, ids, now)
    renamed = called.note(session, rows, name, at)
    if known and not renamed:
        return known
    pairs = sorted(
        (min(a.id, b.id), max(a.id, b.id))
        for a, b in combinations(rows.values(), 2)
        if not (RULES[Kind(a.kind)].weak and RULES[Kind(b.kind)].weak)
    )
    anyway = renamed or any(RULES[one.kind].window for one in ids)
    if renamed:
        rows = _tell(session, rows, pairs, said, now, anyway=True)
    elif pairs:
        told = partial(is_told, session, pairs, said)
        rows = _unchanged(session, rows, told) or _tell(
            session, rows, pairs, said, now, anyway=anyway
        )
    return [rows[one] for one in ids]


def _tell(
    session: Session,
    rows: dict[Id, Known],
    pairs: Collection[tuple[int, int]],
    said: Sentence,
    now: datetime,
    *,
    anyway: bool = False,
) -> dict[Id, Known]:
    """Write the evidence down, and compute again who is one person unless that cannot change;
    `anyway`: it can, since a value may be shared now, or another window begin."""
    keys = ("event_key", "a_id", "b_id")
    fresh = [
        (a, b)
        for a, b in pairs
        if insert_once(
            session, Evidence, said._asdict() | {"a_id": a, "b_id": b, "active": True}, *keys
        )
    ]
    if not fresh and not anyway:
        return rows
    nothing_new = partial(says_nothing_new, session, fresh, said)
    unchanged = None if anyway else _unchanged(session, rows, nothing_new)
    if unchanged is None:
        recompute(session, [row.id for row in rows.values()], cause=said.event_key, now=now)
    return unchanged or read(session, rows)


def _unchanged(
    session: Session, rows: dict[Id, Known], known: Callable[[], bool]
) -> dict[Id, Known] | None:
    """The rows of now when `known` holds, and holds still while nobody may take evidence back."""
    if not known():
        return None
    if not _may_be_joined_meanwhile(session):
        return rows
    # Whoever takes evidence back holds the component for a new partition, and reads after us.
    # So hold it, too, and look again; not before, since who recomputes needs it alone.
    held: set[int] = set()
    while (here := {row.component_id for row in rows.values()}) != held:  # joined meanwhile
        session.connection().execute(_HELD, {"ids": sorted(here)})
        rows, held = read(session, rows), here
    return rows if known() else None


def _is_pair(ids: Sequence[Id]) -> bool:
    return len(set(ids)) == len(ids) == 2 and not all(RULES[one.kind].weak for one in ids)


def _may_be_joined_meanwhile(session: Session) -> bool:
    """On SQLite a writing transaction is alone."""
    return session.get_bind().dialect.name == "postgresql"


def recompute(
    session: Session, identifier_ids: Sequence[int], *, cause: str, now: datetime
) -> list[Partition]:
    """Compute the components of these identifiers again and store what changed."""
    component = join_components(session, identifier_ids)
    nodes = nodes_of(session, component)
    resize(session, component, len(nodes))
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
