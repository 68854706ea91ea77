"""What differs once a partition is computed: rows to write, found without asking anybody.

Who was written down in this transaction has no physician yet, and no conflict.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from app.identity.component import KeptApart, Member
from app.identity.models import IdentifierStatus, Kind
from app.identity.partition import RULE_VERSION, RULES, Partition
from app.identity.register import Known, label_of


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


class Shown(NamedTuple):
    """Where a ONE ID leads: it is somebody (`live`), or has gone."""

    live: bool
    redirect_to: str | None


Home = tuple[int, str]  # component, ONE ID
Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Changes:
    """Rows to write, and whose profiles are of others now."""

    identifiers: list[Row] = field(default_factory=list)
    components: list[Row] = field(default_factory=list)
    people: list[Row] = field(default_factory=list)
    conflicts: list[Row] = field(default_factory=list)
    reasons: list[Row] = field(default_factory=list)
    gone: list[int] = field(default_factory=list)
    log: list[Row] = field(default_factory=list)
    split: list[int] = field(default_factory=list)
    profiles: set[str] = field(default_factory=set)  # certainly
    moved: dict[int, set[str]] = field(default_factory=dict)  # if the identifier has values


def label_of_member(member: Member) -> str:
    """The ONE ID that this identifier gives."""
    return (
        member.one_id if member.born else label_of(member.value_hash, member.kind, member.namespace)
    )


def compare(
    changes: Changes, one: Settled, shown: Mapping[str, Shown], now: datetime
) -> dict[int, str]:
    """Add what changes in this component; everybody's ONE ID."""
    before = {member.id: member.one_id for member in one.members}
    after, anchors = before, {}
    if one.result is not None:
        by_id = {member.id: member for member in one.members}
        anchors = {label_of_member(by_id[c.anchor]): c.anchor for c in one.result.clusters}
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


def _members(changes: Changes, one: Settled, after: Mapping[int, str]) -> None:
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
    changes: Changes,
    one: Settled,
    after: Mapping[int, str],
    anchors: Mapping[str, int],
    shown: Mapping[str, Shown],
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
        label = label_of_member(member)
        was = shown.get(label) if one.anew else _leads(label, member.one_id, were_alive)
        leads = _leads(label, owner, alive)
        if member.born or was != leads or label in grown:
            changes.people.append(_person(label, member.id, leads, label in licensed, now))


def _leads(label: str, owner: str, alive: Collection[str]) -> Shown:
    return Shown(label == owner and label in alive, None if label == owner else owner)


def person_alone(row: Known, now: datetime) -> Row:
    """The physician of whom nothing links to anybody."""
    return _person(row.one_id, row.id, Shown(True, None), row.kind == Kind.LICENCE_NO, now)


def _person(label: str, anchor: int, shown: Shown, licensed: bool, now: datetime) -> Row:
    return {
        "one_id": label, "anchor_id": anchor, "verified": licensed, "created_at": now,
        "updated_at": now, **shown._asdict(),
    }  # fmt: skip


def _conflicts(changes: Changes, one: Settled, result: Partition, now: datetime) -> None:
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
    changes: Changes, before: dict[int, str], after: dict[int, str], cause: str, now: datetime
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


def _splits(changes: Changes, members: Iterable[Member], after: Mapping[int, str]) -> None:
    """Whoever was one person and is several now. Phones and devices make nobody, and whatever is
    forgotten takes nobody along."""
    became: dict[str, dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
    for member in members:
        if member.known and not RULES[Kind(member.kind)].weak:
            became[member.one_id][after[member.id]].append(member.id)
    for parts in became.values():
        if len(parts) > 1:
            changes.split.extend(number for part in parts.values() for number in part)


def _profiles(changes: Changes, one: Settled, after: Mapping[int, str]) -> None:
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
