"""Sets answer as the tables do, whatever happens in whatever order, followed or not."""

from __future__ import annotations

from datetime import timedelta

import pytest

from app import segments
from app.infra.db import Database
from app.segments import sql
from app.segments.members import meaning, members_of
from tests.conftest import SetClock
from tests.segments.history import History

STEPS, QUESTIONS = 60, 5


def compare(history: History, *, ahead: timedelta = timedelta()) -> int:
    """How many were found by questions that sets and tables answered alike."""
    found = 0
    with history.db.reading() as session:
        now = history.clock() + ahead
        for _ in range(QUESTIONS):
            tree = history.question()
            wanted = sql.members(session, tree, meaning(session, tree, now), now)
            assert members_of(session, tree, now) == wanted, tree
            found += len(wanted)
    return found


def follow(history: History) -> None:
    with history.db.transaction() as session:
        segments.fold(session, history.clock(), 7)


@pytest.mark.parametrize("seed", [4, 5, 6])
def test_sets_equal_the_tables(database: Database, clock: SetClock, seed: int) -> None:
    history = History(database, clock, seed)
    for _ in range(STEPS // 3):
        history.happen()
    segments.build(database, clock)
    found = 0
    for _ in range(STEPS):
        history.happen()
        if history.rng.random() < 0.5:
            follow(history)
        if history.rng.random() < 0.3:
            found += compare(history)
    while segments_are_due(history):
        follow(history)
    with database.reading() as session:
        assert not segments.is_due(session, clock())
    found += compare(history) + compare(history, ahead=timedelta(days=40))
    assert found > 50


def segments_are_due(history: History) -> bool:
    with history.db.reading() as session:
        return segments.is_due(session, history.clock())
