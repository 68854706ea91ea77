"""Identifiers as rows: found by their blind index, written down when they are new."""

from __future__ import annotations

import base64
from collections.abc import Collection, Iterable
from datetime import datetime
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, and_, bindparam, or_, select
from sqlalchemy.orm import Session

from app.identity.models import Component, Identifier, IdentifierStatus, Physician
from app.identity.normalise import Id
from app.infra import crypto
from app.infra.direct import Direct
from app.infra.many import insert_many

LABEL_BYTES = 10  # 80 bits: two labels among five million meet with probability 1e-11
AT_ONCE = 16  # identifiers that one statement looks up
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
    keys, rows = list(by_hash.items()), {}
    for start in range(0, len(keys), AT_ONCE):
        few = keys[start : start + AT_ONCE]
        for row in _by_hashes(len(few)).all(session, _keys(few)):
            rows[by_hash[bytes(row.value_hash)]] = row
    return rows


def register(
    session: Session, groups: Iterable[Collection[Id]], now: datetime
) -> tuple[dict[Id, Known], set[Id]]:
    """Identifiers that were never seen, written down, those of a group in one component; and which
    of them somebody else wrote down meanwhile.

    None of those written down has a physician yet: whoever calls this gives them one.
    """
    by_size = sorted(groups, key=len)
    sizes = [{"size": len(group)} for group in by_size]
    homes = sorted(_COMPONENTS.all(session, sizes))
    news = [
        (one, component)
        for group, (_, component) in zip(by_size, homes, strict=True)
        for one in group
    ]
    rows = [_values(one, component, now) for one, component in sorted(news, key=_in_fixed_order)]
    numbers = {digest: number for number, digest in _IDENTIFIERS.all(session, rows)}
    born = {
        one: Known(numbers[digest], *(row[name] for name in Known._fields[1:]))
        for (one, _), row in zip(sorted(news, key=_in_fixed_order), rows, strict=True)
        if (digest := row["value_hash"]) in numbers
    }
    return born, {one for one, _ in news if one not in born}


def come_back(session: Session, identifier_id: int, one: Id, now: datetime) -> None:
    """It was forgotten, and now the person came back."""
    row = session.get_one(Identifier, identifier_id, populate_existing=True)
    row.value, row.first_seen_at = one.value, now
    session.get_one(Physician, row.one_id, populate_existing=True).live = True
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


def _in_fixed_order(new: tuple[Id, int]) -> tuple[str, str, str]:
    """Registering in one order avoids deadlocks."""
    return new[0].kind.value, new[0].namespace, new[0].value


def _keys(found: Iterable[tuple[bytes, Id]]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for n, (digest, one) in enumerate(found):
        values[f"k{n}"], values[f"n{n}"], values[f"h{n}"] = one.kind.value, one.namespace, digest
    return values


def _values(one: Id, component: int, now: datetime) -> dict[str, Any]:
    digest = value_hash(one)
    return {
        "kind": one.kind.value, "namespace": one.namespace, "value_hash": digest,
        "value": one.value, "component_id": component, "first_seen_at": now,
        "one_id": label_of(digest, one.kind.value, one.namespace),
    }  # fmt: skip


@cache
def _by_hashes(number: int) -> Direct[Known]:
    columns = [getattr(Identifier, name) for name in Known._fields]
    return Direct(select(*columns).where(by_keys(number)), Known)


_COMPONENTS = insert_many(
    Component, "size", gives=("size", "id"), make=lambda size, number: (size, number)
)
_IDENTIFIERS = insert_many(
    Identifier, "kind", "namespace", "value_hash", "value", "component_id", "one_id",
    "first_seen_at", constant={"status": f"'{IdentifierStatus.ACTIVE}'"},
    once_by=("kind", "namespace", "value_hash"), gives=("id", "value_hash"),
    make=lambda number, digest: (number, bytes(digest)),
)  # fmt: skip
