"""Writing down while the platform waits: durable or an error, nothing in between."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import text

from app import inbox
from app.inbox import Arrival, Intake, NotWritten
from app.infra.db import Database, build_engine
from tests.conftest import NOON


@pytest.fixture
def intake(database: Database) -> Iterator[Intake]:
    made = Intake(database.engine)
    yield made
    made.close()


def arrival(name: str) -> Arrival:
    return Arrival("wecom", "ww1", name.encode(), "test", f"c:{name}", None, False, NOON)


def bodies(database: Database) -> set[bytes]:
    with database.reading() as session:
        return {event.body for event in inbox.listing(session, limit=1000)}


def test_many_threads_lose_nothing_and_store_nothing_twice(
    database: Database, intake: Intake
) -> None:
    names = [f"event {n % 150}" for n in range(300)]
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(lambda name: intake.write(arrival(name)), names))
    assert bodies(database) == {name.encode() for name in names}


def test_two_processes_worth_of_intakes_take_turns(database: Database) -> None:
    intakes = [Intake(database.engine) for _ in range(2)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: intakes[n % 2].write(arrival(str(n))), range(200)))
    assert len(bodies(database)) == 200
    for one in intakes:
        one.close()


def test_a_row_that_cannot_be_written_does_not_cost_its_neighbours(
    database: Database, intake: Intake
) -> None:
    names = ["before", "bad", "after"]
    outcomes: dict[str, str] = {}

    def write(name: str) -> None:
        try:
            intake.write(spoiled(arrival(name)) if name == "bad" else arrival(name))
            outcomes[name] = "written"
        except NotWritten:
            outcomes[name] = "not written"

    threads = [threading.Thread(target=write, args=(name,)) for name in names]
    with intake._gate:  # all of them wait: one commit for all
        for thread in threads:
            thread.start()
        while len(intake._waiting) < len(names):
            threading.Event().wait(0.001)
    for thread in threads:
        thread.join()
    assert outcomes == {"before": "written", "bad": "not written", "after": "written"}
    assert bodies(database) == {b"before", b"after"}


def spoiled(one: Arrival) -> Arrival:
    """An arrival that no database takes."""
    return replace(one, received_at=None)  # type: ignore[arg-type]


def test_an_interrupted_commit_is_an_error_for_everybody_who_shared_it(
    database: Database, intake: Intake, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object) -> None:
        raise SystemExit

    monkeypatch.setattr(intake, "_commit", interrupted)
    problems: list[BaseException] = []

    def write(name: str) -> None:
        try:
            intake.write(arrival(name))
        except BaseException as problem:
            problems.append(problem)

    threads = [threading.Thread(target=write, args=(name,)) for name in "ab"]
    with intake._gate:
        for thread in threads:
            thread.start()
        while len(intake._waiting) < 2:
            threading.Event().wait(0.001)
    for thread in threads:
        thread.join()
    assert {type(problem) for problem in problems} == {SystemExit, NotWritten}
    monkeypatch.undo()
    intake.write(arrival("after"))
    assert bodies(database) == {b"after"}


def test_a_cut_connection_is_replaced_without_the_platform_noticing(
    database: Database, intake: Intake
) -> None:
    if database.engine.dialect.name != "postgresql":
        pytest.skip("an embedded database has no connection to cut")
    intake.write(arrival("before"))
    with database.engine.connect() as connection:
        connection.execute(
            text(
                "select pg_terminate_backend(pid) from pg_stat_activity "
                "where datname = current_database() and pid <> pg_backend_pid()"
            )
        )
    intake.write(arrival("after"))
    assert bodies(database) == {b"before", b"after"}


def test_a_database_that_is_locked_for_long_is_an_error_in_time(
    tmp_path: Path, database: Database, intake: Intake, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.inbox.intake.PATIENCE_MS", 50)
    lock = "LOCK TABLE inbox_event" if database.engine.dialect.name == "postgresql" else None
    with database.transaction() as session:
        if lock:
            session.execute(text(lock))
        else:
            session.connection()  # BEGIN IMMEDIATE holds the writer's place
        with pytest.raises(NotWritten):
            intake.write(arrival("a"))
    intake.write(arrival("a"))
    assert bodies(database) == {b"a"}


def test_a_database_without_tables_is_an_error(tmp_path: Path) -> None:
    engine = build_engine(f"sqlite:///{tmp_path / 'empty.db'}")
    intake = Intake(engine)
    with pytest.raises(NotWritten, match="OperationalError"):
        intake.write(arrival("a"))
    intake.close()
    engine.dispose()
