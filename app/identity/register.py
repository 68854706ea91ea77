"""Identifiers as rows: found by their blind index, written down when they are new."""

from __future__ import annotations

import base64
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, and_, bindparam, insert, literal_column, or_, select, true
from sqlalchemy.dialects import postgresql
from sqlalchemy.orm import Session

from app.identity import changed, news
from app.identity.models import Component, Identifier, IdentifierStatus, Physician
from app.identity.normalise import Id
from app.infra import crypto
from app.infra.direct import Direct
from app.infra.many import given, insert_many, update_many

LABEL_BYTES = 10  # 80 bits: two labels among five million meet with probability 1e-11
_UNIQUE = "kind", "namespace", "value_hash"
FEW = 4  # identifiers that a condition names one by one on SQLite
PAIR = 2  # and on PostgreSQL, which reads all of a small table for more
CROCKFORD = str.maketrans("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", "0123456789ABCDEFGHJKMNPQRSTVWXYZ")


class Known(NamedTuple):
    """An identifier as it was read; `value` is empty when it was forgotten."""

    id: int
    kind: str
    namespace: str
    value_hash: bytes
    value: str
    component_id: int
    one_id: str

    def __repr__(self) -> str:
        """Without the value: it is personal data, and this may reach a log."""
        return f"Known({self.id}, {self.kind})"


AnIdentifier = Identifier | Known


def read(session: Session, ids: Iterable[Id]) -> dict[Id, Known]:
    """Those of these identifiers that were ever seen."""
    by_hash = {value_hash(one): one for one in ids}
    keys = list(by_hash.items())
    if len(keys) > PAIR and session.get_bind().dialect.name == "postgresql":
        asked = [dict(zip(_UNIQUE, (one.kind.value, one.namespace, digest), strict=True))
                 for digest, one in keys]  # fmt: skip
        found = _MET.all(session, {"rows": asked})
    else:
        found = []
        for start in range(0, len(keys), FEW):
            few = keys[start : start + FEW]
            found += _by_hashes(len(few)).all(session, _keys(few))
    return {by_hash[bytes(row.value_hash)]: row for row in found}


def register(
    session: Session, groups: Iterable[Collection[Id]], now: datetime
) -> tuple[dict[Id, Known], set[Id]]:
    """Identifiers that were never seen, written down, those of a group in one component; and which
    of them somebody else wrote down meanwhile.

    None of those written down has a physician yet: whoever calls this gives them one.
    """
    families = list(groups)
    if len(families) == 1 and session.get_bind().dialect.name == "postgresql":
        rows = _rows(dict.fromkeys(families[0], 0), now)
        stored = _FAMILY.all(session, {"rows": list(rows.values()), "size": len(rows)})
    else:
        homes = _new_components(session, families)
        homes_of = {one: home for group, home in zip(families, homes, strict=True) for one in group}
        rows = _rows(homes_of, now)
        stored = _IDENTIFIERS.all(session, list(rows.values()))
    numbers = {digest: (number, component) for number, digest, component in stored}
    born = {
        one: _known(row, *numbers[row["value_hash"]])
        for one, row in rows.items()
        if row["value_hash"] in numbers
    }
    if len(born) < len(rows):
        sizes = Counter(row.component_id for row in born.values())
        _SIZES.run(session, [{"id": home, "size": size} for home, size in sizes.items()])
    return born, set(rows) - set(born)


def come_back(session: Session, identifier_id: int, one: Id, now: datetime) -> None:
    """It was forgotten, and now the person came back."""
    row = session.get_one(Identifier, identifier_id, populate_existing=True)
    row.value, row.first_seen_at = one.value, now
    session.get_one(Physician, row.one_id, populate_existing=True).live = True
    changed.note(session, row.id)
    news.tell(session, row.id, news.WHO)
    session.flush()


def keys_of(ids: Iterable[Id]) -> dict[str, Any]:
    """Values of `by_keys`: of each identifier its kind, namespace and blind index."""
    return _keys((value_hash(one), one) for one in ids)


def by_keys(number: int) -> ColumnElement[bool]:
    """The condition that finds so many identifiers by `keys_of`."""
    return or_(
        *(
            and_(
                Identifier.kind == bindparam(f"k{n}"),
                Identifier.namespace == bindparam(f"n{n}"),
                Identifier.value_hash == bindparam(f"h{n}"),
            )
            for n in range(number)
        )
    )


def label_of(value_hash: bytes, kind: str, namespace: str) -> str:
    """The ONE ID that an identifier gives: readable, and not invertible without the key."""
    digest = crypto.blind_index(f"{kind}\x00{namespace}\x00{value_hash.hex()}", "one_id")
    return "YS" + base64.b32encode(digest[:LABEL_BYTES]).decode().translate(CROCKFORD)


def value_hash(one: Id) -> bytes:
    """The blind index under which an identifier is found; kind and namespace are part of it."""
    return crypto.blind_index(one.value, f"identifier:{one.kind.value}:{one.namespace}")


def _keys(found: Iterable[tuple[bytes, Id]]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for n, (digest, one) in enumerate(found):
        values[f"k{n}"], values[f"n{n}"], values[f"h{n}"] = one.kind.value, one.namespace, digest
    return values


def _rows(homes: Mapping[Id, int], now: datetime) -> dict[Id, dict[str, Any]]:
    """In one order everywhere, which avoids deadlocks."""
    in_order = sorted(homes, key=lambda one: (one.kind.value, one.namespace, one.value))
    return {
        one: {
            "kind": one.kind.value, "namespace": one.namespace, "value_hash": digest,
            "value": one.value, "component_id": homes[one], "first_seen_at": now,
            "one_id": label_of(digest, one.kind.value, one.namespace),
        }
        for one in in_order
        for digest in (value_hash(one),)
    }  # fmt: skip


def _known(row: Mapping[str, Any], number: int, component: int) -> Known:
    return Known(
        number, row["kind"], row["namespace"], row["value_hash"], row["value"], component,
        row["one_id"],
    )  # fmt: skip


@cache
def _by_hashes(number: int) -> Direct[Known]:
    columns = [getattr(Identifier, name) for name in Known._fields]
    return Direct(select(*columns).where(by_keys(number)), Known)


def _new_components(session: Session, groups: Sequence[Collection[Id]]) -> list[int]:
    """One for each group."""
    stored = sorted(_COMPONENTS.all(session, [{"size": len(group)} for group in groups]))
    in_order = sorted(range(len(groups)), key=lambda n: len(groups[n]))
    homes = dict(zip(in_order, (component for _, component in stored), strict=True))
    return [homes[n] for n in range(len(groups))]


_COMPONENTS = insert_many(
    Component, "size", gives=("size", "id"), make=lambda size, number: (size, number)
)
_SIZES = update_many(Component, "id", "size")
_COLUMNS = "kind", "namespace", "value_hash", "value", "one_id", "first_seen_at"
_STATUS = {"status": f"'{IdentifierStatus.ACTIVE}'"}
_GIVES = "id", "value_hash", "component_id"


def _stored(number: int, digest: bytes, component: int) -> tuple[int, bytes, int]:
    return number, bytes(digest), component


_IDENTIFIERS = insert_many(
    Identifier, *_COLUMNS, "component_id", constant=_STATUS, once_by=_UNIQUE, gives=_GIVES,
    make=_stored,
)  # fmt: skip


def _family() -> Any:
    """Identifiers and their one component, in one statement of PostgreSQL."""
    table: Any = Identifier.__table__
    rows = given(table, _COLUMNS, "rows")
    home = insert(Component).values(size=bindparam("size")).returning(Component.id)
    of_it = home.cte("home")
    whole = select(
        *(rows.c[name] for name in _COLUMNS), of_it.c.id, literal_column(_STATUS["status"])
    )
    return (
        postgresql.insert(table)
        .from_select([*_COLUMNS, "component_id", "status"], whole, include_defaults=False)
        .on_conflict_do_nothing(index_elements=_UNIQUE)
        .returning(*(table.c[name] for name in _GIVES))
    )


def _met() -> Any:
    """Many identifiers by their keys. Each is looked up by itself: as a plain join, a plan that was
    made while the table was small would read all of it for ever."""
    rows = given(Identifier.__table__, _UNIQUE, "rows")
    same = (getattr(Identifier, name) == rows.c[name] for name in _UNIQUE)
    columns = [getattr(Identifier, name) for name in Known._fields]
    each = select(*columns).where(*same).limit(literal_column("1")).lateral("met")
    return select(*each.c).select_from(rows).join(each, true())


_MET = Direct(_met(), Known)
_FAMILY = Direct(_family(), _stored)
