"""Evidence in, partition out: one transaction, as few statements as the sentences need together.

Whatever is said in one call is written down at once: all identifiers are registered in one order,
all components are locked in one order, each is computed once. On PostgreSQL they are read after
the lock, because another worker may have joined components meanwhile; on SQLite a writing
transaction is alone anyway.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from itertools import combinations
from typing import Any, NamedTuple, TypeVar

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.identity import called
from app.identity.changes import Home, Settled
from app.identity.component import (
    Member,
    Obstacles,
    Whole,
    born,
    components_of,
    hold,
    node_of,
)
from app.identity.evidence import (
    Heard,
    Pair,
    Pairs,
    Said,
    Sentence,
    heard_in,
    is_told,
    row_of,
    to_write,
)
from app.identity.groups import groups_of
from app.identity.models import Identifier, Kind
from app.identity.normalise import Id
from app.identity.pair import ask_pair
from app.identity.partition import RULES, Edge, Partition, partition
from app.identity.register import Known, come_back, read, register
from app.identity.settle import store

MAX_COMPONENT = 300  # larger raw components keep their last partition and wait for a rebuild


T = TypeVar("T")


class Told(NamedTuple):
    """Identifiers that one event names together; see `recognise`."""

    ids: Sequence[Id]
    event_key: str
    source: str
    at: datetime
    kind: str = "cooccur"
    trust: int = 50
    name: str = ""

    @property
    def said(self) -> Sentence:
        """What it says of each pair."""
        return Sentence(self.event_key, self.kind, self.source, self.trust, self.at)


def observe(session: Session, ids: Sequence[Id], **said: Any) -> list[Identifier]:
    """`recognise`, and rows that the session keeps up to date."""
    found = [one.id for one in recognise(session, ids, **said)]
    fresh = select(Identifier).where(Identifier.id.in_(found))
    rows = session.scalars(fresh.execution_options(populate_existing=True))
    by_id = {row.id: row for row in rows}
    return [by_id[number] for number in found]


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

    `event_key` makes it happen once. Weak identifiers are linked to strong ones only. What the
    same source has said before, as early and as surely, is not written down again: somebody who
    writes every day would fill the table with one sentence. `name`: how this person is called,
    where the source knows the real name: see `called`.
    """
    told = Told(ids, event_key, source, at, kind, trust, name)
    if _is_pair(ids) and _may_be_joined_meanwhile(session):
        rows, done = ask_pair(session, ids, told.said, called.token_of(name))
    else:
        rows = read(session, set(ids))
        done = _is_told(session, rows, told)
    if done:
        return [rows[one] for one in ids]
    return _learn(session, [told], rows, now)[0]


def recognise_many(session: Session, told: Sequence[Told], *, now: datetime) -> list[list[Known]]:
    """`recognise`, for many sentences at once: everybody as they are after all of them.

    The components of all of them are locked in one order. So call it once in a transaction: two
    workers with several calls each may wait for each other.
    """
    rows = read(session, {one for sentence in told for one in sentence.ids})
    return _learn(session, told, rows, now)


def _learn(
    session: Session, told: Sequence[Told], rows: Mapping[Id, Known], now: datetime
) -> list[list[Known]]:
    known, news = _registered(session, told, rows, now)
    named = [(naming, one.event_key) for one in told for naming in _namings(known, one)]
    said = [(one.said, pairs) for one in told if (pairs := _pairs(known, one.ids))]
    linked = {number for _, pairs in said for pair in pairs for number in pair}
    linked |= {naming.identifier_id for naming, _ in named}
    fresh = [born(row) for row in news if row.id in linked]
    alone = [row for row in news if row.id not in linked]
    keys = {one.event_key for one, _ in said}
    whole = _held(session, known, linked - {member.id for member in fresh}, keys)
    members = [*fresh, *whole.members]
    _bring_back(session, known, {member.id for member in members if not member.known}, now)
    members, renamed = _named(session, members, named)
    members = [member._replace(known=member.known or member.id in linked) for member in members]
    heard, spoken = heard_in(whole.heard)
    before = dict(heard.edges)
    written = to_write(heard, spoken, said)
    causes = {pair: key for key, pair in written}
    settled = _settled(members, heard, before, causes, renamed, whole.obstacles)
    evidence = [row_of(*one) for one in written.items()]
    homes = {member.id: (member.component_id, member.one_id) for member in members}
    homes |= store(session, settled, now, alone=alone, evidence=evidence, first=whole.keep)
    return [[_at(known[one], homes) for one in sentence.ids] for sentence in told]


def _namings(rows: Mapping[Id, Known], told: Told) -> list[called.Naming]:
    return called.namings([rows[one] for one in told.ids], told.name, told.at)


def _named(
    session: Session, members: list[Member], named: Sequence[tuple[called.Naming, str]]
) -> tuple[list[Member], dict[int, str]]:
    """Write the names down under which these are told; the members as they are named now, and who
    is called otherwise than before, by which event."""
    if not named:
        return members, {}
    old = {member.id for member in members if not member.born}
    names = called.names_told(session, old & {naming.identifier_id for naming, _ in named})
    renamed = {naming.identifier_id: key for naming, key in named if names.note(naming)}
    called.WRITTEN.run(session, names.news)
    return [m._replace(names=names.number(m.id, m.names)) for m in members], renamed


def _registered(
    session: Session, told: Sequence[Told], rows: Mapping[Id, Known], now: datetime
) -> tuple[dict[Id, Known], Collection[Known]]:
    """All of them as rows, and those that were born just now."""
    news = groups_of([one for one in sentence.ids if one not in rows] for sentence in told)
    if not news:
        return dict(rows), ()
    written, elsewhere = register(session, news, now)
    met = read(session, elsewhere) if elsewhere else {}
    return {**rows, **written, **met}, written.values()


def _held(
    session: Session, rows: Mapping[Id, Known], ids: Collection[int], keys: Collection[str]
) -> Whole:
    where = {row.component_id for row in rows.values() if row.id in ids}
    return hold(session, ids, where, keys) if ids else Whole()


def _bring_back(
    session: Session, rows: dict[Id, Known], forgotten: Collection[int], now: datetime
) -> None:
    """Whoever is named again and was forgotten, perhaps just before we had the component."""
    for one, row in rows.items():
        if row.id in forgotten or not row.value:
            come_back(session, row.id, one, now)
            rows[one] = row._replace(value=one.value)


def _pairs(rows: Mapping[Id, Known], ids: Iterable[Id]) -> Pairs:
    """The edges that this draws."""
    return sorted(
        (min(a.id, b.id), max(a.id, b.id))
        for a, b in combinations([rows[one] for one in dict.fromkeys(ids)], 2)
        if not (RULES[Kind(a.kind)].weak and RULES[Kind(b.kind)].weak)
    )


def _settled(
    members: Sequence[Member],
    heard: Heard,
    before: Mapping[Pair, Said],
    written: Mapping[Pair, str],
    renamed: Mapping[int, str],
    obstacles: Obstacles,
) -> list[Settled]:
    """The components that what was `written` joins, computed again unless that changes nothing,
    and those of whom some are `renamed`."""
    home = {member.id: member.component_id for member in members}
    moving = {member.id for member in members if RULES[Kind(member.kind)].window}
    joined = groups_of(
        [*([home[a], home[b]] for a, b in written), *([home[one]] for one in renamed)]
    )
    group_of = {part: number for number, group in enumerate(joined) for part in group}
    mine = _by_group(((group_of.get(m.component_id), m) for m in members), len(joined))
    edges = _by_group(((group_of.get(home[pair[0]]), pair) for pair in heard.edges), len(joined))
    news = _by_group(((group_of[home[pair[0]]], pair) for pair in written), len(joined))
    kept_apart = {home[row.a] for row in obstacles.conflicts}
    return [
        _computed(mine[n], {pair: heard.edges[pair] for pair in edges[n]}, obstacles, causes[-1])
        for n, group in enumerate(joined)
        if (
            causes := [
                written[pair]
                for pair in news[n]
                # Surer or earlier matters only where a rule keeps something apart, or where a
                # window begins: all that is joined fits together, whatever was joined first.
                if pair not in before
                or (
                    before[pair] != heard.edges[pair]
                    and not (kept_apart.isdisjoint(group) and moving.isdisjoint(pair))
                )
            ]
            + [key for one, key in renamed.items() if home[one] in group]
        )
    ]


def _by_group(found: Iterable[tuple[int | None, T]], number: int) -> list[list[T]]:
    groups: list[list[T]] = [[] for _ in range(number)]
    for at, one in found:
        if at is not None:
            groups[at].append(one)
    return groups


def _computed(
    members: Sequence[Member],
    edges: Mapping[Pair, Said],
    obstacles: Obstacles,
    cause: str,
    *,
    anew: bool = False,
) -> Settled:
    """Who is who among these, which are one component now."""
    ids = {member.id for member in members}
    blocked = obstacles.blocked & ids
    conflicts = [row for row in obstacles.conflicts if row.a in ids]
    result = None
    if len(members) <= MAX_COMPONENT:
        drawn = [
            Edge(a, b, said.trust, said.at)
            for (a, b), said in edges.items()
            if a in ids and b in ids
        ]
        nodes = [node_of(member, blocked) for member in members]
        result = partition(nodes, drawn, obstacles.judgements)
    return Settled(members, result, cause, blocked, conflicts, anew)


def _at(row: Known, homes: Mapping[int, Home]) -> Known:
    if row.id not in homes:
        return row
    component, one_id = homes[row.id]
    return row._replace(component_id=component, one_id=one_id)


def _is_told(session: Session, rows: Mapping[Id, Known], told: Told) -> bool:
    """True when nothing is to be done. Where others may take evidence back meanwhile, only who
    holds the component can tell."""
    if not all(one in rows and rows[one].value for one in told.ids):
        return False
    pairs = _pairs(rows, told.ids)
    if pairs and (_may_be_joined_meanwhile(session) or not is_told(session, pairs, told.said)):
        return False
    return called.is_told(session, _namings(rows, told))


def _is_pair(ids: Sequence[Id]) -> bool:
    return len(set(ids)) == len(ids) == 2 and not all(RULES[one.kind].weak for one in ids)


def _may_be_joined_meanwhile(session: Session) -> bool:
    """On SQLite a writing transaction is alone."""
    return session.get_bind().dialect.name == "postgresql"


def recompute(
    session: Session, identifier_ids: Sequence[int], *, cause: str, now: datetime
) -> list[Partition]:
    """Make one component of those of these identifiers, compute it again, store what differs."""
    whole = hold(session, identifier_ids, components_of(session, identifier_ids))
    heard, _ = heard_in(whole.heard)
    settled = _computed(whole.members, heard.edges, whole.obstacles, cause, anew=True)
    store(session, [settled], now, first=whole.keep)
    return [settled.result] if settled.result else []


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
