"""What is kept ready: built, followed, checked, and never behind without saying so."""

from __future__ import annotations

from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import update

from app import identity, segments, tagging
from app.consent import Action, record
from app.infra.db import Database
from app.infra.errors import Refused
from app.segments import answering, asking, store
from app.segments.expression import All, Not, Reachable, TagIs
from app.segments.models import SegmentPerson, SegmentState
from tests.company import give_tag, hire, meet
from tests.conftest import SetClock
from tests.segments.test_equal import follow
from workers.audiences import keep_audiences

TEXT = "标签:房颤 且 企微好友"
ONE_DATABASE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


class Index:
    """Two physicians, one of them with the tag, and their sets."""

    def __init__(self, db: Database, clock: SetClock) -> None:
        self.db, self.clock = db, clock
        with db.transaction() as session:
            tagging.seed(session, clock())
            rep = hire(session, "rep01", clock())
            self.wang = meet(session, rep, "wang", clock(), tags=("af",))
            self.li = meet(session, rep, "li", clock())
        segments.build(db, clock)

    def size(self) -> int:
        with self.db.reading() as session:
            return segments.audience(session, TEXT, self.clock()).size


@pytest.fixture
def index(database: Database, clock: SetClock) -> Index:
    return Index(database, clock)


def test_a_change_counts_at_once_and_once_it_was_followed(index: Index) -> None:
    assert index.size() == 1
    with index.db.transaction() as session:
        give_tag(session, index.li, "af", index.clock())
    assert index.size() == 2  # nobody has followed yet
    assert follow(index)
    assert index.size() == 2
    store._stores.clear()  # another process, or after a restart
    assert index.size() == 2


@ONE_DATABASE
def test_what_was_rolled_back_does_not_count(index: Index) -> None:
    follow(index, 1000)
    with suppress(InterruptedError), index.db.transaction() as session:
        give_tag(session, index.li, "af", index.clock())
        raise InterruptedError
    assert index.size() == 1
    assert not follow(index)


def test_when_many_wait_the_answer_says_how_old_it_is(
    index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asking, "FEW", 0)
    index.clock.now = datetime.now(UTC)  # marks have the database's time
    follow(index, 1000)
    with index.db.transaction() as session:
        give_tag(session, index.li, "af", index.clock())
    with index.db.reading() as session:
        late = identity.changed.waiting(session, 0).since
        assert late is not None
        index.clock.now = late
        index.clock.tick(seconds=3)
        found = segments.audience(session, TEXT, index.clock())
        assert (found.size, found.age_s) == (1, 3.0)
        assert len(segments.members(session, TEXT, index.clock())) == 2  # who sends is exact


@ONE_DATABASE
def test_a_refusal_is_counted_among_those_who_are_found(index: Index) -> None:
    with index.db.transaction() as session:
        record(session, index.wang.id, action=Action.WITHDRAW, source="t", at=index.clock())
    for _ in range(2):
        with index.db.reading() as session:
            found = segments.audience(session, TEXT, index.clock())
            assert (found.size, found.reps, found.opted_out) == (1, 1, 1)
        follow(index, 1000)


@ONE_DATABASE
def test_a_tag_that_fades_leaves_by_itself(index: Index) -> None:
    follow(index, 1000)
    index.clock.tick(days=3 * 365)
    assert index.size() == 0
    assert follow(index) == 1
    assert index.size() == 0


@ONE_DATABASE
def test_the_check_finds_what_is_not_so(index: Index) -> None:
    follow(index, 1000)
    with index.db.transaction() as session:
        session.execute(
            update(SegmentPerson).where(SegmentPerson.one_id == index.wang.one_id).values(facts=b"")
        )
    found = {(d.where, d.kept) for d in segments.verify(index.db, index.clock)}
    assert ("facts", False) in found
    assert ("set", True) in found
    segments.build(index.db, index.clock)
    assert list(segments.verify(index.db, index.clock)) == []


def test_one_builds_at_a_time_until_it_is_gone(index: Index) -> None:
    with index.db.transaction() as session:
        state = session.get_one(SegmentState, 1)
        state.builder, state.builder_seen_at = "somebody", index.clock()
    with pytest.raises(Refused, match="另一个进程"):
        segments.build(index.db, index.clock)
    assert follow(index) == 0
    assert index.size() == 1  # from the sets of before
    index.clock.tick(minutes=3)
    with index.db.reading() as session:
        assert segments.is_wanted(session, index.clock())
    assert segments.build(index.db, index.clock) is not None


@ONE_DATABASE
def test_a_worker_builds_once_and_then_follows(index: Index) -> None:
    with index.db.transaction() as session:
        session.delete(session.get_one(SegmentState, 1))
    here: Any = SimpleNamespace(db=index.db, clock=index.clock)
    keep_audiences(here)
    with index.db.transaction() as session:
        give_tag(session, index.li, "af", index.clock())
    assert keep_audiences(here) == 1
    assert keep_audiences(here) == 0
    assert index.size() == 2
    assert list(segments.verify(index.db, index.clock)) == []


@ONE_DATABASE
def test_why_somebody_is_in_or_out(index: Index) -> None:
    with index.db.reading() as session:
        told = segments.why(session, "非 标签:房颤 且 企微好友", index.wang.one_id, index.clock())
    assert not told.inside
    assert [(r.depth, type(r.node), r.holds) for r in told.reasons] == [
        (0, All, False), (1, Not, False), (2, TagIs, True), (1, Reachable, True),
    ]  # fmt: skip
    assert told.reasons[2].known == pytest.approx(0.7)


def test_a_tag_in_the_middle_is_retired_and_the_narrower_no_longer_counts(index: Index) -> None:
    with index.db.transaction() as session:
        category = tagging.categories(session)[0].key
        for key, parent in (("top", ""), ("middle", "top"), ("low", "middle")):
            tagging.add_tag(
                session, key=key, name=f"示例{key}", category_key=category, owner="sales",
                half_life_days=None, parent_key=parent, now=index.clock(),
            )  # fmt: skip
        give_tag(session, index.li, "low", index.clock())
    follow(index)
    with index.db.reading() as session:
        assert segments.members(session, "标签:示例top ≥ 0.1", index.clock())
    with index.db.transaction() as session:
        tagging.retire(session, "middle")
    follow(index)
    with index.db.reading() as session:
        assert not segments.members(session, "标签:示例top ≥ 0.1", index.clock())


def test_who_is_followed_while_we_ask_is_counted_once(
    index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    with index.db.transaction() as session:
        meet(session, hire(session, "rep02", index.clock()), "zhang", index.clock(), tags=("af",))
    if index.db.engine.dialect.name == "sqlite":
        pytest.skip("a reader of SQLite sees one moment")
    before = answering.current

    @contextmanager
    def between(session: Any) -> Any:
        monkeypatch.setattr(answering, "current", before)
        follow(index)
        with before(session) as found:
            yield found

    monkeypatch.setattr(answering, "current", between)
    assert index.size() == 2


@ONE_DATABASE
def test_sets_of_an_older_release_are_not_asked_and_built_anew(index: Index) -> None:
    with index.db.transaction() as session:
        session.get_one(SegmentState, 1).generation = "ab" * 16
    store._stores.clear()
    assert index.size() == 1  # by the tables
    assert follow(index) == 0
    here: Any = SimpleNamespace(db=index.db, clock=index.clock)
    keep_audiences(here)
    with index.db.reading() as session:
        assert session.get_one(SegmentState, 1).is_built
    assert index.size() == 1


@ONE_DATABASE
def test_members_come_page_by_page_and_nobody_twice(index: Index) -> None:
    with index.db.transaction() as session:
        rep = hire(session, "rep02", index.clock())
        for n in range(5):  # nobody has followed these
            meet(session, rep, f"n{n}", index.clock())
    for followed in (False, True):
        found, place = [], 0
        while place is not None:
            with index.db.reading() as session:
                piece, place = segments.page(session, "全部", index.clock(), place, 2)
            found += piece
        with index.db.reading() as session:
            assert set(found) == segments.members(session, "全部", index.clock())
        assert len(found) == len(set(found)) == 7
        assert followed or follow(index, 1000)
