"""The insert of arrivals as the driver takes it, for many rows at once.

The acknowledgement of a callback is little more than this one statement, so what SQLAlchemy does
for each execution would be the greater part of it. Several rows are one statement: each costs a
parameter list, and neither a round trip nor a turn of the interpreter's lock.
"""

from __future__ import annotations

from functools import lru_cache

from sqlalchemy import Dialect

from app.inbox.store import insert_of
from app.infra.direct import DriverStatement

MOST_ROWS = 64  # in one statement; an old SQLite takes 999 values


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
