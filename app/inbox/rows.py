"""Arrivals into the database, many in one transaction, through one connection of its own."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from sqlalchemy import Engine, PoolProxiedConnection

from app.inbox.batches import Outcome
from app.inbox.statement import MOST_ROWS, DriverInsert
from app.inbox.store import REPEATS, Arrival
from app.infra.crashpoint import crashpoint
from app.infra.direct import DriverStatement
from app.infra.sqlite import LOOK_MS, begin_immediate, wait_at_most
from app.infra.turns import Turns

PATIENCE_MS = 3500  # for a lock or a statement; whoever waits for the answer has given up by then


class Rows:
    """One thread at a time."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._turns = Turns(engine.url)
        self._statements: tuple[DriverInsert, DriverStatement] | None = None
        self._connection: PoolProxiedConnection | None = None

    def commit(self, arrivals: Sequence[Arrival]) -> Sequence[Outcome]:
        """What became of each; one bad row does not cost its neighbours."""
        try:
            rows = [arrival.row() for arrival in arrivals]
            with self._turns.mine():
                self._commit_again_if_cut_off(rows, arrivals)
        except Exception as problem:
            if len(arrivals) == 1 or self.is_away(problem):
                return [problem] * len(arrivals)
            return [outcome for arrival in arrivals for outcome in self.commit([arrival])]
        return [None] * len(arrivals)

    def is_away(self, problem: Exception) -> bool:
        """False when the row itself is the problem, and not the database."""
        driver = self._engine.dialect.dbapi
        of_the_row: tuple[type[Exception], ...] = (ValueError, TypeError, AttributeError)
        if driver is not None:
            of_the_row += (driver.DataError, driver.IntegrityError)
        return not isinstance(problem, of_the_row)

    def close(self) -> None:
        """Give up the connection; the next arrival opens another."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(Exception):
                connection.rollback()  # closing alone does not end SQLite's transaction at once
            connection.invalidate()  # its patience must not reach others through the pool

    def _commit_again_if_cut_off(
        self, rows: list[dict[str, Any]], arrivals: Sequence[Arrival]
    ) -> None:
        connection = self._connection = self._connection or self._connect()
        try:
            self._commit(connection, rows, arrivals)
        except BaseException as problem:
            cut_off = self._is_cut_off(connection, problem)
            self.close()
            if not cut_off:
                raise
            self._connection = self._connect()
            self._commit(self._connection, rows, arrivals)  # if the first went through: same keys

    def _commit(
        self,
        connection: PoolProxiedConnection,
        rows: list[dict[str, Any]],
        arrivals: Sequence[Arrival],
    ) -> None:
        insert, _ = self._statements = self._statements or self._compile(list(rows[0]))
        *most, last = [rows[at : at + MOST_ROWS] for at in range(0, len(rows), MOST_ROWS)]
        written = 0
        cursor = connection.cursor()
        begun = self._begin(connection, cursor, alone=not most)
        for piece in most:
            cursor.execute(insert.of(len(piece)), insert.parameters(*piece))
            written += cursor.rowcount
        crashpoint("ack.inserted")
        cursor.execute(insert.of(len(last)), insert.parameters(*last))
        written += cursor.rowcount
        if written < len(rows):
            self._read_again(cursor, rows, arrivals)
        if begun:
            cursor.execute("COMMIT")
        cursor.close()

    def _begin(self, connection: PoolProxiedConnection, cursor: Any, *, alone: bool) -> bool:
        """False when there is no need: a statement alone is its own transaction. On SQLite it
        would then wait in its own way for the writer's place, which stands free meanwhile."""
        if self._engine.dialect.name == "sqlite":
            driver: Any = connection.dbapi_connection
            begin_immediate(driver, PATIENCE_MS / 1000)
        elif alone:
            return False
        else:
            cursor.execute("BEGIN")
        return True

    def _read_again(
        self, cursor: Any, rows: list[dict[str, Any]], arrivals: Sequence[Arrival]
    ) -> None:
        """Some bytes were here already: where that may be news, an event of our own is appended."""
        assert self._statements is not None
        insert, repeats = self._statements
        for row, arrival in zip(rows, arrivals, strict=True):
            again = arrival.again()
            if again is not None and len(rows) > 1:  # which of them?
                cursor.execute(repeats.text, repeats.parameters(row))
                again = again if cursor.fetchone() is not None else None
            if again is not None:
                cursor.execute(insert.of(1), insert.parameters(again.row()))

    def _compile(self, columns: list[str]) -> tuple[DriverInsert, DriverStatement]:
        dialect = self._engine.dialect
        repeats = DriverStatement(dialect, REPEATS, ["dedupe_key", "received_at"])
        return DriverInsert(dialect, columns), repeats

    def _is_cut_off(self, connection: PoolProxiedConnection, problem: BaseException) -> bool:
        dialect = self._engine.dialect
        if dialect.dbapi is None or not isinstance(problem, dialect.dbapi.Error):
            return False
        return dialect.is_disconnect(problem, connection, None)

    def _connect(self) -> PoolProxiedConnection:
        connection = self._engine.raw_connection()
        driver: Any = connection.dbapi_connection
        if self._engine.dialect.name == "postgresql":
            driver.rollback()
            driver.autocommit = True
            driver.execute(f"SET statement_timeout = {PATIENCE_MS}")
        else:
            wait_at_most(driver, LOOK_MS)
        return connection
