"""Welcomes first, then what was tried, then the rest in time; nothing that waits is sorted."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import update
from sqlalchemy.orm import Session

from app import delivery
from app.delivery import Dispatch, State, Way
from app.delivery.models import SendBucket
from app.infra.db import Database
from tests.conftest import NOON

APP = "wxsampleaccount01"


def write(
    session: Session, key: str, way: Way = Way.OA_TEXT, *, later: int = 0, **fields: object
) -> int:
    """A message of an hour ago, `later` by so many minutes."""
    made = delivery.queue(
        session, way=way, dedupe_key=key, now=NOON - timedelta(minutes=60 - later),
        not_after=NOON + timedelta(days=1),
        payload={"app_id": APP, "openid": key, "text": "您好"},
    )  # fmt: skip
    assert made is not None
    if fields:
        session.execute(update(Dispatch).where(Dispatch.id == made).values(**fields))
    return made


def empty_bucket() -> SendBucket:
    return SendBucket(
        bucket="api_minute", account=APP, subject="message/custom/send", level=0.0,
        ready_at=NOON.timestamp() + 1,
    )  # fmt: skip


def test_the_order_in_which_messages_leave(database: Database) -> None:
    with database.transaction() as session:
        late = write(session, "late", later=9)
        early = write(session, "early", later=1)
        tried = write(session, "tried", later=5, maybe_sent=True)
        greeting = write(session, "greeting", Way.WELCOME, later=8)
        greeted = write(session, "greeted", Way.WELCOME, later=3, maybe_sent=True)
        write(session, "tomorrow", not_before=NOON + timedelta(days=1))
        write(session, "gone", state=State.SENT)
    expected = [greeted, greeting, tried, early, late]
    with database.transaction() as session:
        assert delivery.due(session, NOON) == expected
        assert delivery.due(session, NOON, 4) == expected[:4]
        assert [row.id for row in delivery.pick(session, NOON, 2)] == expected[:2]
        assert [row.id for row in delivery.pick(session, NOON, 9, only=late)] == [late]


def test_what_a_limit_holds_back_is_walked_past(database: Database) -> None:
    with database.transaction() as session:
        for number in range(30):
            write(session, f"held {number}")
        held = write(session, "held")
        other = write(session, "other", Way.OA_TEMPLATE, later=30)
        session.add(empty_bucket())
    with database.transaction() as session:
        assert delivery.due(session, NOON, 5) == [other]
        assert delivery.pick(session, NOON, 1, only=held) == []
        assert len(delivery.due(session, NOON + timedelta(seconds=2), 50)) == 32


def test_what_another_worker_looks_at_is_passed_over(database: Database) -> None:
    if database.engine.dialect.name != "postgresql":
        pytest.skip("on SQLite a claim is alone")
    with database.transaction() as session:
        ids = [write(session, f"message {number:02}", later=number) for number in range(12)]
    with database.transaction() as mine:
        assert [row.id for row in delivery.pick(mine, NOON, 5)] == ids[:5]
        with database.transaction() as other:
            assert [row.id for row in delivery.pick(other, NOON, 5)] == ids[5:10]
        with database.reading() as looking:
            assert delivery.due(looking, NOON, 2) == ids[:2]


@pytest.mark.parametrize("held_back", [False, True])
def test_nothing_that_waits_is_sorted(database: Database, held_back: bool) -> None:
    if database.engine.dialect.name != "sqlite":
        pytest.skip("PostgreSQL chooses by what a table holds")
    said: list[str] = []
    with database.transaction() as session:
        if held_back:
            session.add(empty_bucket())
            session.flush()
        driver = session.connection().connection.driver_connection
        assert driver is not None
        driver.set_trace_callback(said.append)
        delivery.due(session, NOON)
        driver.set_trace_callback(None)
        walks = [one for one in said if one.startswith("SELECT dispatch.id")]
        assert len(walks) == 3
        for walk in walks:
            (plan,) = driver.execute(f"EXPLAIN QUERY PLAN {walk}").fetchall()
            assert "COVERING INDEX ix_dispatch_" in plan[3]
