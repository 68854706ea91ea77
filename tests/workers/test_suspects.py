"""An event that ends its process, among others that wait."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import select

from app import inbox
from app.flows import Flow
from app.inbox import InboxEvent
from app.infra.db import Database
from tests.conftest import SetClock
from tests.inbox.test_work import arrive
from workers import drain

POISON = b"poison"


class Ended(BaseException):
    """The process is gone: nothing below catches it."""


def test_what_ends_its_process_costs_its_neighbours_one_attempt(
    database: Database, clock: SetClock, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    applied: Counter[bytes] = Counter()

    def apply(_session: Any, fact: bytes, _prepared: Any, _event: Any, _now: datetime) -> None:
        if fact == POISON:
            raise Ended
        applied[fact] += 1

    flow = Flow("test", lambda fact, _outside: fact, apply)
    monkeypatch.setattr(drain, "read", lambda claim: (claim.body, flow))
    parts: Any = SimpleNamespace(db=database, clock=clock, outside=None)
    for name in (POISON.decode(), *(f"neighbour {n}" for n in range(40))):
        arrive(database, clock, name, partition=name)
    for _ in range(12):
        try:
            drain.drain_inbox(parts)
        except Ended:
            pass
        clock.tick(seconds=4)
    with database.reading() as session:
        rows = session.scalars(select(InboxEvent).order_by(InboxEvent.id)).all()
    assert [row.state for row in rows] == ["dead", *["done"] * 40]
    assert max(row.attempts for row in rows[1:]) <= 2
    assert set(applied.values()) == {1}
    assert rows[0].attempts == inbox.MAX_ATTEMPTS
