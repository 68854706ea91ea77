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

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from app.inbox.store import Arrival, insert_once

PATIENCE_MS = 3500  # the platforms hang up after five seconds


@dataclass(slots=True, eq=False)
class _Ticket:
    row: dict[str, Any]
    done: bool = False
    problem: SQLAlchemyError | None = None


class Intake:
    """Writes arrivals through one connection of its own."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._statement = insert_once(engine.dialect.name)
        self._gate = threading.Lock()
        self._waiting: deque[_Ticket] = deque()
        self._connection: Connection | None = None

    def write(self, arrival: Arrival) -> None:
        """Return when `arrival` is durable, or was before. Raises SQLAlchemyError."""
        ticket = _Ticket(arrival.row())
        self._waiting.append(ticket)
        with self._gate:
            if not ticket.done:
                self._write(self._all_waiting())
        if ticket.problem is not None:
            raise ticket.problem

    def close(self) -> None:
        """Give the connection back."""
        if self._connection is not None:
            with suppress(SQLAlchemyError):
                self._connection.close()
            self._connection = None

    def _all_waiting(self) -> list[_Ticket]:
        tickets = []
        with suppress(IndexError):
            while True:
                tickets.append(self._waiting.popleft())
        return tickets

    def _write(self, tickets: list[_Ticket]) -> None:
        try:
            self._commit_again_if_cut_off([ticket.row for ticket in tickets])
        except SQLAlchemyError as problem:
            if len(tickets) > 1:  # one bad row must not cost its neighbours
                for ticket in tickets:
                    self._write([ticket])
                return
            tickets[0].problem = problem
        for ticket in tickets:
            ticket.done = True

    def _commit_again_if_cut_off(self, rows: list[dict[str, Any]]) -> None:
        try:
            self._commit(rows)
        except DBAPIError as problem:
            self.close()
            if not problem.connection_invalidated:
                raise
            self._commit(rows)  # harmless if the first commit went through: same keys
        except SQLAlchemyError:
            self.close()
            raise

    def _commit(self, rows: list[dict[str, Any]]) -> None:
        if self._connection is None:
            self._connection = self._connect()
        self._connection.execute(self._statement, rows if len(rows) > 1 else rows[0])
        self._connection.commit()

    def _connect(self) -> Connection:
        connection = self._engine.connect()
        connection.detach()  # its patience must not reach others through the pool
        if self._engine.dialect.name == "postgresql":
            connection.exec_driver_sql(f"SET statement_timeout = {PATIENCE_MS}")
            connection.commit()
        else:
            connection.exec_driver_sql(f"PRAGMA busy_timeout = {PATIENCE_MS}")
            connection.rollback()
        return connection
