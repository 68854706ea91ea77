"""Writing down while the platform waits: durable or an error, nothing in between."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from app import inbox
from app.inbox import Arrival, Intake, NotWritten, Spill
from app.inbox.rows import Rows
from app.infra.db import Database, build_engine
from tests.conftest import NOON
from tests.web.asgi_client import in_a_loop


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A slow disk is not what these tests are about."""
    monkeypatch.setattr("app.inbox.intake.PATIENCE_S", 60.0)


@pytest.fixture
def intake(database: Database, patient: None) -> Iterator[Intake]:
    made = Intake(database)
    yield made
    made.close()


@pytest.fixture
def spill(tmp_path: Path) -> Spill:
    return Spill(tmp_path / "spill")


def arrival(name: str) -> Arrival:
    return Arrival("wecom", "ww1", name.encode(), "test", f"c:{name}", None, False, NOON)


def spoiled(one: Arrival) -> Arrival:
    """An arrival that no database takes."""
    return replace(one, received_at=None)  # type: ignore[arg-type]


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


def test_a_repeat_is_read_again_where_it_may_be_news_and_nowhere_else(
    database: Database, intake: Intake
) -> None:
    def edit(name: str, after_ms: int, reads_only: bool) -> Arrival:
        at = NOON + timedelta(milliseconds=after_ms)
        return replace(arrival(f"<xml>{name}</xml>"), received_at=at, reads_only=reads_only)

    news = [edit(f"edit {n}", 0, True) for n in range(20)]
    words = [edit(f"word {n}", 0, False) for n in range(20)]
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(intake.write, news + words))
    assert len(bodies(database)) == 40
    repeated = [edit("edit 3", 500, True), edit("edit 4", 500, True), edit("word 3", 500, False)]
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(intake.write, [*repeated, *(edit(f"new {n}", 500, True) for n in range(9))]))
    again = sorted(body for body in bodies(database) if b"again" in body)
    assert [body.partition(b"<!--")[0] for body in again] == [
        b"<xml>edit 3</xml>", b"<xml>edit 4</xml>",
    ]  # fmt: skip
    intake.write(edit("edit 5", 900, True))  # alone in its transaction
    assert sum(b"again" in body for body in bodies(database)) == 3


def test_an_event_loop_writes_as_many_at_once_as_it_likes(
    database: Database, intake: Intake
) -> None:
    async def write_all() -> None:
        await asyncio.gather(*(intake.write_soon(arrival(str(n % 150))) for n in range(300)))

    in_a_loop(write_all())
    assert bodies(database) == {str(n).encode() for n in range(150)}


def test_a_batch_larger_than_a_statement_is_one_transaction_and_keeps_each_once(
    database: Database,
) -> None:
    rows = Rows(database.engine)
    outcomes = rows.commit([arrival(str(n % 150)) for n in range(300)])
    rows.close()
    assert outcomes == [None] * 300
    assert bodies(database) == {str(n).encode() for n in range(150)}


def test_who_stops_waiting_in_a_loop_does_not_cost_the_others(
    database: Database, intake: Intake
) -> None:
    async def write_some() -> None:
        tasks = [asyncio.create_task(intake.write_soon(arrival(str(n)))) for n in range(20)]
        await asyncio.sleep(0)
        tasks[0].cancel()
        await asyncio.gather(*tasks[1:])

    in_a_loop(write_some())
    assert {str(n).encode() for n in range(1, 20)} <= bodies(database)


def test_two_processes_worth_of_intakes_take_turns(database: Database, patient: None) -> None:
    intakes = [Intake(database) for _ in range(2)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: intakes[n % 2].write(arrival(str(n))), range(200)))
    assert len(bodies(database)) == 200
    for one in intakes:
        one.close()


def test_a_row_that_cannot_be_written_does_not_cost_its_neighbours(database: Database) -> None:
    rows = Rows(database.engine)
    outcomes = rows.commit([arrival("before"), spoiled(arrival("bad")), arrival("after")])
    rows.close()
    assert [outcome is None for outcome in outcomes] == [True, False, True]
    assert bodies(database) == {b"before", b"after"}


def test_a_row_that_cannot_be_written_is_not_spilled(database: Database, spill: Spill) -> None:
    intake = Intake(database, spill)
    with pytest.raises(NotWritten):
        intake.write(spoiled(arrival("bad")))
    intake.close()
    assert spill.waiting_bytes() == 0


def test_an_interrupted_commit_is_an_error_and_the_next_one_works(
    database: Database, intake: Intake, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object) -> None:
        raise SystemExit

    monkeypatch.setattr(intake._rows, "_commit", interrupted)
    with pytest.raises(NotWritten, match="InterruptedError"):
        intake.write(arrival("before"))
    monkeypatch.undo()
    monkeypatch.setattr("app.inbox.intake.REST_S", 0.0)
    intake._try_at = 0.0
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
    database: Database, intake: Intake, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.inbox.rows.PATIENCE_MS", 50)
    monkeypatch.setattr("app.inbox.intake.REST_S", 0.0)
    with database.transaction() as session:
        lock_writers(session.get_bind().dialect.name, session)
        with pytest.raises(NotWritten):
            intake.write(arrival("a"))
    intake.write(arrival("a"))
    assert bodies(database) == {b"a"}


def lock_writers(dialect: str, session: object) -> None:
    connection = session.connection()  # type: ignore[attr-defined]  # BEGIN IMMEDIATE on SQLite
    if dialect == "postgresql":
        connection.execute(text("LOCK TABLE inbox_event"))


def test_a_hung_database_costs_one_patience_and_the_spill_takes_over(
    database: Database, spill: Spill, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.inbox.intake.PATIENCE_S", 0.5)
    intake, hung = Intake(database, spill), threading.Event()
    waits = Rows._commit_again_if_cut_off

    def commit(rows: Rows, *values: Any) -> None:
        hung.wait(20)
        waits(rows, *values)

    monkeypatch.setattr(Rows, "_commit_again_if_cut_off", commit)
    intake.write(arrival("first"))  # after the patience
    intake.write(arrival("second"))  # at once: the hung commit is known
    assert bodies(database) == set()
    hung.set()
    while intake._database.busy_s():  # what hung goes through after all
        threading.Event().wait(0.01)
    assert spill.bring_in(database) == 2
    assert bodies(database) == {b"first", b"second"}
    intake.close()


def test_while_the_database_is_away_everything_is_spilled_and_brought_in_later(
    tmp_path: Path, spill: Spill, sqlite_template: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.inbox.intake.REST_S", 0.0)
    monkeypatch.setattr("app.inbox.bringer.EVERY_S", 0.05)
    path = tmp_path / "away" / "yishu.db"  # the folder does not exist: nothing can be opened
    database = Database(build_engine(f"sqlite:///{path}"))
    intake = Intake(database, spill)
    for name in ("a", "b", "a"):
        intake.write(arrival(name))
    path.parent.mkdir()
    path.write_bytes(sqlite_template.read_bytes())
    intake.write(arrival("c"))
    assert within(lambda: not spill.waiting_bytes())
    assert bodies(database) == {b"a", b"b", b"c"}
    intake.close()
    database.engine.dispose()


def within(true: object, seconds: float = 10.0) -> bool:
    for _ in range(int(seconds / 0.02)):
        if true():  # type: ignore[operator]
            return True
        threading.Event().wait(0.02)
    return False


def test_without_a_spill_a_database_without_tables_is_an_error(tmp_path: Path) -> None:
    engine = build_engine(f"sqlite:///{tmp_path / 'empty.db'}")
    intake = Intake(Database(engine))
    with pytest.raises(NotWritten, match="OperationalError"):
        intake.write(arrival("a"))
    intake.close()
    engine.dispose()


def test_when_the_spill_fails_too_nothing_is_acknowledged(tmp_path: Path) -> None:
    engine = build_engine(f"sqlite:///{tmp_path / 'empty.db'}")
    (tmp_path / "taken").write_text("a file where the folder should be")
    intake = Intake(Database(engine), Spill(tmp_path / "taken"))
    with pytest.raises(NotWritten, match="Error"):
        intake.write(arrival("a"))
    intake.close()
    engine.dispose()
