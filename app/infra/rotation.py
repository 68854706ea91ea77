"""Encrypting everything again under the newest key.

Safe to run while the product works and to run again after it was stopped: rows are taken in small
transactions, and a value that is already under the newest key is left alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from sqlalchemy import Column, LargeBinary, Table, select, type_coerce, update
from sqlalchemy.orm import Session

from app.infra import crypto
from app.infra.db import Base, Database, Encrypted

BATCH = 200


def encrypted_columns() -> Iterable[tuple[Table, list[Column[Any]]]]:
    """Every table with encrypted columns, and those columns."""
    for table in Base.metadata.sorted_tables:
        columns = [column for column in table.columns if isinstance(column.type, Encrypted)]
        if columns:
            yield table, columns


def rotate(db: Database, say: Callable[[str, int], None] = lambda _table, _n: None) -> int:
    """Encrypt every older value again; returns how many values were changed."""
    total = 0
    for table, columns in encrypted_columns():
        changed, last = 0, None
        while True:
            with db.transaction() as session:
                last, some = _batch(session, table, columns, last)
            changed += some
            if last is None:
                break
        say(table.name, changed)
        total += changed
    return total


def _batch(
    session: Session, table: Table, columns: list[Column[Any]], after: Any
) -> tuple[Any, int]:
    """One batch in order of the primary key; the last key, or None at the end."""
    (key,) = table.primary_key.columns
    raw = [type_coerce(column, LargeBinary).label(column.name) for column in columns]
    chosen = select(key.label("row_key"), *raw).order_by(key).limit(BATCH).with_for_update()
    if after is not None:
        chosen = chosen.where(key > after)
    rows = session.execute(chosen).all()
    changed = 0
    for row in rows:
        values = {}
        for column in columns:
            stored = getattr(row, column.name)
            fresh = _again(column, stored)
            if fresh is not None:
                values[column.name] = type_coerce(fresh, LargeBinary)
        if values:
            session.execute(update(table).where(key == row.row_key).values(values))
            changed += len(values)
    return (rows[-1].row_key if len(rows) == BATCH else None), changed


def _again(column: Column[Any], stored: bytes | None) -> bytes | None:
    ring = crypto.ring()
    if not stored or ring.is_current(bytes(stored)):
        return None
    context = column.type.context  # type: ignore[attr-defined]
    return ring.encrypt(ring.decrypt(bytes(stored), context), context)
