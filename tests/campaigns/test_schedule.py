"""Every due time happens once, whoever ticks, whatever the clock does."""

from __future__ import annotations

import itertools
import threading
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from app import campaigns, reps
from app.campaigns import Schedule, ScheduleRun, Stage, due_times
from app.campaigns.due import MAX_CATCH_UP
from app.campaigns.lifecycle import ALLOWED, check_move
from app.infra.clock import SHANGHAI
from app.infra.db import Database
from app.infra.errors import Refused
from tests.company import hire
from tests.conftest import SetClock


def china(day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(2026, 11, day, hour, minute, tzinfo=SHANGHAI).astimezone(UTC)


def test_cron_times_are_wall_times_in_china_and_open_at_the_left() -> None:
    found = due_times("0 9 * * *", None, "all", china(24, 9), china(26, 9))
    assert found == [china(25, 9), china(26, 9)]


@pytest.mark.parametrize(
    ("catch_up", "due"),
    [("all", [24, 25, 26]), ("last", [26]), ("skip", [])],
)
def test_what_happens_to_times_that_were_missed(catch_up: str, due: list[int]) -> None:
    found = due_times("0 9 * * *", None, catch_up, china(23, 12), china(26, 12))
    assert found == [china(day, 9) for day in due]


def test_a_single_time_is_due_once() -> None:
    at = china(24, 10)
    assert due_times("", at, "last", china(24, 9), china(24, 10)) == [at]
    assert due_times("", at, "last", china(24, 10), china(24, 11)) == []
    assert due_times("", None, "last", china(24, 10), china(24, 11)) == []


def test_a_long_outage_is_not_made_up_for_without_end() -> None:
    found = due_times("* * * * *", None, "all", china(20, 0), china(26, 0))
    assert len(found) == MAX_CATCH_UP
    assert found[-1] == china(26, 0)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 2 * 24 * 60), min_size=1, max_size=12))
def test_however_often_one_looks_each_time_is_found_exactly_once(looks: list[int]) -> None:
    start, end = china(24, 0), china(26, 0)
    moments = [start, *(start + timedelta(minutes=m) for m in sorted(looks)), end]
    found = [
        due
        for after, until in itertools.pairwise(moments)
        for due in due_times("0 * * * *", None, "all", after, until)
    ]
    assert found == due_times("0 * * * *", None, "all", start, end)


@pytest.mark.parametrize("cron", ["", "* * * *", "61 * * * *", "every day", "* * * * * *"])
def test_an_unreadable_cron_is_refused_with_an_example(cron: str) -> None:
    with pytest.raises(Refused, match="例如"):
        campaigns.check_cron(cron)


def test_the_life_of_a_campaign_is_a_table() -> None:
    for now in Stage:
        for to in Stage:
            if to in ALLOWED[now]:
                check_move(now, to)
            else:
                with pytest.raises(Refused):
                    check_move(now, to)
    assert not ALLOWED[Stage.FINISHED]


def schedule(database: Database, now: datetime, cron: str, **changes: object) -> int:
    with database.transaction() as session:
        values: dict[str, object] = {
            "kind": "campaign", "ref_id": 1, "cron": cron, "catch_up": "all", "watermark": now,
        }  # fmt: skip
        row = Schedule(**(values | changes))
        session.add(row)
        session.flush()
        return row.id


def runs(database: Database) -> list[datetime]:
    with database.reading() as session:
        return list(session.scalars(select(ScheduleRun.due_at).order_by(ScheduleRun.due_at)))


def test_two_schedulers_at_once_write_each_run_once(database: Database, clock: SetClock) -> None:
    schedule(database, clock(), "*/10 * * * *")
    barrier = threading.Barrier(2)

    def beat() -> None:
        for _ in range(5):
            barrier.wait()
            with database.transaction() as session:
                campaigns.tick(session, clock())
            if barrier.wait() == 0:
                clock.tick(minutes=20)

    threads = [threading.Thread(target=beat) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = runs(database)
    assert len(found) == len(set(found)) == 8
    assert [b - a for a, b in itertools.pairwise(found)] == [timedelta(minutes=10)] * 7


def test_a_clock_that_jumps_back_repeats_nothing(database: Database, clock: SetClock) -> None:
    schedule(database, clock(), "0 * * * *")
    for hours in (3, -2, 1, -3, 5):
        clock.tick(hours=hours)
        with database.transaction() as session:
            campaigns.tick(session, clock())
    assert len(runs(database)) == 4  # the clock was never later than four hours after the start


def test_an_unfinished_run_rings_again_until_it_is_done_or_given_up(
    database: Database, clock: SetClock
) -> None:
    schedule(database, clock(), "0 * * * *")
    with database.transaction() as session:
        assert campaigns.tick(session, clock.tick(hours=1)) == 1
        assert len(session.info["bells"]) == 1
    for attempt in range(1, 6):
        with database.transaction() as session:
            (run,) = campaigns.unfinished(session, clock())
            campaigns.fail_run(session, run.id, "Busy", clock())
            assert list(campaigns.unfinished(session, clock())) == []
            assert (run.attempts, run.state) == (attempt, "failed" if attempt == 5 else "due")
        clock.tick(minutes=3)


def test_each_active_rep_has_a_daily_plan_at_the_hour_of_the_rep(
    database: Database, clock: SetClock
) -> None:
    clock.now = china(24, 8)
    with database.transaction() as session:
        early, late = hire(session, "rep01", clock()), hire(session, "rep02", clock())
        early.daily_at_minute, late.daily_at_minute = 9 * 60, 10 * 60 + 30
        campaigns.tick(session, clock())
    for hour, minute in ((9, 0), (10, 30), (23, 0)):
        clock.now = china(24, hour, minute)
        with database.transaction() as session:
            campaigns.tick(session, clock())
    assert runs(database) == [china(24, 9), china(24, 10, 30)]
    clock.now = china(25, 8)
    with database.transaction() as session:
        again = reps.find_rep(session, "wwtestcorp", "rep01")
        gone = reps.find_rep(session, "wwtestcorp", "rep02")
        assert again is not None
        assert gone is not None
        again.daily_at_minute = 14 * 60
        reps.leave(session, gone, clock())
        session.flush()
        campaigns.tick(session, clock())
    clock.now = china(25, 23)
    with database.transaction() as session:
        campaigns.tick(session, clock())
    assert runs(database)[2:] == [china(25, 14)]


def test_nothing_is_planned_at_the_weekend(database: Database, clock: SetClock) -> None:
    with database.transaction() as session:
        hire(session, "rep01", clock())
    clock.now = china(27, 23)  # a Friday
    with database.transaction() as session:
        campaigns.tick(session, clock())
    before = len(runs(database))
    clock.now = china(29, 23)
    with database.transaction() as session:
        campaigns.tick(session, clock())
        assert session.scalar(select(func.count(ScheduleRun.id))) == before


def test_the_next_time_is_known() -> None:
    assert campaigns.next_due("5 10 * * mon", None, china(24, 12)) == china(30, 10, 5)
    assert campaigns.next_due("", china(25, 9), china(24, 12)) == china(25, 9)
    assert campaigns.next_due("", china(24, 9), china(24, 12)) is None
    assert campaigns.next_due("", None, china(24, 12)) is None
