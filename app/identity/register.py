"""Identifiers as rows: found by their blind index, written down when they are new."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from datetime import datetime
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, and_, bindparam, or_, select
from sqlalchemy.orm import Session

from app.identity import changed
from app.identity.models import Component, Identifier, IdentifierStatus, Physician
from app.identity.normalise import Id
from app.infra import crypto
from app.infra.db import insert_once
from app.infra.direct import Direct

LABEL_BYTES = 10  # 80 bits: two labels among five million meet with probability 1e-11
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


def registered(session: Session, ids: Iterable[Id], now: datetime) -> dict[Id, Known]:
    """These identifiers, written down where they were not."""
    wanted = sorted(set(ids), key=_fixed_order)
    rows = read(session, wanted)
    news = [one for one in wanted if one not in rows or not rows[one].value]
    for one in news:
        if one in rows:
            _come_back(session, rows[one].id, one, now)
        else:
            _add(session, one, now)
    return read(session, wanted) if news else rows


def read(session: Session, ids: Iterable[Id]) -> dict[Id, Known]:
    """Those of these identifiers that were ever seen."""
    by_hash = {value_hash(one): one for one in ids}
    rows = _by_hashes(len(by_hash)).all(session, keys_of(by_hash.values()))
    return {by_hash[bytes(row.value_hash)]: row for row in rows}


def keys_of(ids: Iterable[Id]) -> dict[str, Any]:
    """Values of `by_keys`: of each identifier its kind, namespace and blind index."""
    values: dict[str, Any] = {}
    for n, one in enumerate(ids):
        values |= {f"k{n}": one.kind.value, f"n{n}": one.namespace, f"h{n}": value_hash(one)}
    return values


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


def ensure_physician(session: Session, one_id: str, anchor: int, now: datetime) -> None:
    """The ONE ID has a physician."""
    values: dict[str, Any] = {
        "one_id": one_id, "anchor_id": anchor, "live": True, "title": "", "specialty": "",
        "department": "", "hospital": "", "city": "", "province": "", "verified": False,
        "created_at": now, "updated_at": now,
    }  # fmt: skip
    if insert_once(session, Physician, values, "one_id"):
        changed.note_people(session, [one_id])


def _fixed_order(one: Id) -> tuple[str, str, str]:
    """Registering in one order avoids deadlocks."""
    return one.kind.value, one.namespace, one.value


@cache
def _by_hashes(number: int) -> Direct[Known]:
    columns = [getattr(Identifier, name) for name in Known._fields]
    return Direct(select(*columns).where(by_keys(number)), Known)


def _add(session: Session, one: Id, now: datetime) -> None:
    component = Component(size=1)
    session.add(component)
    session.flush()
    digest = value_hash(one)
    values: dict[str, Any] = {
        "kind": one.kind.value,
        "namespace": one.namespace,
        "value_hash": digest,
        "value": one.value,
        "component_id": component.id,
        "one_id": label_of(digest, one.kind.value, one.namespace),
        "status": IdentifierStatus.ACTIVE,
        "first_seen_at": now,
    }
    insert_once(session, Identifier, values, "kind", "namespace", "value_hash")
    row = read(session, [one])[one]
    ensure_physician(session, row.one_id, row.id, now)


def _come_back(session: Session, identifier_id: int, one: Id, now: datetime) -> None:
    """It was forgotten, and now the person came back."""
    row = session.get_one(Identifier, identifier_id, populate_existing=True)
    row.value, row.first_seen_at = one.value, now
    session.get_one(Physician, row.one_id).live = True
    changed.note(session, row.id)
    session.flush()
