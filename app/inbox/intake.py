"""Committing what arrives while somebody waits for the answer.

Threads of one process that arrive together share one commit: whoever holds the gate writes all
rows that wait, so that a burst costs a few syncs of the disk and not one each. Nobody waits for
others to come.
"""

from __future__ import annotations

import threading
from collections import deque
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Engine, PoolProxiedConnection

from app.inbox.statement import DriverInsert
from app.inbox.store import Arrival
from app.inbox.turns import Turns
from app.infra.crashpoint import crashpoint
from app.infra.errors import Transient

PATIENCE_MS = 3500  # the platforms hang up after five seconds
BEGIN = {"postgresql": "BEGIN", "sqlite": "BEGIN IMMEDIATE"}


class NotWritten(Transient):
    """The arrival is not in the database; the message is the type of the cause."""


@dataclass(slots=True, eq=False)
class _Ticket:
    row: dict[str, Any]
    written: bool = False
    problem: Exception | None = None

    @property
    def settled(self) -> bool:
        return self.written or self.problem is not None


class Intake:
    """Writes arrivals through one connection of its own."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._turns = Turns(engine)
        self._gate = threading.Lock()
        self._waiting: deque[_Ticket] = deque()
        self._statement: DriverInsert | None = None
        self._connection: PoolProxiedConnection | None = None

    def write(self, arrival: Arrival) -> None:
        """Return when `arrival` is durable, or was before. Raises NotWritten."""
        ticket = _Ticket(arrival.row())
        self._waiting.append(ticket)
        with self._gate:
            if not ticket.settled:
                self._write_all(self._take_waiting())
        if not ticket.written:
            raise NotWritten(type(ticket.problem).__name__) from ticket.problem

    def close(self) -> None:
        """Give up the connection; the next arrival opens another."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(Exception):
                connection.rollback()  # closing alone does not end SQLite's transaction at once
            connection.invalidate()  # its patience must not reach others through the pool

    def _take_waiting(self) -> list[_Ticket]:
        tickets = []
        with suppress(IndexError):
            while True:
                tickets.append(self._waiting.popleft())
        return tickets

    def _write_all(self, tickets: list[_Ticket]) -> None:
        try:
            with self._turns.mine():
                self._write(tickets)
        except Exception as problem:
            _settle(tickets, problem)
        except BaseException:  # this thread is being stopped: the others must not wait for it
            _settle(tickets, InterruptedError())
            raise

    def _write(self, tickets: list[_Ticket]) -> None:
        try:
            self._commit_again_if_cut_off([ticket.row for ticket in tickets])
        except Exception as problem:
            if len(tickets) == 1:
                _settle(tickets, problem)
                return
            for ticket in tickets:  # one bad row must not cost its neighbours
                self._write([ticket])
            return
        for ticket in tickets:
            ticket.written = True

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
        cursor = connection.cursor()
        if len(rows) == 1:  # a statement alone is its own transaction
            cursor.execute(insert.text, insert.parameters(rows[0]))
        else:
            cursor.execute(BEGIN[self._engine.dialect.name])
            cursor.executemany(insert.text, [insert.parameters(row) for row in rows])
            crashpoint("ack.inserted")
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


def _settle(tickets: list[_Ticket], problem: Exception) -> None:
    for ticket in tickets:
        if not ticket.settled:
            ticket.problem = problem
