"""Physicians as they are compared, out of the database, and what forbids that two become one."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import BindParameter, bindparam, or_, select
from sqlalchemy.orm import Session

from app.identity import WEAK, Identifier, Kind, Override, Physician
from app.identity.models import IdentifierStatus
from app.identity.partition import RULES
from app.linkage.features import Features, features

REGISTERED = frozenset({Kind.LICENCE_NO, Kind.CRM_ID})


@dataclass(frozen=True, slots=True)
class Somebody:
    """A living physician: what is compared, whose identifiers, and the hospital as written.

    `held`: how many identifiers of each kind and namespace. `stands`: the one that stands for them.
    """

    one_id: str
    stands: int
    features: Features
    hospital: str
    members: frozenset[int]
    held: Counter[tuple[str, str]]

    @property
    def registered(self) -> bool:
        """True with a licence or CRM number."""
        return any(kind in REGISTERED for kind, _ in self.held)


def people(session: Session, one_ids: Collection[str]) -> dict[str, Somebody]:
    """Those of these ONE IDs that live, have a name, and are known by more than a phone."""
    rows = session.execute(_PHYSICIANS, {"ids": list(one_ids)}).all()
    mine: dict[str, list[Identifier]] = defaultdict(list)
    for row in session.execute(_IDENTIFIERS, {"ids": [row.one_id for row in rows]}):
        mine[row.one_id].append(row)  # type: ignore[arg-type]
    found = {}
    for row in rows:
        of_row = [one for one in mine[row.one_id] if one.value]
        if not row.name or all(one.kind in WEAK for one in of_row):
            continue
        phones = [
            one.value for one in of_row
            if one.kind == Kind.PHONE and one.status == IdentifierStatus.ACTIVE
        ]  # fmt: skip
        values = {name: getattr(row, name) for name in _COMPARED}
        found[row.one_id] = Somebody(
            one_id=row.one_id, stands=row.anchor_id,
            features=features(values, phones, row.institution_id),
            hospital=row.hospital, members=frozenset(one.id for one in of_row),
            held=Counter((one.kind, one.namespace) for one in of_row),
        )  # fmt: skip
    return found


def after(session: Session, last: str, limit: int) -> Sequence[str]:
    """The next ONE IDs that live, in the order of their text."""
    chosen = select(Physician.one_id).where(Physician.live.is_(True), Physician.one_id > last)
    return session.scalars(chosen.order_by(Physician.one_id).limit(limit)).all()


def exceeds(a: Somebody, b: Somebody) -> bool:
    """True when one person would have more of something than anybody has: two CRM numbers."""
    together = a.held + b.held
    return any(number > RULES[Kind(kind)].limit for (kind, _), number in together.items())


def apart(session: Session, pairs: Iterable[tuple[Somebody, Somebody]]) -> set[tuple[str, str]]:
    """Those of these pairs, by ONE ID, whom a judgement keeps apart."""
    owner: dict[int, set[str]] = defaultdict(set)
    asked: set[tuple[str, str]] = set()
    for a, b in pairs:
        asked |= {(a.one_id, b.one_id), (b.one_id, a.one_id)}
        for one in (a, b):
            for member in one.members:
                owner[member].add(one.one_id)
    found: set[tuple[str, str]] = set()
    ids = sorted(owner)
    for start in range(0, len(ids), _MANY):
        for x, y in session.execute(_CANNOT, {"ids": ids[start : start + _MANY]}):
            found |= {(mine, other) for mine in owner.get(x, ()) for other in owner.get(y or 0, ())}
    return {both for mine, other in found & asked for both in ((mine, other), (other, mine))}


_MANY = 500
_COMPARED = ("name", "hospital", "department", "title", "city")
_IDS: BindParameter[str] = bindparam("ids", expanding=True)
_PHYSICIANS = select(
    Physician.one_id,
    Physician.anchor_id,
    Physician.institution_id,
    *(getattr(Physician, name) for name in _COMPARED),
).where(Physician.one_id.in_(_IDS), Physician.live.is_(True), Physician.anchor_id.is_not(None))
_IDENTIFIERS = select(
    Identifier.id, Identifier.one_id, Identifier.kind, Identifier.namespace, Identifier.value,
    Identifier.status,
).where(Identifier.one_id.in_(_IDS))  # fmt: skip
_CANNOT = select(Override.a_id, Override.b_id).where(
    Override.kind == "cannot", Override.retracted_at.is_(None),
    or_(Override.a_id.in_(_IDS), Override.b_id.in_(_IDS)),
)  # fmt: skip
