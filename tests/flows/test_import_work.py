"""Imports in the background: how far they are, who goes on with them, and what is said when they
cannot be done."""

from __future__ import annotations

import sys
from datetime import timedelta

import pytest
from psycopg import errors as postgres
from sqlalchemy.exc import OperationalError

from app.flows.tagging import import_tags, import_work
from app.flows.tagging.import_work import TELL_EVERY
from app.infra.db import Database
from app.infra.errors import NotFound, Refused
from app.tagging import TagImport, TagImportWork
from tests.conftest import NOON, SetClock
from tests.flows.test_undo_tags import COLUMNS, FIRST, OTHER, people, said

__all__ = ["people"]


@pytest.fixture
def upload(database: Database, clock: SetClock, monkeypatch: pytest.MonkeyPatch) -> int:
    """A file about two physicians, of whom one is taken at a time."""
    monkeypatch.setattr(import_tags, "SLICE", 1)
    with database.transaction() as session:
        text = f"执业证号,标签\n{FIRST},房颤\n{OTHER},心衰\n"
        kept = import_tags.keep(
            session, "m.csv", text.encode(), tool="mail", actor="user:1", now=clock()
        )
        return kept.id


def ask(database: Database, upload: int, clock: SetClock) -> None:
    with database.transaction() as session:
        import_work.ask_to_take(session, upload, COLUMNS, actor="user:2", now=clock())


def work(database: Database, upload: int) -> TagImportWork | None:
    with database.reading() as session:
        return import_work.work_on(session, upload)


def test_a_file_is_taken_and_taken_back_while_somebody_looks_on(
    database: Database, clock: SetClock, upload: int, people: dict[str, int]
) -> None:
    ask(database, upload, clock)
    seen = []

    def look() -> bool:
        now = work(database, upload)
        assert now is not None
        seen.append((now.done, now.total))
        clock.tick(seconds=TELL_EVERY.total_seconds())
        return False

    assert import_work.do_next(database, clock, look)
    assert seen == [(0, 0), (0, 2)]
    assert work(database, upload) is None
    assert list(said(database, people[OTHER])) == ["心衰"]
    with database.transaction() as session:
        assert session.get_one(TagImport, upload).figures["physicians"] == 2
        import_work.ask_to_undo(session, upload, "传错了文件", actor="user:3", now=clock())
    assert import_work.do_next(database, clock)
    assert not import_work.do_next(database, clock)
    assert said(database, people[OTHER]) == {}
    with database.reading() as session:
        kept = session.get_one(TagImport, upload)
        assert (kept.undone_by, kept.undone_reason) == ("user:3", "传错了文件")


def test_what_a_worker_leaves_another_goes_on_with(
    database: Database, clock: SetClock, upload: int, people: dict[str, int]
) -> None:
    ask(database, upload, clock)
    asked = iter([False, True])
    assert import_work.do_next(database, clock, lambda: next(asked))
    assert list(said(database, people[FIRST])) == ["房颤"]
    assert said(database, people[OTHER]) == {}
    with pytest.raises(SystemExit):  # whoever dies does not say so
        import_work.do_next(database, clock, sys.exit)
    with database.reading() as session:
        assert not import_work.is_due(session, clock())
        assert import_work.is_due(session, clock.tick(minutes=3))
    assert import_work.do_next(database, clock)
    assert list(said(database, people[OTHER])) == ["心衰"]


def test_whoever_dies_when_all_is_taken_leaves_no_problem(
    database: Database, clock: SetClock, upload: int, people: dict[str, int]
) -> None:
    ask(database, upload, clock)
    import_tags.apply(database, upload, COLUMNS, actor="user:2", now=clock())
    assert import_work.do_next(database, clock)
    assert work(database, upload) is None


def test_one_thing_at_a_time_is_done_with_a_file(
    database: Database, clock: SetClock, upload: int
) -> None:
    with database.transaction() as session:
        with pytest.raises(Refused, match="哪一列是标签"):
            import_work.ask_to_take(session, upload, {0: "phone"}, actor="user:1", now=clock())
        with pytest.raises(Refused, match="还没有导入"):
            import_work.ask_to_undo(session, upload, "错了", actor="user:1", now=clock())
        for call in (import_work.ask_to_undo, import_work.ask_to_take):
            with pytest.raises(NotFound):
                call(
                    session,
                    99,
                    "错了" if call is import_work.ask_to_undo else COLUMNS,
                    actor="user:1",
                    now=clock(),
                )  # type: ignore[operator]
    ask(database, upload, clock)
    with database.transaction() as session, pytest.raises(Refused, match="正在处理"):
        import_work.ask_to_take(session, upload, COLUMNS, actor="user:1", now=clock())


def test_what_cannot_be_done_is_said_and_may_be_asked_for_again(
    database: Database, clock: SetClock, upload: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    too_long = OperationalError("", {}, postgres.QueryCanceled())  # and it would be so again
    for wrong, told in (
        (Refused("词表正在修改。"), "词表正在修改。"),
        (KeyError("x"), "程序出错（KeyError in app.flows.tagging.import_work:"),
        (too_long, "程序出错（QueryCanceled in app.flows.tagging.import_work:"),
    ):

        def fail(*_: object, _wrong: Exception = wrong, **__: object) -> None:
            raise _wrong

        ask(database, upload, clock)
        with monkeypatch.context() as patch:
            patch.setattr(import_tags, "apply", fail)
            assert import_work.do_next(database, clock)
        left = work(database, upload)
        assert left is not None
        assert left.problem.startswith(told)
    assert not import_work.do_next(database, clock.__class__(clock.tick(days=3)))
    ask(database, upload, clock)
    assert import_work.do_next(database, clock)
    assert work(database, upload) is None


def test_an_outage_is_no_problem_of_the_file(
    database: Database, clock: SetClock, upload: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask(database, upload, clock)
    for passing in (postgres.AdminShutdown(), postgres.DeadlockDetected()):

        def fail(*_: object, _passing: Exception = passing, **__: object) -> None:
            raise OperationalError("", {}, _passing)

        with monkeypatch.context() as patch:
            patch.setattr(import_tags, "apply", fail)
            with pytest.raises(OperationalError):
                import_work.do_next(database, clock)
        clock.tick(minutes=3)
    assert import_work.do_next(database, clock), "it is tried again"
    assert work(database, upload) is None


def test_an_upload_that_was_confirmed_is_not_dropped_while_it_waits(
    database: Database, clock: SetClock, upload: int
) -> None:
    ask(database, upload, clock)
    with database.transaction() as session:
        import_tags.drop_stale(session, NOON + timedelta(days=30))
        assert session.get(TagImport, upload) is not None


def test_an_upload_that_could_not_be_taken_is_dropped_like_one_that_nobody_confirmed(
    database: Database, clock: SetClock, upload: int
) -> None:
    ask(database, upload, clock)
    with database.transaction() as session:
        session.get_one(TagImportWork, upload).problem = "词表正在修改。"
    with database.transaction() as session:
        import_tags.drop_stale(session, NOON + timedelta(days=30))
    with database.reading() as session:
        assert session.get(TagImport, upload) is None
        assert session.get(TagImportWork, upload) is None
