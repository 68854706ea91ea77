"""A partition as rows: ONE IDs, redirects, conflicts, and a line in the log of what moved.

What differs is found first, for as many components as were computed (`changes.py`), and then
written together.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, case, delete, or_, select, true, update
from sqlalchemy.orm import Session
from sqlalchemy.orm.util import identity_key

from app.identity import changed, profile
from app.identity.changes import (
    Changes,
    Home,
    Settled,
    Shown,
    compare,
    label_of_member,
    person_alone,
)
from app.identity.evidence import WRITTEN
from app.identity.models import (
    Component,
    Conflict,
    Identifier,
    IdentityLog,
    Physician,
    ProfileValue,
)
from app.identity.register import Known
from app.infra.direct import Asked, Direct, nothing, together
from app.infra.many import Many, Together, among, insert_many, update_many


def store(
    session: Session,
    settled: Sequence[Settled],
    now: datetime,
    *,
    alone: Iterable[Known] = (),
    evidence: Sequence[Mapping[str, Any]] = (),
    first: Sequence[Asked] = (),
) -> dict[int, Home]:
    """Write down who is one person in these components, and what changed; where each member is now.

    `alone` were written down in this transaction and are linked to nobody. `evidence`: rows to
    write with the rest. `first`: statements to send before.
    """
    changes = Changes()
    homes: dict[int, Home] = {}
    touched: set[str] = set()
    shown = _shown(session, [one for one in settled if one.anew])
    for one in settled:
        after = compare(changes, one, shown, now)
        component = min(member.component_id for member in one.members)
        homes |= {number: (component, one_id) for number, one_id in after.items()}
        moved = [m for m in one.members if m.one_id != after[m.id]]
        touched |= {one_id for m in moved for one_id in (m.one_id, after[m.id])}
    changes.people.extend(person_alone(row, now) for row in alone)
    _write(session, changes, evidence, now, first)
    changed.note_people(session, touched | {row["one_id"] for row in changes.people})
    return homes


def _shown(session: Session, settled: Sequence[Settled]) -> dict[str, Shown]:
    ids = [label_of_member(member) for one in settled for member in one.members]
    return dict(_SHOWN.all(session, {"ids": ids})) if ids else {}


def _write(
    session: Session,
    changes: Changes,
    evidence: Sequence[Mapping[str, Any]],
    now: datetime,
    first: Sequence[Asked],
) -> None:
    """In one order everywhere, so that two who write do not wait for each other."""
    rows: dict[str, Sequence[Mapping[str, Any]]] = {
        "evidence": evidence,
        "identifiers": sorted(changes.identifiers, key=_by_id),
        "components": sorted(changes.components, key=_by_id),
        "people": sorted(changes.people, key=lambda row: str(row["one_id"])),
        "log": changes.log,
    }
    describes = [(_DESCRIBED, {"ids": list(changes.moved)})] if changes.moved else []
    *_, described = [[], *together(session, *first, *_ALL.asked(session, rows), *describes)]
    if changes.gone:
        _GONE.run(session, {"ids": changes.gone})
    _REASONS.run(session, sorted(changes.reasons, key=_by_id))
    _CONFLICTS.run(session, changes.conflicts)
    if changes.split:
        _SPLIT.run(session, {"ids": changes.split, "now": now})
    _expire(session, changes)
    profiles = set(changes.profiles)
    for number in described if changes.moved else ():
        profiles |= changes.moved[number]
    for one_id in sorted(profiles):
        profile.refresh(session, one_id, now)


def _expire(session: Session, changes: Changes) -> None:
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
    lambda one_id, live, redirect_to: (one_id, Shown(bool(live), redirect_to)),
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
