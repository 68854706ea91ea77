"""Identifiers as rows: found by their blind index, written down when they are new."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import Select, and_, bindparam, or_, select
from sqlalchemy.orm import Session

from app.identity.models import Component, Identifier, IdentifierStatus, Physician
from app.identity.normalise import Id
from app.infra import crypto
from app.infra.db import insert_once

LABEL_BYTES = 10  # 80 bits: two labels among five million meet with probability 1e-11
CROCKFORD = str.maketrans("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", "0123456789ABCDEFGHJKMNPQRSTVWXYZ")


def registered(session: Session, ids: Iterable[Id], now: datetime) -> dict[Id, Identifier]:
    """The rows of these identifiers, made where there was none."""
    wanted = {one: value_hash(one) for one in sorted(set(ids), key=_fixed_order)}
    known = _find(session, wanted)
    rows = {}
    for one, digest in wanted.items():
        row = known.get(digest) or _add(session, one, digest, now)
        if not row.value:  # it was forgotten, and now the person came back
            row.value, row.first_seen_at = one.value, now
            session.get_one(Physician, row.one_id).live = True
        rows[one] = row
    return rows


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
    insert_once(session, Physician, values, "one_id")


def _fixed_order(one: Id) -> tuple[str, str, str]:
    """Registering in one order avoids deadlocks."""
    return one.kind.value, one.namespace, one.value


def _find(session: Session, wanted: dict[Id, bytes]) -> dict[bytes, Identifier]:
    values: dict[str, Any] = {}
    for n, (one, digest) in enumerate(wanted.items()):
        values |= {f"k{n}": one.kind.value, f"n{n}": one.namespace, f"h{n}": digest}
    rows = session.scalars(_by_hashes(len(wanted)), values)
    return {bytes(row.value_hash): row for row in rows}


@cache
def _by_hashes(number: int) -> Select[Identifier]:
    return select(Identifier).where(
        or_(
            *(
                and_(
                    Identifier.kind == bindparam(f"k{n}"),
                    Identifier.namespace == bindparam(f"n{n}"),
                    Identifier.value_hash == bindparam(f"h{n}"),
                )
                for n in range(number)
            )
        )
    )


def _add(session: Session, one: Id, digest: bytes, now: datetime) -> Identifier:
    component = Component(size=1)
    session.add(component)
    session.flush()
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
    row = _find(session, {one: digest})[digest]
    ensure_physician(session, row.one_id, row.id, now)
    return row
