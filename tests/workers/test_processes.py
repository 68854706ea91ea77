"""Worker and scheduler as the real processes they are, with and without Redis."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
import redis
from sqlalchemy import select

from app import inbox
from app.campaigns import Schedule, ScheduleRun
from app.infra.clock import utc_now
from app.infra.db import Database, build_engine
from app.infra.leader import Leader
from app.infra.queue import FAST, RedisBell
from app.infra.settings import Settings
from tests.conftest import SetClock, make_settings
from tests.inbox.test_work import arrive
from workers.leading import Leadership
from workers.scheduler import clock_of, keep_beating
from workers.sweeping import OFFICE

ROOT = Path(__file__).parents[2]
PROMPT_S = 15  # seconds on a busy machine; a worker ends by itself after four


@pytest.fixture
def database(sqlite_template: Path, tmp_path: Path) -> Iterator[Database]:
    path = tmp_path / "yishu.db"
    path.write_bytes(sqlite_template.read_bytes())
    engine = build_engine(f"sqlite:///{path}")
    yield Database(engine)
    engine.dispose()


@pytest.fixture
def own_redis(valkey_url: str) -> Iterator[str]:
    connection = redis.Redis.from_url(valkey_url)
    connection.flushdb()
    yield valkey_url
    connection.flushdb()
    connection.close()


@contextmanager
def process(module: str, settings: Settings) -> Iterator[subprocess.Popen[bytes]]:
    values = {
        name.upper(): str(value)
        for name, value in settings.model_dump().items()
        if isinstance(value, str)
    }
    running = subprocess.Popen(
        [sys.executable, "-m", module], cwd=ROOT, env={**os.environ, **values},
        stderr=subprocess.PIPE,
    )  # fmt: skip
    try:
        yield running
    finally:
        running.kill()
        running.communicate()


def until(true: Callable[[], bool], within_s: float = 40.0) -> bool:
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        if true():
            return True
        time.sleep(0.05)
    return False


def handled(database: Database, number: int) -> bool:
    with database.reading() as session:
        return inbox.count_by_state(session)["unknown"] == number


def settings_of(database: Database, redis_url: str) -> Settings:
    return make_settings(database.engine.url.render_as_string(False), redis_url)


def stop(running: subprocess.Popen[bytes]) -> tuple[int, float, bytes]:
    began = time.monotonic()
    running.send_signal(signal.SIGTERM)
    _, errors = running.communicate(timeout=30)
    return running.returncode, time.monotonic() - began, errors


def test_a_worker_without_redis_works_by_polling_and_stops_quickly(
    database: Database, tmp_path: Path
) -> None:
    clock = SetClock(utc_now())
    arrive(database, clock, "a", "b")
    with process("workers.worker", settings_of(database, f"unix://{tmp_path}/no.sock")) as running:
        assert until(lambda: handled(database, 2))
        arrive(database, clock, "c")
        assert until(lambda: handled(database, 3), within_s=4)
        code, took_s, errors = stop(running)
    assert code == 0
    assert took_s < PROMPT_S
    assert b"Traceback" not in errors


def test_a_worker_answers_bells_at_once_and_stops_quickly(
    database: Database, own_redis: str
) -> None:
    clock = SetClock(utc_now())
    bell = RedisBell(redis.Redis.from_url(own_redis))
    with process("workers.worker", settings_of(database, own_redis)) as running:
        arrive(database, clock, "a")
        assert until(lambda: handled(database, 1))
        slowest = 0.0
        for number in range(2, 6):
            arrive(database, clock, f"event {number}")
            rung = time.monotonic()
            bell.ring("workers.jobs.inbox.drain", lane=FAST)
            assert until(lambda number=number: handled(database, number), within_s=3)  # type: ignore[misc]
            slowest = max(slowest, time.monotonic() - rung)
        assert slowest < 0.9  # polling alone would take up to a second each time
        code, took_s, errors = stop(running)
    assert code == 0
    assert took_s < PROMPT_S
    assert b"Traceback" not in errors


def test_the_scheduler_sweeps_forgotten_events_and_stops_quickly(
    database: Database, own_redis: str
) -> None:
    arrive(database, SetClock(utc_now()), "forgotten")
    store = redis.Redis.from_url(own_redis)
    with process("workers.scheduler", settings_of(database, own_redis)) as running:
        assert until(lambda: store.llen("rq:queue:normal") > 0)
        code, took_s, errors = stop(running)
    assert code == 0
    assert took_s < PROMPT_S
    assert b"Traceback" not in errors


def office(database: Database) -> tuple[int, int]:
    """Term and process id of the leader; zeros before there is one."""
    with database.reading() as session:
        row = session.get(Leader, OFFICE)
        return (row.term, int(row.holder.split(":")[1])) if row else (0, 0)


def test_another_scheduler_leads_soon_after_the_first_one_died(
    database: Database, tmp_path: Path
) -> None:
    settings = settings_of(database, f"unix://{tmp_path}/no.sock")
    with (
        process("workers.scheduler", settings) as one,
        process("workers.scheduler", settings) as two,
    ):
        assert until(lambda: office(database)[0] == 1, within_s=90)
        leader = one if office(database)[1] == one.pid else two
        other = two if leader is one else one
        assert until(lambda: other.poll() is None)
        leader.kill()
        died = time.monotonic()
        assert until(lambda: office(database) == (2, other.pid), within_s=30)
        assert time.monotonic() - died < 15  # six seconds, and a busy machine
        assert stop(other)[0] == 0
        with database.reading() as session:
            assert session.get_one(Leader, OFFICE).expires_at <= utc_now()  # left at once


def hourly_schedule(database: Database, ref_id: int) -> None:
    """One that was due at the last full hour, and that nobody has looked at since."""
    since = utc_now() - timedelta(hours=1, minutes=1)
    with database.transaction() as session:
        session.add(
            Schedule(
                kind="campaign", ref_id=ref_id, cron="0 * * * *", since=since, watermark=since,
                next_due_at=since, active=True,
            )
        )  # fmt: skip


def terms_of_runs(database: Database) -> dict[int, set[int]]:
    """In which terms the runs of each schedule were written."""
    found: dict[int, set[int]] = {}
    with database.reading() as session:
        rows = session.execute(
            select(Schedule.ref_id, ScheduleRun.term).join_from(ScheduleRun, Schedule)
        )
        for ref_id, term in rows:
            found.setdefault(ref_id, set()).add(term)
    return found


def test_a_scheduler_that_was_stopped_does_nothing_with_its_old_term(
    database: Database, tmp_path: Path
) -> None:
    settings = settings_of(database, f"unix://{tmp_path}/no.sock")
    with (
        process("workers.scheduler", settings) as one,
        process("workers.scheduler", settings) as two,
    ):
        assert until(lambda: office(database)[0] == 1, within_s=90)
        old = one if office(database)[1] == one.pid else two
        new = two if old is one else one
        with database.transaction() as session:
            session.connection()  # begun: nobody writes, so what stands still holds no lock of SQLite
            old.send_signal(signal.SIGSTOP)
        try:
            hourly_schedule(database, 1)
            assert until(lambda: office(database) == (2, new.pid), within_s=40)
            assert until(lambda: terms_of_runs(database) == {1: {2}})
            hourly_schedule(database, 2)  # due now: the old one would write it if it could
        finally:
            old.send_signal(signal.SIGCONT)
        assert until(lambda: terms_of_runs(database) == {1: {2}, 2: {2}}, within_s=30)
        assert office(database) == (2, new.pid)
        code, _, _ = stop(old)
        assert code == 0
        assert office(database) == (2, new.pid)  # and leaving it ends nobody else's term
        assert terms_of_runs(database) == {1: {2}, 2: {2}}


def test_a_late_beat_is_made_up_and_never_doubled(database: Database, tmp_path: Path) -> None:
    from app.bootstrap import build

    parts = build(settings_of(database, f"unix://{tmp_path}/no.sock"))
    clock = clock_of(parts, Leadership(parts))
    clock.start(paused=True)
    beats = clock.get_jobs()
    assert {beat.id for beat in beats} == {"sweep", "mend", "versions", "lead", "quality"}
    assert all(beat.misfire_grace_time is None for beat in beats)
    assert all(beat.coalesce and beat.max_instances == 1 for beat in beats)
    for beat in beats:  # as after the host's clock was set back by three days
        beat.modify(next_run_time=utc_now() + timedelta(days=3))
    keep_beating(clock)
    assert all(beat.next_run_time <= utc_now() for beat in clock.get_jobs())
    clock.shutdown(wait=False)
    parts.db.engine.dispose()
