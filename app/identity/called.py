"""Under which names weak values are told: a phone of two names belongs to nobody in particular.

A department's phone may be seen with one licence, one contact and one follower only, and no limit
is broken; but the licence's owner is called Wang and the follower Li. So each teller (the strongest
identifier named together with the value) keeps how its surname sounds, as a blind index; its newer
word replaces its older one, so that a slip can be mended. Who tells no name says nothing.

Another name is written down by whoever holds the value's component, and computes it again. Only a
later time of the same name is noted with the component shared (`pair`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, case, delete, func, or_, select
from sqlalchemy.orm import Session

from app.identity.models import Identifier, IdentifierName, Kind
from app.identity.names import called
from app.identity.partition import RULES
from app.identity.register import Known
from app.infra import crypto
from app.infra.direct import Direct
from app.infra.many import Many, among, insert_many

TOKEN_BYTES = 8
WEAK = tuple(kind.value for kind, rule in RULES.items() if rule.weak)


class Naming(NamedTuple):
    """A weak value, who told it, under which name, when."""

    identifier_id: int
    teller_id: int
    token: bytes
    at: datetime


class Names:
    """Under which names values are told; what is noted anew is `news`, to be written down."""

    def __init__(self, told: Iterable[Naming] = ()) -> None:
        self._told: dict[int, dict[int, Naming]] = defaultdict(dict)
        self._news: dict[tuple[int, int], Naming] = {}
        for one in told:
            self._told[one.identifier_id][one.teller_id] = one

    def note(self, said: Naming) -> bool:
        """True when this teller calls it otherwise than before."""
        known = self._told[said.identifier_id]
        before = known.get(said.teller_id)
        if before is not None and (before.at, before.token) >= (said.at, said.token):
            return False
        known[said.teller_id] = self._news[said.identifier_id, said.teller_id] = said
        return before is None or before.token != said.token

    def number(self, identifier_id: int, otherwise: int) -> int:
        """How many different names it has; `otherwise` when nobody asked about it."""
        if identifier_id not in self._told:
            return otherwise
        return len({one.token for one in self._told[identifier_id].values()})

    @property
    def news(self) -> list[dict[str, Any]]:
        """As `WRITTEN` takes it."""
        return [one._asdict() for _, one in sorted(self._news.items())]


def token_of(name: str) -> bytes:
    """The blind index of how the surname sounds; empty when no surname is told."""
    sound = called(name) if name else ""
    return crypto.blind_index(sound, "identifier_name")[:TOKEN_BYTES] if sound else b""


def namings(rows: Collection[Known], name: str, at: datetime) -> list[Naming]:
    """What is said of weak values when somebody of this name is told with these identifiers."""
    weak = sorted({row.id for row in rows if row.kind in WEAK}) if name else []
    token = token_of(name) if weak else b""
    if not token:
        return []
    teller = min(rows, key=_strength).id
    return [Naming(one, teller, token, at) for one in weak]


def names_told(session: Session, ids: Collection[int]) -> Names:
    """What is known of these."""
    return Names(_TOLD.all(session, {"ids": ids})) if ids else Names()


def is_told(session: Session, said: Collection[Naming]) -> bool:
    """True when each was said before, and not earlier."""
    names = names_told(session, {one.identifier_id for one in said})
    for one in said:
        names.note(one)
    return not names.news


def names_of() -> ColumnElement[int]:
    """How many different names an identifier has, as a column of a statement about it."""
    mine = IdentifierName.identifier_id == Identifier.id
    counted = select(func.count(IdentifierName.token.distinct())).where(mine).scalar_subquery()
    return case((or_(*(Identifier.kind == kind for kind in WEAK)), counted), else_=0)


def told_by(session: Session, identifier_id: int) -> list[int]:
    """Which others were told under a name by this one."""
    others = select(IdentifierName.identifier_id).where(
        IdentifierName.teller_id == identifier_id, IdentifierName.identifier_id != identifier_id
    )
    return sorted(session.scalars(others))


def forget(session: Session, identifier_id: int) -> None:
    """What was told of it, and by it."""
    own = IdentifierName.identifier_id == identifier_id, IdentifierName.teller_id == identifier_id
    session.execute(delete(IdentifierName).where(or_(*own)))


def _strength(row: Known) -> tuple[int, str, bytes]:
    return RULES[Kind(row.kind)].rank, row.namespace, bytes(row.value_hash)


_TOLD = Direct(
    select(*(getattr(IdentifierName, name) for name in Naming._fields)).where(
        among(IdentifierName.identifier_id, "ids")
    ),
    lambda identifier, teller, token, at: Naming(identifier, teller, bytes(token), at),
)
WRITTEN: Many[None] = insert_many(
    IdentifierName, *Naming._fields, once_by=("identifier_id", "teller_id"),
    change=lambda new: {"token": new.token, "at": new.at},
)  # fmt: skip
