"""One leads, another takes over, and a deposed leader's writes are refused."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from app import campaigns, identity
from app.bootstrap import Parts, build
from app.campaigns import Schedule, ScheduleRun
from app.infra import leader
from app.infra.clock import local
from app.infra.database_clock import ASK_EVERY_S, DatabaseClock
from app.infra.db import Database
from app.infra.leader import LEASE, Deposed, Leader
from app.infra.settings import Settings
from tests.conftest import SetClock
from workers.leading import Leadership
from workers.sweeping import OFFICE, keep_quality, tick


def stand(database: Database, who: str, clock: SetClock) -> int | None:
    with database.transaction() as session:
        return leader.lead(session, OFFICE, who, clock())


def test_the_term_rises_with_each_take_over_only(database: Database, clock: SetClock) -> None:
    assert stand(database, "a", clock) == 1
    assert stand(database, "b", clock) is None
    clock.tick(seconds=4)
    assert stand(database, "a", clock) == 1  # renewed
    clock.tick(seconds=4)
    assert stand(database, "b", clock) is None
    clock.tick(seconds=2)
    assert stand(database, "b", clock) == 2
    assert stand(database, "a", clock) is None
    with database.transaction() as session:
        leader.resign(session, OFFICE, "b", clock())
    assert stand(database, "a", clock) == 3  # at once


def test_a_lease_from_a_clock_that_was_set_back_holds_nobody_up(
    database: Database, clock: SetClock
) -> None:
    assert stand(database, "a", clock) == 1
    clock.tick(days=-3)
    assert stand(database, "b", clock) == 2


@pytest.fixture
def parts(settings: Settings, clock: SetClock) -> Parts:
    return build(settings, clock=clock)


def hourly(parts: Parts) -> None:
    with parts.db.transaction() as session:
        row = Schedule(kind="campaign", ref_id=1, cron="0 * * * *", catch_up="all", max_catch_up=9)
        campaigns.wake(row, parts.clock())
        session.add(row)


def terms(parts: Parts) -> list[int]:
    with parts.db.reading() as session:
        return list(session.scalars(select(ScheduleRun.term).order_by(ScheduleRun.due_at)))


def test_a_paused_old_leader_writes_nothing_when_it_goes_on(parts: Parts, clock: SetClock) -> None:
    hourly(parts)
    old, new = Leadership(parts), Leadership(parts)
    old.beat()
    assert old.term == 1
    clock.tick(hours=1)  # the old leader stands still
    new.beat()
    assert new.term == 2
    assert terms(parts) == [2]
    clock.tick(hours=1)
    with pytest.raises(Deposed):
        tick(parts, old.term)
    assert terms(parts) == [2]  # refused, and nothing marked as done either
    old.beat()
    new.beat()
    assert (old.term, new.term) == (3, 0)  # the lease was over again: whoever asks first
    assert terms(parts) == [2, 3]


def test_the_quality_of_identities_is_noted_once_a_day(parts: Parts, clock: SetClock) -> None:
    assert [keep_quality(parts), keep_quality(parts)] == [True, False]
    clock.tick(days=1)
    assert [keep_quality(parts), keep_quality(parts)] == [True, False]
    with parts.db.reading() as session:
        assert len(identity.quality.trend(session, local(clock()).date())) == 2


def test_without_any_leadership_many_schedulers_are_safe_too(parts: Parts, clock: SetClock) -> None:
    hourly(parts)
    clock.tick(hours=2)
    assert [tick(parts), tick(parts), tick(parts, 0)] == [2, 0, 0]


def test_a_leader_that_stops_hands_over_at_once(parts: Parts, clock: SetClock) -> None:
    one, other = Leadership(parts), Leadership(parts)
    one.beat()
    other.beat()
    assert (one.term, other.term) == (1, 0)
    one.resign()
    other.beat()
    assert (one.term, other.term) == (0, 2)


def test_a_leader_writes_its_lease_only_now_and_then(parts: Parts, clock: SetClock) -> None:
    one = Leadership(parts)
    ends = set()
    for _ in range(10):
        one.beat()
        with parts.db.reading() as session:
            ends.add(session.get_one(Leader, OFFICE).expires_at)
        clock.tick(seconds=1)
    assert len(ends) == 4
    assert max(ends) <= clock() + LEASE


def test_the_databases_time_does_not_follow_a_jumping_host(database: Database) -> None:
    if database.engine.dialect.name != "postgresql":
        pytest.skip("SQLite has the time of its host")
    here = 100.0
    clock = DatabaseClock(database.engine, lambda: here)
    first = clock()
    here += 2.5
    assert clock() - first == timedelta(seconds=2.5)
    here += ASK_EVERY_S
    assert clock() - first < timedelta(seconds=2)  # asked again: no time has passed there
    here -= 3 * 24 * 3600
    assert abs(clock() - first) < timedelta(seconds=2)


def test_a_database_that_is_away_does_not_stop_the_clock(database: Database) -> None:
    if database.engine.dialect.name != "postgresql":
        pytest.skip("SQLite has the time of its host")
    from app.infra.db import build_engine

    here = 100.0
    clock = DatabaseClock(
        build_engine("postgresql+psycopg://nobody@127.0.0.1:9/none"), lambda: here
    )
    first = clock()
    assert clock() >= first
