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
from app.campaigns import Schedule, ScheduleRun, Stage, look
from app.campaigns.due import KEPT_MISSED, MOST_CATCH_UP, Found, check_cron, next_times
from app.campaigns.lifecycle import ALLOWED, check_move
from app.infra.clock import SHANGHAI, local
from app.infra.db import Database
from app.infra.errors import Refused
from tests.company import hire
from tests.conftest import SetClock


def china(day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(2026, 11, day, hour, minute, tzinfo=SHANGHAI).astimezone(UTC)


def due_of(
    cron: str, catch_up: str, after: datetime, until: datetime, most: int = 50
) -> list[datetime]:
    return list(look(cron, None, catch_up, most, after, until).due)


def test_cron_times_are_wall_times_in_china_and_open_at_the_left() -> None:
    assert due_of("0 9 * * *", "all", china(24, 9), china(26, 9)) == [china(25, 9), china(26, 9)]


@pytest.mark.parametrize(
    ("catch_up", "due", "missed"),
    [("all", [24, 25, 26], []), ("last", [26], [24, 25]), ("skip", [], [24, 25, 26])],
)
def test_what_happens_to_times_that_were_missed(
    catch_up: str, due: list[int], missed: list[int]
) -> None:
    found = look("0 9 * * *", None, catch_up, 50, china(23, 12), china(26, 12))
    assert found.due == [china(day, 9) for day in due]
    assert found.missed == [china(day, 9) for day in missed]


def test_a_single_time_is_due_once() -> None:
    at = china(24, 10)
    assert look("", at, "last", 1, china(24, 9), china(24, 10)).due == [at]
    assert look("", at, "last", 1, china(24, 10), china(24, 11)).due == []
    assert look("", None, "last", 1, china(24, 10), china(24, 11)).due == []
    assert look("", at, "skip", 1, china(24, 9), china(24, 11)) == Found([], [at])


@pytest.mark.parametrize("most", [1, 5, MOST_CATCH_UP])
def test_a_long_outage_is_not_made_up_for_without_end(most: int) -> None:
    found = look("* * * * *", None, "all", most, china(20, 0), china(26, 0))
    assert len(found.due) == most
    assert found.due[-1] == china(26, 0)
    assert len(found.missed) == KEPT_MISSED
    assert found.missed[-1] == found.due[0] - timedelta(minutes=1)
    assert found.more_missed


def test_the_next_times_are_in_order_and_end() -> None:
    assert next_times("5 10 * * mon", None, china(24, 0), 2) == [
        china(30, 10, 5),
        china(30, 10, 5) + timedelta(days=7),
    ]
    assert next_times("", china(24, 9), china(24, 8), 3) == [china(24, 9)]
    assert next_times("", china(24, 9), china(24, 9), 3) == []


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 2 * 24 * 60), min_size=1, max_size=12))
def test_however_often_one_looks_each_time_is_found_exactly_once(looks: list[int]) -> None:
    start, end = china(24, 0), china(26, 0)
    moments = [start, *(start + timedelta(minutes=m) for m in sorted(looks)), end]
    found = [
        due
        for after, until in itertools.pairwise(moments)
        for due in due_of("0 * * * *", "all", after, until)
    ]
    assert found == due_of("0 * * * *", "all", start, end)


@pytest.mark.parametrize("cron", ["", "* * * *", "61 * * * *", "every day", "* * * * * *"])
def test_an_unreadable_cron_is_refused_with_an_example(cron: str) -> None:
    with pytest.raises(Refused, match="例如"):
        campaigns.check_cron(cron)


def test_a_cron_that_never_comes_is_refused() -> None:
    with pytest.raises(Refused, match="永远不会"):
        campaigns.check_cron("0 0 31 2 *")


def test_the_life_of_a_campaign_is_a_table() -> None:
    for now in Stage:
        for to in Stage:
            if to in ALLOWED[now]:
                check_move(now, to)
            else:
                with pytest.raises(Refused):
                    check_move(now, to)
    assert not ALLOWED[Stage.FINISHED]


def schedule(
    database: Database,
    now: datetime,
    cron: str,
    catch_up: str = "all",
    ref_id: int = 1,
    most: int = 50,
) -> int:
    with database.transaction() as session:
        row = Schedule(
            kind="campaign", ref_id=ref_id, cron=cron, catch_up=catch_up, max_catch_up=most
        )
        campaigns.wake(row, now)
        session.add(row)
        session.flush()
        return row.id


def runs(database: Database) -> list[datetime]:
    with database.reading() as session:
        made = select(ScheduleRun.due_at).where(ScheduleRun.state != "missed")
        return list(session.scalars(made.order_by(ScheduleRun.due_at)))


def missed(database: Database) -> list[datetime]:
    with database.reading() as session:
        made = select(ScheduleRun.due_at).where(ScheduleRun.state == "missed")
        return list(session.scalars(made.order_by(ScheduleRun.due_at)))


def beat(database: Database, now: datetime) -> int:
    with database.transaction() as session:
        campaigns.keep_daily_plans(session, now)
        return campaigns.tick(session, now)


def test_two_schedulers_at_once_write_each_run_once(database: Database, clock: SetClock) -> None:
    schedule(database, clock(), "*/10 * * * *")
    barrier = threading.Barrier(2)

    def beats() -> None:
        for _ in range(5):
            barrier.wait()
            with database.transaction() as session:
                campaigns.tick(session, clock())
            if barrier.wait() == 0:
                clock.tick(minutes=20)

    threads = [threading.Thread(target=beats) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = runs(database)
    assert len(found) == len(set(found)) == 8
    assert [b - a for a, b in itertools.pairwise(found)] == [timedelta(minutes=10)] * 7


@pytest.mark.parametrize("catch_up", ["all", "last", "skip"])
@pytest.mark.parametrize("jumps", [(3, -3), (-3, 3), (3, -3, -3, 3), (-3, 3, 3, -3)])
def test_a_clock_that_jumps_by_days_and_comes_back_skips_nothing_and_repeats_nothing(
    database: Database, clock: SetClock, catch_up: str, jumps: tuple[int, ...]
) -> None:
    start = clock()
    schedule(database, start, "0 * * * *", catch_up, most=MOST_CATCH_UP)
    beat(database, clock.tick(hours=1))
    for jump in jumps:
        clock.tick(days=jump)
        for _ in range(3):
            beat(database, clock.tick(minutes=1))
    ticks = [start + timedelta(hours=half / 2, minutes=half % 9) for half in range(2, 193)]
    with database.transaction() as session:  # twice an hour, and nine minutes late at most
        for clock.now in [tick for tick in ticks if tick > clock()]:
            campaigns.tick(session, clock())
    found = runs(database)
    assert len(found) == len(set(found))
    assert found[0] > start  # what was before the schedule was never due
    wanted = [start + timedelta(hours=hour) for hour in range(1, 97)]
    assert set(wanted) - set(found) == set()
    assert [late for late in found if late > start + timedelta(days=4)] == []


def test_a_single_time_that_a_wrong_clock_ran_early_is_not_run_again(
    database: Database, clock: SetClock
) -> None:
    with database.transaction() as session:
        row = Schedule(kind="campaign", ref_id=1, at=clock() + timedelta(days=2))
        campaigns.wake(row, clock())
        session.add(row)
    for days in (3, -3, 1, 2, -3, 3, 3):
        beat(database, clock.tick(days=days))
    assert len(runs(database)) == 1


def test_missed_and_late_runs_are_visible(database: Database, clock: SetClock) -> None:
    schedule(database, clock(), "0 * * * *", "last")
    beat(database, clock.tick(hours=3, minutes=30))
    beat(database, clock.tick(minutes=30))
    noon = clock() - timedelta(hours=4)
    assert missed(database) == [noon + timedelta(hours=hour) for hour in (1, 2)]
    with database.reading() as session:
        late = {run.due_at: run.late for run in session.scalars(select(ScheduleRun))}
    assert late[noon + timedelta(hours=3)] == timedelta(minutes=30)
    assert late[noon + timedelta(hours=4)] == timedelta(0)


def test_a_tick_looks_only_at_what_is_due(database: Database, clock: SetClock) -> None:
    schedule(database, clock(), "0 * * * *")
    schedule(database, clock(), "0 9 * * *", ref_id=2)
    with database.transaction() as session:
        assert not campaigns.is_due(session, clock.tick(minutes=59))
        assert campaigns.is_due(session, clock.tick(minutes=1))
        assert campaigns.tick(session, clock()) == 1
        assert not campaigns.is_due(session, clock())
        looked = session.scalars(select(Schedule.watermark).order_by(Schedule.ref_id)).all()
        assert looked == [clock(), clock() - timedelta(hours=1)]


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
            assert campaigns.try_run(session, run.id, clock())
            assert not campaigns.try_run(session, run.id, clock()), "another is at it"
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
    beat(database, clock())
    for hour, minute in ((9, 0), (10, 30), (23, 0)):
        clock.now = china(24, hour, minute)
        beat(database, clock())
    assert runs(database) == [china(24, 9), china(24, 10, 30)]
    clock.now = china(25, 8)
    with database.transaction() as session:
        again = reps.find_rep(session, "wwtestcorp", "rep01")
        gone = reps.find_rep(session, "wwtestcorp", "rep02")
        assert again is not None
        assert gone is not None
        again.daily_at_minute = 14 * 60
        reps.leave(session, gone, clock())
    beat(database, clock())
    clock.now = china(25, 23)
    beat(database, clock())
    assert runs(database)[2:] == [china(25, 14)]


def test_nothing_is_planned_at_the_weekend(database: Database, clock: SetClock) -> None:
    with database.transaction() as session:
        hire(session, "rep01", clock())
    clock.now = china(27, 23)  # a Friday
    beat(database, clock())
    before = len(runs(database))
    clock.now = china(29, 23)
    beat(database, clock())
    with database.reading() as session:
        assert session.scalar(select(func.count(ScheduleRun.id))) == before


def test_the_next_time_is_known() -> None:
    assert campaigns.next_due("5 10 * * mon", None, china(24, 12)) == china(30, 10, 5)
    assert campaigns.next_due("", china(25, 9), china(24, 12)) == china(25, 9)
    assert campaigns.next_due("", china(24, 9), china(24, 12)) is None
    assert campaigns.next_due("", None, china(24, 12)) is None


def test_a_schedule_of_working_days_rests_on_holidays_and_works_on_made_up_weekends() -> None:
    before = datetime(2026, 9, 30, 2, 0, tzinfo=UTC)
    times = next_times("0 9 * * workday", None, before, 4)
    assert [local(at).strftime("%m-%d %H:%M") for at in times] == [
        "10-08 09:00", "10-09 09:00", "10-10 09:00", "10-12 09:00",
    ]  # fmt: skip
    check_cron("20 9 * * workday")
    with pytest.raises(Refused, match="永远不会到来"):
        check_cron("0 9 30 2 workday")
