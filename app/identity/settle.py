"""A partition as rows: ONE IDs, redirects, conflicts, and a line in the log of what moved.

What differs is found first, for as many components as were computed (`_Changes`), and then
written with one statement for each table. Nothing is asked that cannot be: who was written down
in this transaction has no physician yet, and no conflict.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import bindparam, case, delete, or_, select, true, update
from sqlalchemy.orm import Session
from sqlalchemy.orm.util import identity_key

from app.identity import profile
from app.identity.component import KeptApart, Member
from app.identity.evidence import WRITTEN
from app.identity.models import (
    Component,
    Conflict,
    Identifier,
    IdentifierStatus,
    IdentityLog,
    Kind,
    Physician,
    ProfileValue,
)
from app.identity.partition import RULE_VERSION, RULES, Partition
from app.identity.register import Known, label_of
from app.infra.direct import Direct, nothing
from app.infra.many import Many, Together, among, insert_many, update_many


@dataclass(frozen=True, slots=True)
class Settled:
    """Components that are one now, and who is who in it; without a `result` it is too large.

    `anew`: nothing that is stored is taken for granted.
    """

    members: Sequence[Member]
    result: Partition | None
    cause: str
    blocked: Collection[int] = frozenset()
    conflicts: Sequence[KeptApart] = ()
    anew: bool = False


class _Shown(NamedTuple):
    """Where a ONE ID leads: it is somebody (`live`), or has gone."""

    live: bool
    redirect_to: str | None


Home = tuple[int, str]  # component, ONE ID
_Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Changes:
    """Rows to write, and whose profiles are of others now."""

    identifiers: list[_Row] = field(default_factory=list)
    components: list[_Row] = field(default_factory=list)
    people: list[_Row] = field(default_factory=list)
    conflicts: list[_Row] = field(default_factory=list)
    reasons: list[_Row] = field(default_factory=list)
    gone: list[int] = field(default_factory=list)
    log: list[_Row] = field(default_factory=list)
    split: list[int] = field(default_factory=list)
    profiles: set[str] = field(default_factory=set)  # certainly
    moved: dict[int, set[str]] = field(default_factory=dict)  # if the identifier has values


def store(
    session: Session,
    settled: Sequence[Settled],
    now: datetime,
    *,
    alone: Iterable[Known] = (),
    evidence: Sequence[Mapping[str, Any]] = (),
) -> dict[int, Home]:
    """Write down who is one person in these components, and what changed; where each member is now.

    `alone` were written down in this transaction and are linked to nobody. `evidence`: rows to
    write with the rest.
    """
    changes = _Changes()
    homes: dict[int, Home] = {}
    shown = _shown(session, [one for one in settled if one.anew])
    for one in settled:
        after = _compare(changes, one, shown, now)
        component = min(member.component_id for member in one.members)
        homes |= {number: (component, one_id) for number, one_id in after.items()}
    for row in alone:
        licensed = row.kind == Kind.LICENCE_NO
        changes.people.append(_person(row.one_id, row.id, _Shown(True, None), licensed, now))
    _write(session, changes, evidence, now)
    return homes


def _shown(session: Session, settled: Sequence[Settled]) -> dict[str, _Shown]:
    ids = [label for one in settled for label in map(_label, one.members)]
    return dict(_SHOWN.all(session, {"ids": ids})) if ids else {}


def _label(member: Member) -> str:
    return (
        member.one_id if member.born else label_of(member.value_hash, member.kind, member.namespace)
    )


def _compare(
    changes: _Changes, one: Settled, shown: Mapping[str, _Shown], now: datetime
) -> dict[int, str]:
    """Add what changes in this component; everybody's ONE ID."""
    before = {member.id: member.one_id for member in one.members}
    after, anchors = before, {}
    if one.result is not None:
        by_id = {member.id: member for member in one.members}
        anchors = {_label(by_id[c.anchor]): c.anchor for c in one.result.clusters}
        after = {
            number: label
            for label, cluster in zip(anchors, one.result.clusters, strict=True)
            for number in cluster.members
        }
    _members(changes, one, after)
    _people(changes, one, after, anchors, shown, now)
    if one.result is not None:
        _conflicts(changes, one, one.result, now)
    if before != after:
        _log(changes, before, after, one.cause, now)
        _splits(changes, one.members, after)
    _profiles(changes, one, after)
    return after


def _members(changes: _Changes, one: Settled, after: Mapping[int, str]) -> None:
    """Components are always written, so that `pair` sees that they were computed again; only
    those that nobody else has seen are as they were inserted."""
    parts = {member.component_id for member in one.members}
    home = min(parts)
    if not all(member.born for member in one.members):
        for part in parts:
            mine = part == home
            changes.components.append(
                {"id": part, "size": len(one.members) if mine else 0,
                 "merged_into": None if mine else home}
            )  # fmt: skip
    for member in one.members:
        is_now = home, after[member.id], _status(member.id, one)
        if (member.component_id, member.one_id, member.status) != is_now:
            names = "id", "component_id", "one_id", "status"
            changes.identifiers.append(dict(zip(names, (member.id, *is_now), strict=True)))


def _status(number: int, one: Settled) -> str:
    if one.result is None:
        return IdentifierStatus.QUARANTINED
    if number in one.blocked:
        return IdentifierStatus.BLOCKED
    return IdentifierStatus.SHARED if number in one.result.shared else IdentifierStatus.ACTIVE


def _people(
    changes: _Changes,
    one: Settled,
    after: Mapping[int, str],
    anchors: Mapping[str, int],
    shown: Mapping[str, _Shown],
    now: datetime,
) -> None:
    """A label lives while its own node anchors a cluster, and else points where that node is.

    Without an identifier that is not forgotten there is nobody to show. Somebody should look who
    else they may be whose identifiers are others now.
    """
    licensed = {after[member.id] for member in one.members if member.kind == Kind.LICENCE_NO}
    alive = {after[member.id] for member in one.members if member.known}
    were_alive = {member.one_id for member in one.members if member.known}
    grown = {after[member.id] for member in one.members if member.one_id != after[member.id]}
    for member in one.members:
        owner = after[member.id]
        same = owner == member.one_id and (owner in alive) == (owner in were_alive)
        anchors_grown = owner in grown and anchors[owner] == member.id
        if same and not (member.born or one.anew or anchors_grown):
            continue  # a label is a keyed hash: not for those of whom nothing can have changed
        label = _label(member)
        was = shown.get(label) if one.anew else _leads(label, member.one_id, were_alive)
        leads = _leads(label, owner, alive)
        if member.born or was != leads or label in grown:
            changes.people.append(_person(label, member.id, leads, label in licensed, now))


def _leads(label: str, owner: str, alive: Collection[str]) -> _Shown:
    return _Shown(label == owner and label in alive, None if label == owner else owner)


def _person(label: str, anchor: int, shown: _Shown, licensed: bool, now: datetime) -> _Row:
    return {
        "one_id": label, "anchor_id": anchor, "verified": licensed, "created_at": now,
        "updated_at": now, **shown._asdict(),
    }  # fmt: skip


def _conflicts(changes: _Changes, one: Settled, result: Partition, now: datetime) -> None:
    wanted = {(min(h.a, h.b), max(h.a, h.b)): h.reason for h in result.held}
    for row in one.conflicts:
        reason = wanted.pop((row.a, row.b), None)
        if reason is None:
            changes.gone.append(row.id)
        elif row.reason != reason:  # a person has settled it, or takes that back
            changes.reasons.append({"id": row.id, "reason": reason})
    home = min(member.component_id for member in one.members)
    changes.conflicts.extend(
        {"component_id": home, "a_id": a, "b_id": b, "reason": reason, "at": now}
        for (a, b), reason in wanted.items()
    )


def _log(
    changes: _Changes, before: dict[int, str], after: dict[int, str], cause: str, now: datetime
) -> None:
    groups_before, groups_after = set(before.values()), set(after.values())
    kind = "relabel"
    if len(groups_after) < len(groups_before):
        kind = "merge"
    elif len(groups_after) > len(groups_before):
        kind = "split"
    changes.log.append(
        {
            "at": now,
            "kind": kind,
            "cause": cause,
            "before": {str(k): v for k, v in before.items() if after[k] != v},
            "after": {str(k): v for k, v in after.items() if before[k] != v},
            "rule_version": RULE_VERSION,
        }
    )


def _splits(changes: _Changes, members: Iterable[Member], after: Mapping[int, str]) -> None:
    """Whoever was one person and is several now. Phones and devices make nobody, and whatever is
    forgotten takes nobody along."""
    became: dict[str, dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
    for member in members:
        if member.known and not RULES[Kind(member.kind)].weak:
            became[member.one_id][after[member.id]].append(member.id)
    for parts in became.values():
        if len(parts) > 1:
            changes.split.extend(number for part in parts.values() for number in part)


def _profiles(changes: _Changes, one: Settled, after: Mapping[int, str]) -> None:
    """Whose profile may be another: everybody's, or those who have gained or lost somebody."""
    if one.anew:
        changes.profiles.update(after.values())
        return
    moved = [member for member in one.members if member.one_id != after[member.id]]
    touched = {one_id for member in moved for one_id in (member.one_id, after[member.id])}
    touched &= set(after.values())
    for member in one.members:
        if not member.born and (about := touched & {member.one_id, after[member.id]}):
            changes.moved[member.id] = about


def _write(
    session: Session, changes: _Changes, evidence: Sequence[Mapping[str, Any]], now: datetime
) -> None:
    """In one order everywhere, so that two who write do not wait for each other."""
    rows: dict[str, Sequence[Mapping[str, Any]]] = {
        "evidence": evidence,
        "identifiers": sorted(changes.identifiers, key=_by_id),
        "components": sorted(changes.components, key=_by_id),
        "people": sorted(changes.people, key=lambda row: str(row["one_id"])),
        "log": changes.log,
    }
    _ALL.run(session, rows)
    if changes.gone:
        _GONE.run(session, {"ids": changes.gone})
    _REASONS.run(session, sorted(changes.reasons, key=_by_id))
    _CONFLICTS.run(session, changes.conflicts)
    if changes.split:
        _SPLIT.run(session, {"ids": changes.split, "now": now})
    _expire(session, changes)
    profiles = set(changes.profiles)
    if changes.moved:
        for number in _DESCRIBED.all(session, {"ids": list(changes.moved)}):
            profiles |= changes.moved[number]
    for one_id in sorted(profiles):
        profile.refresh(session, one_id, now)


def _expire(session: Session, changes: _Changes) -> None:
    """What the session has read of these rows is old."""
    known = session.identity_map
    if not len(known):
        return
    keys: list[Any] = [identity_key(Identifier, row["id"]) for row in changes.identifiers]
    keys += [identity_key(Identifier, number) for number in changes.split]
    for person in changes.people:
        keys.append(identity_key(Physician, person["one_id"]))
    for row in changes.reasons:
        keys.append(identity_key(Conflict, row["id"]))
    for key in filter(known.get, keys):
        session.expire(known[key])
    for number in changes.gone:
        if (conflict := known.get(identity_key(Conflict, number))) is not None:
            session.expunge(conflict)


def _by_id(row: Mapping[str, Any]) -> int:
    return int(row["id"])


def _met(new: Any) -> dict[str, Any]:
    """Of a physician that there is: where it leads now, and that somebody should look again."""
    elsewhere = or_(
        Physician.live.is_distinct_from(new.live),
        Physician.redirect_to.is_distinct_from(new.redirect_to),
    )
    return {
        "live": new.live,
        "redirect_to": new.redirect_to,
        "verified": new.verified,
        "link_due": true(),
        "updated_at": case((elsewhere, new.updated_at), else_=Physician.updated_at),
    }


_SHOWN = Direct(
    select(Physician.one_id, Physician.live, Physician.redirect_to).where(
        among(Physician.one_id, "ids")
    ),
    lambda one_id, live, redirect_to: (one_id, _Shown(bool(live), redirect_to)),
)
_DESCRIBED = Direct(
    select(ProfileValue.identifier_id).where(among(ProfileValue.identifier_id, "ids")).distinct(),
    int,
)
_IDENTIFIERS = update_many(Identifier, "id", "component_id", "one_id", "status")
_COMPONENTS = update_many(Component, "id", "size", "merged_into")
_EMPTY = ("title", "specialty", "department", "hospital", "city", "province")
_PEOPLE: Many[None] = insert_many(
    Physician, "one_id", "anchor_id", "live", "redirect_to", "verified", "created_at",
    "updated_at",
    constant=dict.fromkeys(_EMPTY, "''") | {"link_due": "true"},
    once_by=("one_id",), change=_met,
)  # fmt: skip
_GONE = Direct(delete(Conflict).where(among(Conflict.id, "ids")), nothing)
_REASONS = update_many(Conflict, "id", "reason")
_CONFLICTS: Many[None] = insert_many(
    Conflict, "component_id", "a_id", "b_id", "reason", "at", constant={"state": "'open'"}
)
_LOG: Many[None] = insert_many(
    IdentityLog, "at", "kind", "cause", "before", "after", "rule_version"
)
_ALL = Together(
    evidence=WRITTEN, identifiers=_IDENTIFIERS, components=_COMPONENTS, people=_PEOPLE, log=_LOG
)
_SPLIT = Direct(
    update(Identifier).where(among(Identifier.id, "ids")).values(split_at=bindparam("now")),
    nothing,
)
