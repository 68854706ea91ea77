"""Arrivals into the database, many in one transaction, through one connection of its own."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from sqlalchemy import Engine, PoolProxiedConnection

from app.inbox.batches import Outcome
from app.inbox.statement import MOST_ROWS, DriverInsert
from app.inbox.store import Arrival
from app.inbox.turns import Turns
from app.infra.crashpoint import crashpoint

PATIENCE_MS = 3500  # for a lock or a statement; whoever waits for the answer has given up by then
BEGIN = {"postgresql": "BEGIN", "sqlite": "BEGIN IMMEDIATE"}


class Rows:
    """One thread at a time."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._turns = Turns(engine)
        self._statement: DriverInsert | None = None
        self._connection: PoolProxiedConnection | None = None

    def commit(self, arrivals: Sequence[Arrival]) -> Sequence[Outcome]:
        """What became of each; one bad row does not cost its neighbours."""
        try:
            rows = [arrival.row() for arrival in arrivals]
            with self._turns.mine():
                self._commit_again_if_cut_off(rows)
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

    def _commit_again_if_cut_off(self, rows: list[dict[str, Any]]) -> None:
        connection = self._connection = self._connection or self._connect()
        try:
            self._commit(connection, rows)
        except BaseException as problem:
            cut_off = self._is_cut_off(connection, problem)
            self.close()
            if not cut_off:
                raise
            self._connection = self._connect()
            self._commit(self._connection, rows)  # if the first went through: same keys

    def _commit(self, connection: PoolProxiedConnection, rows: list[dict[str, Any]]) -> None:
        insert = self._statement = self._statement or DriverInsert(
            self._engine.dialect, list(rows[0])
        )
        *most, last = [rows[at : at + MOST_ROWS] for at in range(0, len(rows), MOST_ROWS)]
        cursor = connection.cursor()
        if most:  # a statement alone is its own transaction
            cursor.execute(BEGIN[self._engine.dialect.name])
        for piece in most:
            cursor.execute(insert.text(len(piece)), insert.parameters(piece))
        crashpoint("ack.inserted")
        cursor.execute(insert.text(len(last)), insert.parameters(last))
        if most:
            cursor.execute("COMMIT")
        cursor.close()

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
            driver.execute(f"PRAGMA busy_timeout = {PATIENCE_MS}")
        return connection
