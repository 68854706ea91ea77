"""A small company whose plans draw and toss, for tests of decisions and policies."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import event, select
from sqlalchemy.orm import Session

from app import tagging
from app.flows.planning.plan_day import plan_day
from app.infra.clock import local
from app.infra.db import Database
from app.recommend import DailyPlan, State, Suggestion
from app.recommend.policy import policies
from app.recommend.policy.policies import Settings
from app.recommend.policy.policy_models import Decision, Policy, PolicyState
from app.reps import Rep
from tests.company import hire, meet, publish
from tests.conftest import SetClock


@pytest.fixture
def session(database: Database, clock: SetClock) -> Session:  # type: ignore[misc]
    with database.transaction() as session:
        tagging.seed(session, clock())
        yield session  # type: ignore[misc]


def company(session: Session, now: datetime, people: int, limit: int = 10) -> Rep:
    rep = hire(session, "rep01", now, daily_limit=limit)
    for n in range(people):
        meet(session, rep, f"p{n}", now, tags=("af", "heart-failure"), specialty="心内科")
    for n in range(4):
        publish(session, f"房颤{n}", ("af",) if n % 2 else ("af", "heart-failure"), now, days=400)
    return rep


def plan(session: Session, rep: Rep, now: datetime) -> DailyPlan:
    return plan_day(session, rep, local(now).date(), base_url="http://yishu.test", now=now)


def make_live(session: Session, now: datetime, **settings: float) -> Policy:
    """As if it had passed the gate and its trial."""
    row = policies.draft(session, Settings("示例", **settings), by="user:1", now=now)  # type: ignore[arg-type]
    before = policies.live(session)
    assert before is not None
    before.state, row.state, row.live_at = PolicyState.RETIRED, PolicyState.LIVE, now
    before.ended_at = now
    session.flush()
    return row


def decisions(session: Session) -> list[Decision]:
    return list(session.scalars(select(Decision).order_by(Decision.rep_id, Decision.position)))


def ripe(session: Session, clock: SetClock, days: int) -> None:
    """Everything was shown, half of it is taken."""
    for n, row in enumerate(session.scalars(select(Suggestion).order_by(Suggestion.id))):
        row.delivered_at = row.created_at
        row.state = State.ADOPTED if n % 2 else State.EXPIRED
    session.flush()
    clock.tick(days=days)


@contextmanager
def explained(session: Session) -> Iterator[list[str]]:
    """The way that the database goes for each statement, filled at the end of the block."""
    asked: list[tuple[str, Any]] = []
    ways: list[str] = []

    def note(_conn: Any, _cursor: Any, statement: str, values: Any, *_more: Any) -> None:
        asked.append((statement, values))

    connection = session.connection()
    event.listen(connection, "before_cursor_execute", note)
    yield ways
    event.remove(connection, "before_cursor_execute", note)
    explain = "EXPLAIN QUERY PLAN"
    if connection.dialect.name == "postgresql":
        explain = "EXPLAIN"
        connection.exec_driver_sql("SET LOCAL enable_seqscan = off")  # one row is read whole
    for statement, values in asked:
        ways.append(str(connection.exec_driver_sql(f"{explain} {statement}", values).all()))
