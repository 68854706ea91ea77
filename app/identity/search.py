"""Finding identifiers and physicians."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from sqlalchemy import ColumnElement, Select, func, or_, select
from sqlalchemy.orm import Session

from app.identity.models import Conflict, Identifier, Kind, Physician, PhysicianToken
from app.identity.normalise import Id, make_id
from app.identity.partition import RULES
from app.identity.profile import query_tokens
from app.identity.register import value_hash
from app.infra import crypto
from app.infra.errors import NotFound

MAX_HOPS = 50
SAMPLED = 20
MANY = 1000  # values of one statement
WEAK = tuple(kind.value for kind, rule in RULES.items() if rule.weak)  # alone: nobody
_ONE_ID = re.compile(r"YS[0-9A-HJKMNP-TV-Z]{16}")


def find(session: Session, one: Id | None) -> Identifier | None:
    """The row of an identifier, if it was ever seen."""
    if one is None:
        return None
    return session.scalar(
        select(Identifier).where(
            Identifier.kind == one.kind.value,
            Identifier.namespace == one.namespace,
            Identifier.value_hash == value_hash(one),
        )
    )


def keys_fit(session: Session) -> bool:
    """False when identifiers were written under other keys: nobody would be found again."""
    rows = session.execute(
        select(Identifier.kind, Identifier.namespace, Identifier.value, Identifier.value_hash)
        .where(Identifier.value_hash != b"")
        .order_by(Identifier.id.desc())
        .limit(SAMPLED)
    )
    try:
        return all(
            not row.value
            or value_hash(Id(Kind(row.kind), row.namespace, row.value)) == row.value_hash
            for row in rows
        )
    except crypto.Undecryptable:
        return False


def resolve_one_id(session: Session, one_id: str) -> str | None:
    """The living ONE ID that `one_id` is or became; None when it never existed."""
    for _ in range(MAX_HOPS):
        row = session.get(Physician, one_id)
        if row is None:
            return None
        if row.live or row.redirect_to is None:
            return row.one_id
        one_id = row.redirect_to
    return None


def get_physician(session: Session, one_id: str) -> Physician:
    """The living physician of this or an older ONE ID. Raises NotFound."""
    current = resolve_one_id(session, one_id.strip().upper())
    if current is None:
        raise NotFound("没有这个 ONE ID。")
    return session.get_one(Physician, current)


def physicians_by_id(session: Session, one_ids: Iterable[str]) -> dict[str, Physician]:
    """Physicians by ONE ID, for lists."""
    rows = session.scalars(select(Physician).where(Physician.one_id.in_(list(one_ids))))
    return {row.one_id: row for row in rows}


def values_of(session: Session, ids: Sequence[int]) -> dict[int, str]:
    """Values of identifiers by their number."""
    found: dict[int, str] = {}
    for start in range(0, len(ids), MANY):
        some = Identifier.id.in_(ids[start : start + MANY])
        rows = session.execute(select(Identifier.id, Identifier.value).where(some))
        found.update({row.id: row.value for row in rows})
    return found


def identifiers_of(session: Session, one_id: str) -> Sequence[Identifier]:
    """All identifiers of one ONE ID, oldest first; forgotten ones are left out."""
    return identifiers_of_many(session, [one_id])[one_id]


def identifiers_of_many(
    session: Session, one_ids: Iterable[str]
) -> dict[str, Sequence[Identifier]]:
    """The same by ONE ID, for lists."""
    found: dict[str, list[Identifier]] = {one_id: [] for one_id in one_ids}
    rows = session.scalars(
        select(Identifier).where(Identifier.one_id.in_(found)).order_by(Identifier.id)
    )
    for row in rows:
        if row.value:
            found[row.one_id].append(row)
    return {**found}


def conflicts_of(session: Session, one_id: str) -> Sequence[Conflict]:
    """What evidence would join to this ONE ID but a rule keeps apart."""
    mine = select(Identifier.id).where(Identifier.one_id == one_id)
    return session.scalars(
        select(Conflict).where(or_(Conflict.a_id.in_(mine), Conflict.b_id.in_(mine)))
    ).all()


def open_conflicts(session: Session, limit: int) -> Sequence[Conflict]:
    """Newest first, without those that a person has settled."""
    chosen = select(Conflict).where(Conflict.reason != "cannot_link", Conflict.state == "open")
    return session.scalars(chosen.order_by(Conflict.id.desc()).limit(limit)).all()


def owners(session: Session, identifier_ids: Iterable[int]) -> dict[int, str]:
    """The ONE ID of each identifier."""
    ids = list(identifier_ids)
    chosen = select(Identifier.id, Identifier.one_id).where(Identifier.id.in_(ids))
    return dict(session.execute(chosen).all())


def search(
    session: Session,
    text: str = "",
    *,
    only: Select[int] | None = None,
    limit: int = 50,
    offset: int = 0,
) -> tuple[Sequence[Physician], int]:
    """Living physicians that match `text`, with the total number.

    `text` may be a name or part of it, a hospital, department, specialty or city, a phone, a
    licence or CRM number, or a ONE ID. `only` limits to persons with one of these identifiers.
    """
    chosen = (
        select(Physician)
        .join(Identifier, Identifier.id == Physician.anchor_id)
        .where(Physician.live.is_(True), Identifier.kind.not_in(WEAK))
    )
    if text.strip():
        chosen = chosen.where(_matches(session, text.strip()))
    if only is not None:
        mine = select(Identifier.one_id).where(Identifier.id.in_(only))
        chosen = chosen.where(Physician.one_id.in_(mine))
    total = session.scalar(select(func.count()).select_from(chosen.subquery())) or 0
    ordered = chosen.order_by(Physician.updated_at.desc(), Physician.one_id)
    return session.scalars(ordered.limit(limit).offset(offset)).all(), total


def _matches(session: Session, text: str) -> ColumnElement[bool]:
    if _ONE_ID.fullmatch(text.upper()):
        return Physician.one_id == (resolve_one_id(session, text.upper()) or "")
    exact = [make_id(kind, text) for kind in (Kind.PHONE, Kind.LICENCE_NO, Kind.CRM_ID)]
    rows = [find(session, one) for one in exact]
    owners = [row.one_id for row in rows if row is not None]
    like = "%" + re.sub(r"([%_\\])", r"\\\1", text) + "%"
    columns = (Physician.hospital, Physician.department, Physician.specialty, Physician.city)
    wanted = query_tokens(text)
    named = (
        select(PhysicianToken.one_id)
        .where(PhysicianToken.token.in_(wanted))
        .group_by(PhysicianToken.one_id)
        .having(func.count() == len(wanted))
    )
    return or_(
        Physician.one_id.in_(owners),
        Physician.one_id.in_(named),
        *(column.like(like, escape="\\") for column in columns),
    )
