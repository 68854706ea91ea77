"""Sets answer as the tables do, whatever happens in whatever order, followed or not."""

from __future__ import annotations

from datetime import timedelta

import pytest

from app import segments
from app.infra.db import Database
from app.infra.errors import Refused
from app.segments import following, sql, store
from app.segments.asking import meaning, members_of, which
from app.segments.parse import parse
from tests.conftest import SetClock
from tests.segments.history import History

STEPS, QUESTIONS = 30, 3
EVERYBODY = parse("全部")


def compare(history: History, *, ahead: timedelta = timedelta()) -> int:
    """How many were found by questions that sets and tables answered alike."""
    found = 0
    with history.db.reading() as session:
        now = history.clock() + ahead
        for _ in range(QUESTIONS):
            tree = history.question()
            try:
                meant = meaning(session, tree, now)
            except Refused:  # about a tag that is out of use
                with pytest.raises(Refused):
                    members_of(session, tree, now)
                continue
            wanted = sql.members(session, tree, meant, now)
            assert members_of(session, tree, now) == wanted, tree
            some = sql.members(session, EVERYBODY, meaning(session, EVERYBODY, now), now)
            for few in (sorted(some)[1:], sorted(some)[:2]):
                told = which(session, [EVERYBODY, tree], few, now)
                assert told == [set(few), wanted.intersection(few)], tree
            found += len(wanted)
    return found


def follow(history: History, limit: int = 7) -> int:
    with history.db.transaction() as session:
        return segments.fold(session, history.clock(), limit)


def test_sets_equal_the_tables(
    database: Database, clock: SetClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(following, "MOST_PIECES", 5)  # changes are worked in several times
    history = History(database, clock, seed=4)
    for _ in range(STEPS // 2):
        history.happen()
    segments.build(database, clock)
    found = 0
    for _ in range(STEPS):
        history.happen()
        if history.rng.random() < 0.5:
            follow(history)
        if history.rng.random() < 0.2:
            found += compare(history)
        if history.rng.random() < 0.1:
            store._stores.clear()  # another process
    while follow(history, 100):
        pass
    found += compare(history) + compare(history, ahead=timedelta(days=40))
    assert found > 10  # as with every seed that was tried
    with database.reading() as session:
        assert not segments.is_due(session, clock())
    assert list(segments.verify(database, clock)) == []
