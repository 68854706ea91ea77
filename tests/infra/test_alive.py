"""A transaction never begins on a connection that has ended, and asks only when it has to."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import text

from app.infra import alive
from app.infra.db import Database


def test_a_connection_that_ended_while_idle_is_replaced_and_others_are_not_asked(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    if database.engine.dialect.name != "postgresql":
        pytest.skip("an SQLite connection is a file")
    asked: list[Any] = []
    ping = database.engine.dialect.do_ping
    monkeypatch.setattr(
        database.engine.dialect, "do_ping", lambda one: asked.append(one) or ping(one)
    )

    def number() -> int:
        with database.transaction() as session:
            return int(session.scalar(text("select pg_backend_pid()")) or 0)

    first = number()
    assert number() == first
    assert asked == [], "it was used just now, and there is nothing to read"
    monkeypatch.setattr(alive, "ASK_AFTER_S", 0.0)
    assert number() == first
    assert len(asked) == 1, "it was idle"
    monkeypatch.setattr(alive, "ASK_AFTER_S", 5.0)
    with database.engine.connect() as mine, database.engine.connect() as other:
        ended = mine.scalar(text("select pg_backend_pid()"))
        mine.rollback()
        other.execute(text("select pg_terminate_backend(:pid, 5000)"), {"pid": ended})
    assert number() not in {ended, 0}
    assert number() not in {ended, 0}
