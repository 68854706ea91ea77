"""SQLite as the product uses it: WAL, synced, one writer at a time and each in its turn.

Every writing transaction starts with BEGIN IMMEDIATE: one that reads first and writes later would
otherwise fail with SQLITE_BUSY_SNAPSHOT, which no busy time-out can mend.
"""

from __future__ import annotations

import sqlite3
import time
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
    _wait_at_most(connection, round(PATIENCE_S * 1000))


def _begin_writing(connection: Any, turns: Turns) -> None:
    driver = connection.connection.driver_connection
    end = time.monotonic() + PATIENCE_S
    _wait_at_most(driver, LOOK_MS)
    try:
        while time.monotonic() < end:
            turns.give_way()
            problem = _begun(driver)
            if problem is None:
                return
            if problem.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
                break
        connection.exec_driver_sql("BEGIN IMMEDIATE")  # raises what SQLAlchemy makes of it
    finally:
        _wait_at_most(driver, round(PATIENCE_S * 1000))


def _begun(driver: sqlite3.Connection) -> sqlite3.Error | None:
    try:
        driver.execute("BEGIN IMMEDIATE")
    except sqlite3.Error as problem:
        return problem
    return None


def _wait_at_most(driver: sqlite3.Connection, milliseconds: int) -> None:
    driver.execute(f"PRAGMA busy_timeout={milliseconds}").close()
