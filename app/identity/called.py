"""Under which names weak values are told: a phone of two names belongs to nobody in particular.

A department's phone may be seen with one licence, one contact and one follower only, and no limit
is broken; but the licence's owner is called Wang and the follower Li. So each teller (the strongest
identifier named together with the value) keeps how its surname sounds, as a blind index; its newer
word replaces its older one, so that a slip can be mended. Who tells no name says nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import ScalarSelect, bindparam, delete, func, or_, select, tuple_
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from app.identity.models import Identifier, IdentifierName, Kind
from app.identity.names import called
from app.identity.partition import RULES
from app.identity.register import Known
from app.infra import crypto
from app.infra.direct import Direct
from app.infra.many import among

TOKEN_BYTES = 8


def note(session: Session, rows: Iterable[Known], name: str, at: datetime) -> set[int]:
    """Somebody of this name was told with these identifiers; those that may be shared now, or
    shared no more."""
    token, told = _token(name), list(rows)
    weak = sorted(row.id for row in told if RULES[Kind(row.kind)].weak) if token else []
    if not weak:
        return set()
    teller = min(told, key=_strength).id
    return {one for one in weak if _note(session, one, teller, token, at)}


def count(session: Session, ids: Collection[int]) -> dict[int, int]:
    """Under how many names each was told, of those that were."""
    return dict(_COUNTED.all(session, {"ids": ids})) if ids else {}


def names_of() -> ScalarSelect[int]:
    """How many different names an identifier has, as a column of a statement about it."""
    mine = IdentifierName.identifier_id == Identifier.id
    return select(func.count(IdentifierName.token.distinct())).where(mine).scalar_subquery()


def forget(session: Session, identifier_id: int) -> None:
    """What was told of it, and by it."""
    own = IdentifierName.identifier_id == identifier_id, IdentifierName.teller_id == identifier_id
    session.execute(delete(IdentifierName).where(or_(*own)))


def _note(session: Session, identifier: int, teller: int, token: bytes, at: datetime) -> bool:
    told = {row.teller_id: row for row in _TOLD.all(session, {"identifier": identifier})}
    before = told.pop(teller, None)
    if before is not None and (before.at, before.token) >= (at, token):
        return False
    values = {"identifier_id": identifier, "teller_id": teller, "token": token, "at": at}
    session.connection().execute(_newest(session.get_bind().dialect.name), values)
    return bool(told) and (before is None or before.token != token)


def _token(name: str) -> bytes:
    sound = called(name)
    return crypto.blind_index(sound, "identifier_name")[:TOKEN_BYTES] if sound else b""


def _strength(row: Known) -> tuple[int, str, bytes]:
    return RULES[Kind(row.kind)].rank, row.namespace, bytes(row.value_hash)


@cache
def _newest(dialect: str) -> Any:
    maker = postgresql if dialect == "postgresql" else sqlite
    insert = maker.insert(IdentifierName)
    table, told = IdentifierName, insert.excluded
    return insert.on_conflict_do_update(
        index_elements=("identifier_id", "teller_id"),
        set_={"token": told.token, "at": told.at},
        where=tuple_(told.at, told.token) > tuple_(table.at, table.token),
    )


class _Told(NamedTuple):
    teller_id: int
    token: bytes
    at: datetime


_TOLD = Direct(
    select(*(getattr(IdentifierName, name) for name in _Told._fields)).where(
        IdentifierName.identifier_id == bindparam("identifier")
    ),
    lambda teller, token, at: _Told(teller, bytes(token), at),
)
_COUNTED = Direct(
    select(IdentifierName.identifier_id, func.count(IdentifierName.token.distinct()))
    .where(among(IdentifierName.identifier_id, "ids"))
    .group_by(IdentifierName.identifier_id),
    lambda identifier, names: (identifier, names),
)
