"""SQLite as the product uses it: WAL, synced, one writer at a time and each in its turn.

Every writing transaction starts with BEGIN IMMEDIATE: one that reads first and writes later would
otherwise fail with SQLITE_BUSY_SNAPSHOT, which no busy time-out can mend.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from typing import Any

from sqlalchemy import Engine, event

from app.infra.turns import Turns

PATIENCE_S = 15.0
LOOK_MS = 5
"""SQLite's own way of waiting sleeps longer and longer, up to a tenth of a second, while the place
stands free. So its patience is short, and asked for again."""


def tune(engine: Engine) -> None:
    """Prepare every connection of `engine` and begin its transactions."""
    turns = Turns(engine.url)

    def begin(connection: Any) -> None:
        if connection.get_execution_options().get("yishu_reading", False):
            connection.exec_driver_sql("BEGIN")
        else:
            _begin_writing(connection, turns)

    event.listen(engine, "connect", _tune)
    event.listen(engine, "begin", begin)


def _tune(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # we say BEGIN ourselves
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")
    wait_at_most(connection, round(PATIENCE_S * 1000))


def _begin_writing(connection: Any, turns: Turns) -> None:
    driver = connection.connection.driver_connection
    wait_at_most(driver, LOOK_MS)
    try:
        begin_immediate(driver, PATIENCE_S, turns.give_way)
    except sqlite3.Error:
        connection.exec_driver_sql("BEGIN IMMEDIATE")  # raises what SQLAlchemy makes of it
    finally:
        wait_at_most(driver, round(PATIENCE_S * 1000))


def begin_immediate(
    driver: sqlite3.Connection, patience_s: float, before: Callable[[], object] = lambda: None
) -> None:
    """Begin to write, as soon as the place is free; `before` each look. Raises sqlite3.Error."""
    end = time.monotonic() + patience_s
    while True:
        before()
        try:
            driver.execute("BEGIN IMMEDIATE")
            return
        except sqlite3.Error as problem:
            busy = problem.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY
            if not busy or time.monotonic() > end:
                raise


def wait_at_most(driver: sqlite3.Connection, milliseconds: int) -> None:
    driver.execute(f"PRAGMA busy_timeout={milliseconds}").close()
