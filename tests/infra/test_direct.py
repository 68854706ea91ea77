"""What goes past SQLAlchemy's execution gives and refuses exactly what SQLAlchemy would."""

from __future__ import annotations

import threading
from contextlib import suppress
from datetime import timedelta
from types import SimpleNamespace
from typing import Any, NamedTuple

import pytest
from sqlalchemy import Integer, bindparam, func, select, text, update
from sqlalchemy.exc import (
    DataError,
    IntegrityError,
    InternalError,
    OperationalError,
    ProgrammingError,
)
from sqlalchemy.orm import Session

from app.delivery.models import SendBucket
from app.identity.models import Component, Identifier, IdentifierStatus
from app.infra import wire
from app.infra.db import Database, before_commit, insert_new, ring_after_commit
from app.infra.direct import Asked, Direct, nothing, together
from app.infra.many import among
from tests.conftest import NOON

NAME = "示例人民医院"


class Seen(NamedTuple):
    id: int
    value: str
    status: str
    split_at: Any
    first_seen_at: Any


COLUMNS = [getattr(Identifier, name) for name in Seen._fields]
BY_KIND = select(*COLUMNS).where(Identifier.kind == bindparam("kind")).order_by(Identifier.id)


def add(session: Session, key: bytes, **others: Any) -> Any:
    component = Component(size=1)
    session.add(component)
    session.flush()
    values = {
        "kind": "phone", "value_hash": key.ljust(32), "value": NAME, "one_id": "YS0",
        "component_id": component.id, "first_seen_at": NOON, **others,
    }  # fmt: skip
    return insert_new(session, Identifier, values, "kind", "namespace", "value_hash")


def test_columns_convert_both_ways_and_defaults_are_filled_in(database: Database) -> None:
    with database.transaction() as session:
        first = add(session, b"a")
        assert add(session, b"a") is None
        second = add(session, b"b", split_at=NOON + timedelta(hours=1))
    with database.transaction() as session:
        rows = Direct(BY_KIND, Seen).all(session, {"kind": "phone"})
        usual = [Seen(*row) for row in session.execute(BY_KIND, {"kind": "phone"})]
        stored = session.connection().exec_driver_sql("select value from identifier").scalars()
        assert NAME.encode() not in b"".join(bytes(value) for value in stored)
    assert rows == usual
    assert [row.id for row in rows] == [first, second]
    assert (rows[0].value, rows[0].status) == (NAME, IdentifierStatus.ACTIVE)
    assert (rows[0].first_seen_at, rows[1].split_at) == (NOON, NOON + timedelta(hours=1))


def test_numbers_and_aggregates_are_as_the_session_gives_them(database: Database) -> None:
    levels = select(SendBucket.subject, SendBucket.level).order_by(SendBucket.subject)
    most = select(func.max(SendBucket.level), func.count())
    with database.transaction() as session:
        for subject, level in (("a", 0.1), ("b", 1763956800.123456)):
            names = {"bucket": "x", "account": "y", "subject": subject}
            session.add(SendBucket(**names, level=level, ready_at=0.0))
        assert Direct(levels, lambda *row: row).all(session, {}) == [
            ("a", 0.1), ("b", 1763956800.123456),
        ]  # fmt: skip
        assert Direct(most, lambda *row: row).first(session, {}) == (1763956800.123456, 2)


def test_what_the_session_has_not_written_yet_is_seen_and_goes_back_with_it(
    database: Database,
) -> None:
    number = Direct(select(func.count()).select_from(Component), int)
    with suppress(KeyError), database.transaction() as session:
        session.add(Component(size=7))
        assert number.first(session, {}) == 1
        raise KeyError
    with database.reading() as session:
        assert number.first(session, {}) == 0


def test_a_statement_without_rows_changes_them(database: Database) -> None:
    grow = Direct(
        update(Component).where(Component.id == bindparam("one")).values(size=bindparam("to")),
        nothing,
    )
    with database.transaction() as session:
        session.add(Component(size=1))
        session.flush()
        one = session.scalars(select(Component.id)).one()
        grow.run(session, {"one": one, "to": 5})
    with database.reading() as session:
        assert session.scalar(select(Component.size)) == 5
        assert Direct(BY_KIND, Seen).first(session, {"kind": "phone"}) is None


def test_a_forgotten_parameter_is_no_null(database: Database) -> None:
    with database.reading() as session, pytest.raises(KeyError):
        Direct(BY_KIND, Seen).all(session, {})


def test_errors_are_sqlalchemys_and_show_no_value(database: Database) -> None:
    with pytest.raises(IntegrityError) as caught, database.transaction() as session:
        add(session, b"a", one_id=None, namespace=NAME)
    assert NAME not in str(caught.value)
    assert NAME not in repr(caught.value.orig)
    missing = Direct(select(func.no_such_function()), int)
    with (
        database.reading() as session,
        pytest.raises((OperationalError, ProgrammingError)) as unknown,
    ):
        missing.first(session, {})
    assert "no_such_function" in str(unknown.value)


def test_a_connection_that_was_cut_is_not_used_again(database: Database) -> None:
    if database.engine.dialect.name != "postgresql":
        pytest.skip("an SQLite connection is a file")
    number = Direct(select(func.count()).select_from(Component), int)
    with database.reading() as session:
        pid = session.connection().exec_driver_sql("select pg_backend_pid()").scalar_one()
        with database.reading() as other:
            other.connection().exec_driver_sql(f"select pg_terminate_backend({pid})")
        with pytest.raises(OperationalError) as caught:
            number.first(session, {})
    assert caught.value.connection_invalidated
    with database.reading() as session:
        assert number.first(session, {}) == 0


def test_a_question_changes_nothing_and_the_driver_keeps_its_statements(
    database: Database,
) -> None:
    number = Direct(select(func.count()).select_from(Component), int)
    grow = Direct(
        update(Component).where(Component.size == bindparam("one")).values(size=5), nothing
    )
    with suppress(InternalError), database.reading() as session:
        grow.run(session, {"one": 1})
        assert database.engine.dialect.name == "sqlite", "PostgreSQL lets a question change rows"
    prepared = text(
        "select count(*) from pg_prepared_statements where statement like '%component%'"
    )
    for asks in range(8):
        with database.reading() as session:
            assert number.first(session, {}) == 0
            if database.engine.dialect.name == "postgresql" and asks == 7:
                assert session.scalar(prepared) == 1


def test_a_question_that_failed_leaves_no_statement_behind(database: Database) -> None:
    if database.engine.dialect.name != "postgresql":
        pytest.skip("SQLite prepares anew by itself")
    number = Direct(select(func.count()).select_from(Component), int)
    for _ in range(8):
        with database.reading() as session:
            assert number.first(session, {}) == 0
    with suppress(KeyError), database.reading() as session:
        assert number.first(session, {}) == 0
        raise KeyError
    with database.reading() as session:
        left = session.scalar(text("select count(*) from pg_prepared_statements"))
    assert left == 0


AWKWARD = ["", "示例", 'a"b\\c', "{x,y}", "NULL", "line\nend", "it's", "100 %"]


@pytest.mark.parametrize("value", AWKWARD)
def test_texts_arrive_as_they_are_alone_and_in_lists(database: Database, value: str) -> None:
    here = select(Identifier.namespace).where(Identifier.namespace == bindparam("text"))
    among_them = select(Identifier.namespace).where(among(Identifier.namespace, "texts"))
    with database.transaction() as session:
        add(session, b"a", namespace=value)
        assert Direct(here, str).all(session, {"text": value}) == [value]
        assert Direct(among_them, str).all(session, {"texts": [value, "other"]}) == [value]
        assert Direct(among_them, str).all(session, {"texts": [f"{value}."]}) == []


def test_a_text_with_a_nul_is_refused_and_never_cut(database: Database) -> None:
    if database.engine.dialect.name != "postgresql":
        pytest.skip("SQLite stores it")
    here = Direct(select(func.count()).where(Identifier.namespace == bindparam("text")), int)
    with database.reading() as session, pytest.raises(DataError):
        here.first(session, {"text": "x\0y"})


def test_together_each_sees_what_those_before_it_did(database: Database) -> None:
    grow = Direct(update(Component).values(size=Component.size + 1), nothing)
    sizes = Direct(select(Component.size), int)
    with database.transaction() as session:
        session.add(Component(size=1))
        found = together(session, (sizes, {}), (grow, {}), (grow, {}), (sizes, {}))
    assert found == [[1], [], [], [3]]


def test_together_the_first_that_fails_is_told_and_nothing_is_left(database: Database) -> None:
    grow = Direct(update(Component).values(size=5), nothing)
    broken = Direct(update(Component).values(size=1 / (Component.size - 5)), nothing)
    null = Direct(update(Component).values(size=None), nothing)
    sizes = Direct(select(Component.size), int)
    with database.transaction() as session:
        session.add(Component(size=1))
    with pytest.raises((IntegrityError, DataError)), database.transaction() as session:
        together(session, (grow, {}), (broken, {}), (null, {}), (sizes, {}))
    with database.reading() as session:
        assert together(session, (sizes, {}), (sizes, {})) == [[1], [1]]


GROWN = Direct(update(Component).values(size=Component.size + 1), nothing)
SIZES = Direct(select(Component.size), int)


def test_last_statements_are_committed_with_all_else_and_see_it(database: Database) -> None:
    def late(session: Session) -> list[Asked]:
        before_commit(session, "later still", lambda _: [(GROWN, {})])
        session.add(Component(size=5))
        return [(GROWN, {})]

    with database.transaction() as session:
        session.add(Component(size=1))
        for _ in range(2):
            before_commit(session, "once", late)
    with database.reading() as session:
        assert sorted(SIZES.all(session, {})) == [3, 7]


def test_who_is_asked_again_while_it_waits_works_once(database: Database) -> None:
    done: list[str] = []

    def first(session: Session) -> None:
        before_commit(session, "second", second)
        done.append("first")

    def second(session: Session) -> None:
        done.append(session.info.pop("told"))

    with database.transaction() as session:
        session.info["told"] = "second"
        before_commit(session, "first", first)
        before_commit(session, "second", second)
    assert done == ["first", "second"]


def test_a_last_statement_that_fails_takes_all_with_it(database: Database) -> None:
    null = Direct(update(Component).values(size=None), nothing)
    with database.transaction() as session:
        session.add(Component(size=1))
    rung: list[str] = []
    database.bell = SimpleNamespace(ring=lambda *told, **_: rung.append(str(told)))

    def fail() -> None:
        with database.transaction() as session:
            GROWN.run(session, {})
            ring_after_commit(session, "anything")
            before_commit(session, "null", lambda _: [(GROWN, {}), (null, {})])

    with pytest.raises(IntegrityError):
        fail()
    with database.transaction() as session:
        assert SIZES.all(session, {}) == [1]
        GROWN.run(session, {})
    assert not rung
    with database.reading() as session:
        assert SIZES.all(session, {}) == [2], "the connection goes on to be used"


def test_what_is_last_waits_for_an_open_savepoint(database: Database) -> None:
    with database.transaction() as session:
        session.begin_nested()
        session.add(Component(size=1))
        before_commit(session, "grown", lambda _: [(GROWN, {})])
    with database.reading() as session:
        assert SIZES.all(session, {}) == [2]


def test_the_commit_is_sent_with_the_last_statements(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    if database.engine.dialect.name != "postgresql":
        pytest.skip("SQLite has no round trips")
    asked: list[int] = []
    real = wire.ask
    monkeypatch.setattr(wire, "ask", lambda *a: asked.append(len(a[1])) or real(*a))
    with database.transaction() as session:
        before_commit(session, "one", lambda _: [(GROWN, {})])
        before_commit(session, "two", lambda _: [(GROWN, {})])
        driver = session.connection().connection.driver_connection
        driver.commit = lambda: asked.append(driver.info.transaction_status.value)
    del driver.commit
    assert asked == [3, 0], "two and COMMIT at once; nothing is open when the session commits"


def test_what_is_hot_goes_past_the_drivers_cursor(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It uses what the driver keeps to itself: another release may have it elsewhere."""
    if database.engine.dialect.name != "postgresql":
        pytest.skip("about PostgreSQL's driver")
    number = Direct(select(func.count()).where(Component.id > bindparam("id")), int)
    with database.transaction() as session:
        assert number.first(session, {"id": 1}) == 0
    monkeypatch.setattr(Direct, "_cursor", None)
    with database.transaction() as session:
        assert number.first(session, {"id": 1}) == 0
        assert together(session, (number, {"id": 1}), (number, {"id": 2})) == [[0], [0]]
    with database.reading() as session:
        assert number.first(session, {"id": 1}) == 0
    with pytest.raises(InternalError), database.reading() as session:
        Direct(update(Component).values(size=1), nothing).run(session, {})


def test_who_waits_for_a_lock_holds_up_nobody_else(database: Database) -> None:
    if database.engine.dialect.name != "postgresql":
        pytest.skip("SQLite has no locks of rows")
    lock = Direct(select(Component.id).with_for_update(), int)
    waiting = Direct(
        text("select count(*) from pg_locks where not granted").columns(number=Integer), int
    )
    got: list[list[list[int]]] = []

    def take() -> None:
        with database.transaction() as session:
            got.append(together(session, (lock, {}), (lock, {})))

    taker = threading.Thread(target=take)
    with database.transaction() as session:
        session.add(Component(size=1))
    with database.transaction() as session:
        (first,) = together(session, (lock, {}))
        taker.start()
        for _ in range(5000):
            if waiting.first(session, {}):
                break
        else:
            pytest.fail("nobody waits")
    taker.join(20)
    assert got == [[first, first]]
