"""What is kept of decisions, and what goes with time or with who is erased."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from sqlalchemy import event, select
from sqlalchemy.orm import Session

from app.flows import decided, lifting
from app.recommend import State, Suggestion
from tests.conftest import SetClock
from tests.recommend.deciding import company, decisions, plan, ripe, session

__all__ = ["session"]


def test_old_deviations_go_and_are_found_by_an_index_of_their_own(
    session: Session, clock: SetClock
) -> None:
    plan(session, company(session, clock(), 1), clock())
    clock.tick(days=decided.DEVIATIONS_DAYS)
    decided.forget_deviations(session, clock())
    assert not decided.has_old_deviations(session, clock())
    assert [row.deviations is not None for row in decisions(session)] == [True]
    clock.tick(days=1)
    with explained(session) as ways:
        assert decided.has_old_deviations(session, clock())
        decided.forget_deviations(session, clock())
    assert ["ix_decision_deviations" in way for way in ways] == [True, True], ways
    assert not decided.has_old_deviations(session, clock())
    assert [row.deviations for row in decisions(session)] == [None]


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


def test_what_was_computed_of_erased_tags_goes_and_its_slot_is_judged_no_more(
    session: Session, clock: SetClock
) -> None:
    rep = company(session, clock(), 2)
    plan(session, rep, clock())
    first, second = decisions(session)
    decided.forget(session, first.identifier_id, clock() - timedelta(days=1))
    session.expire_all()
    assert first.options, "it is younger"
    decided.forget(session, first.identifier_id)
    session.expire_all()
    assert (first.options, first.deviations, first.eligible) == ([], None, second.eligible)
    ripe(session, clock, 10)
    (known,) = decided.decided(session, {"accept": 1.0}, clock())
    assert list(known.logged.contents) == [option[0] for option in second.options]
    lifting.lifted(session, clock())


def test_what_a_rep_passed_on_is_a_yes_and_was_not_in_the_way_though_it_was_taken_back(
    session: Session, clock: SetClock
) -> None:
    plan(session, company(session, clock(), 2), clock())
    ripe(session, clock, 10)
    passed_on, forbidden = session.scalars(select(Suggestion).order_by(Suggestion.id))
    passed_on.answered_at = passed_on.delivered_at
    passed_on.state = forbidden.state = State.CANCELLED
    session.flush()
    known = decided.decided(session, {"accept": 1.0}, clock())
    said = {(one.logged.reward, one.logged.blocked) for one in known}
    assert said == {(1.0, 0.0), (0.0, 1.0)}
