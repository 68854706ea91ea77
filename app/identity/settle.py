"""A partition as rows: ONE IDs, redirects, conflicts, and a line in the log of what moved."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from itertools import chain

from sqlalchemy import BindParameter, bindparam, select, update
from sqlalchemy.orm import Session

from app.identity import changed, profile
from app.identity.models import (
    Conflict,
    Identifier,
    IdentifierStatus,
    IdentityLog,
    Kind,
    Physician,
)
from app.identity.partition import RULE_VERSION, RULES, Node, Partition
from app.identity.register import ensure_physician, label_of


def store(
    session: Session,
    component: int,
    nodes: Sequence[Node],
    result: Partition,
    cause: str,
    now: datetime,
) -> None:
    """Write down who is one person in this component, and what changed."""
    ids = [node.id for node in nodes]
    rows = {row.id: row for row in session.scalars(_MEMBERS, {"ids": ids})}
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
    if before != after:
        _mark_due(session, before, after)
        moved = [member for member in after if before[member] != after[member]]
        changed.note_people(session, {state[m] for m in moved for state in (before, after)})
        _write_log(session, before, after, cause, now)
        _note_splits(rows, before, after, now)
        session.flush()
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
    for row in session.scalars(_PHYSICIANS, {"ids": sorted(home)}):
        own = home[row.one_id] == row.one_id
        live, target = own and row.one_id in known, None if own else home[row.one_id]
        if row.live != live or row.redirect_to != target:
            row.live, row.redirect_to, row.updated_at = live, target, now
            profile.mark_due(row)
            changed.note_people(session, [row.one_id])
    session.flush()


def _mark_due(session: Session, before: dict[int, str], after: dict[int, str]) -> None:
    """Somebody should look who else they may be: other identifiers are theirs now."""
    moved = {after[member] for member in after if before[member] != after[member]}
    session.execute(_DUE, {"ids": sorted(moved)})


def _store_conflicts(
    session: Session, component: int, ids: Sequence[int], result: Partition, now: datetime
) -> None:
    wanted = {(min(h.a, h.b), max(h.a, h.b)): h.reason for h in result.held}
    known = session.scalars(_CONFLICTS, {"ids": list(ids)}).all()
    for row in known:
        reason = wanted.pop((row.a_id, row.b_id), None)
        if reason is None:
            session.delete(row)
        elif row.reason != reason:
            row.reason = reason  # a person has settled it, or takes that back
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


def _note_splits(
    rows: dict[int, Identifier], before: dict[int, str], after: dict[int, str], now: datetime
) -> None:
    """Whoever was one person and is several now. Phones and devices make nobody, and whatever is
    forgotten takes nobody along."""
    became: dict[str, dict[str, list[Identifier]]] = defaultdict(lambda: defaultdict(list))
    for number, row in rows.items():
        if row.value and not RULES[Kind(row.kind)].weak:
            became[before[number]][after[number]].append(row)
    for parts in became.values():
        if len(parts) > 1:
            for row in chain.from_iterable(parts.values()):
                row.split_at = now


_IDS: BindParameter[int] = bindparam("ids", expanding=True)
_FRESH = {"populate_existing": True}
_MEMBERS = select(Identifier).where(Identifier.id.in_(_IDS)).execution_options(**_FRESH)
_PHYSICIANS = select(Physician).where(Physician.one_id.in_(_IDS)).execution_options(**_FRESH)
_DUE = (
    update(Physician)
    .where(Physician.one_id.in_(_IDS))
    .values(link_due=True)
    .execution_options(synchronize_session="fetch")
)
_CONFLICTS = select(Conflict).where(Conflict.a_id.in_(_IDS))
