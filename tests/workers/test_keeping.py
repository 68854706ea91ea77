"""What is in hand stays ours, what a dead process held does not."""

from __future__ import annotations

import threading
from collections.abc import Collection
from datetime import datetime
from typing import Any

import pytest
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from app.infra.db import Database
from tests.conftest import SetClock
from workers.keeping import HUNG_AFTER, Keeper


def test_everything_in_hand_is_renewed_together(database: Database, clock: SetClock) -> None:
    seen: list[tuple[str, list[Any], datetime]] = []

    def extend(kind: str) -> Any:
        def note(_session: Session, things: Collection[Any], now: datetime) -> None:
            seen.append((kind, sorted(things), now))

        return note

    kinds = {"send": extend("send"), "event": extend("event")}
    with Keeper(database, clock, kinds, every_s=60) as keeper:
        assert keeper.renew() == 0
        with keeper.holding("send", (1, 1)), keeper.holding("event", 7):
            keeper.take("send", (2, 1))
            assert keeper.renew() == 3
        keeper.let_go("send", (2, 1))
        assert keeper.renew() == 0
        with pytest.raises(KeyError):
            keeper.take("nobody's", 1)
    assert seen == [("send", [(1, 1), (2, 1)], clock()), ("event", [7], clock())]


def test_a_thread_renews_and_a_database_that_is_away_does_not_end_it(
    database: Database, clock: SetClock
) -> None:
    renewed, calls = threading.Event(), []

    def extend(_session: Session, things: Collection[Any], _now: datetime) -> None:
        calls.append(list(things))
        if len(calls) == 1:
            raise OperationalError("away", None, Exception("away"))
        renewed.set()

    with Keeper(database, clock, {"event": extend}, every_s=0.01) as keeper:
        with keeper.holding("event", 7):
            assert renewed.wait(10)
        thread = keeper._thread
    assert thread is not None
    thread.join(10)
    assert not thread.is_alive()
    assert calls[:2] == [[7], [7]]


def test_what_hangs_ends_the_process_so_that_it_can_be_parked(
    database: Database, clock: SetClock
) -> None:
    given_up: list[bool] = []
    kinds = {"event": lambda *_: None}
    with Keeper(
        database, clock, kinds, every_s=60, give_up=lambda: given_up.append(True)
    ) as keeper, keeper.holding("event", 7):  # fmt: skip
        for _ in range(HUNG_AFTER):
            keeper.take("event", 8)  # another event each time: as many as there are may pass
            keeper.renew()
            keeper.let_go("event", 8)
        assert not given_up
        keeper.renew()
    assert given_up
