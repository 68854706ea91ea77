"""Statements about arrivals as the driver takes them: compiled once, without the ORM around it.

The acknowledgement of a callback is little more than this one statement, so what SQLAlchemy does
for each execution would be the greater part of it. Types are still converted by the columns.
Several rows are one statement: each costs a parameter list, and neither a round trip nor a turn of
the interpreter's lock.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from sqlalchemy import ClauseElement, Dialect

from app.inbox.models import InboxEvent
from app.inbox.store import insert_of

MOST_ROWS = 64  # in one statement; an old SQLite takes 999 values
POSITIONAL = {"postgresql": "format", "sqlite": "qmark"}


class DriverStatement:
    """`text` and `parameters(row)` for a cursor of `dialect`'s driver."""

    def __init__(self, dialect: Dialect, statement: ClauseElement, columns: list[str]) -> None:
        positional = type(dialect)(paramstyle=POSITIONAL[dialect.name])  # type: ignore[call-arg]
        compiled: Any = statement.compile(dialect=positional, column_keys=columns)
        self.text = str(compiled)
        self._columns = [(name, _converter(dialect, name)) for name in compiled.positiontup or ()]

    def parameters(self, *rows: Mapping[str, Any]) -> list[Any]:
        """The values of these rows, one after the other."""
        return [
            convert(row[name]) if convert else row[name]
            for row in rows
            for name, convert in self._columns
        ]


class DriverInsert(DriverStatement):
    """The insert that leaves a row with the same dedupe key as it is, for many rows."""

    def __init__(self, dialect: Dialect, columns: list[str]) -> None:
        super().__init__(dialect, insert_of(dialect.name).inline(), columns)
        self._head, mark, rest = self.text.partition(" VALUES ")
        self._row, conflict, tail = rest.partition(" ON CONFLICT ")
        self._tail = conflict + tail
        self._head += mark

    @lru_cache(maxsize=MOST_ROWS)  # noqa: B019  # one lives as long as its process
    def of(self, rows: int) -> str:
        """The statement for so many rows."""
        return self._head + ", ".join([self._row] * rows) + self._tail


def _converter(dialect: Dialect, name: str) -> Callable[[Any], Any] | None:
    kind = InboxEvent.__table__.c[name].type.dialect_impl(dialect)
    return kind.bind_processor(dialect)
