"""Relations come out the same whatever the order of the news."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import permutations

import pytest
from sqlalchemy.orm import Session

from app import reps
from app.identity import Identifier
from app.infra.db import Database
from app.reps import RelationState, Rep
from tests.conftest import NOON
from tests.tagging.people import person

CORP = "wwtestcorp"
T1, T2, T3 = (NOON - timedelta(days=n) for n in (3, 2, 1))
News = Callable[[Session, Rep, Identifier], object]


def listed(since: datetime) -> News:
    """The contact was read, and the platform lists the rep."""
    return lambda s, rep, who: reps.connect(s, rep, who, since=since, now=NOON)


def added(at: datetime, one_sided: bool = False) -> News:
    return lambda s, rep, who: reps.note_added(
        s, rep, who, at=at, one_sided=one_sided, state="", now=NOON
    )


def deleted(at: datetime, by: RelationState) -> News:
    return lambda s, rep, who: reps.disconnect(s, rep, who, by, at)


def unlisted(s: Session, _rep: Rep, who: Identifier) -> object:
    """The contact was read, and the platform lists nobody."""
    return reps.close_missing(s, CORP, who, (), NOON)


BY_PHYSICIAN, BY_REP = RelationState.REMOVED_BY_PHYSICIAN, RelationState.REMOVED_BY_REP
STORIES: dict[str, tuple[list[News], RelationState]] = {
    "deleted by the physician, whom the platform still lists": (
        [added(T1), listed(T1), deleted(T2, BY_PHYSICIAN)], BY_PHYSICIAN,
    ),
    "deleted by the physician and added again": (
        [added(T1), deleted(T2, BY_PHYSICIAN), added(T3), listed(T1)], RelationState.CONNECTED,
    ),
    "deleted by the rep": ([added(T1), deleted(T2, BY_REP), unlisted], BY_REP),
    "deleted by the rep and added again": (
        [added(T1), deleted(T2, BY_REP), added(T3), listed(T3)], RelationState.CONNECTED,
    ),
    "deleted by both": (
        [added(T1), deleted(T2, BY_PHYSICIAN), deleted(T3, BY_REP)], BY_REP,
    ),
    "one-sided, then added back": (
        [added(T1, one_sided=True), added(T2), listed(T2)], RelationState.CONNECTED,
    ),
}  # fmt: skip


@pytest.mark.parametrize("story", STORIES)
def test_every_order_of_the_news_ends_the_same(database: Database, story: str) -> None:
    news, end = STORIES[story]
    for number, order in enumerate(permutations(news)):
        with database.transaction() as session:
            rep = reps.ensure_rep(session, CORP, "rep01", now=NOON)
            who = person(session, f"wm{number}")
            for tell in order:
                tell(session, rep, who)
            relation = reps.find_contact(session, rep.id, who.id)
            assert relation is not None
            assert relation.state == end, [news.index(one) for one in order]
            assert (relation.until is None) == (end == RelationState.CONNECTED)


def test_telling_twice_changes_nothing(database: Database) -> None:
    with database.transaction() as session:
        rep, who = reps.ensure_rep(session, CORP, "rep01", now=NOON), person(session)
        for _ in range(2):
            listed(T1)(session, rep, who)
            deleted(T2, BY_PHYSICIAN)(session, rep, who)
        assert len(reps.relations_of(session, who.one_id)) == 1
        assert not reps.disconnect(session, rep, who, BY_PHYSICIAN, T2)


def test_the_rep_to_turn_to_is_connected_active_and_chatted_last(database: Database) -> None:
    with database.transaction() as session:
        who = person(session)
        one, two, gone, left = (
            reps.ensure_rep(session, CORP, f"Rep{n}", now=NOON) for n in range(4)
        )
        for rep in (one, two, gone, left):
            reps.connect(session, rep, who, since=T1, now=NOON)
        reps.note_chat(session, two.id, who.id, T2)
        reps.note_chat(session, gone.id, who.id, T3)
        reps.note_chat(session, gone.id, who.id, T1)  # late news
        reps.note_chat(session, left.id, who.id, NOON)
        reps.disconnect(session, gone, who, BY_PHYSICIAN, NOON)
        reps.leave(session, left, NOON)
        known = reps.rep_for(session, who.one_id)
        assert known is not None
        assert known.userid == "rep1"
        assert reps.rep_for(session, "nobody") is None
        assert [rep.userid for _, rep in reps.relations_of(session, who.one_id)] == [
            "rep3", "rep1", "rep0", "rep2",
        ]  # fmt: skip


def test_a_rep_sees_own_physicians_only(database: Database) -> None:
    with database.transaction() as session:
        mine, theirs = person(session, "wm1"), person(session, "wm2")
        rep = reps.ensure_rep(session, CORP, "rep01", now=NOON)
        other = reps.ensure_rep(session, CORP, "rep02", now=NOON)
        reps.connect(session, rep, mine, since=T1, now=NOON)
        reps.connect(session, other, theirs, since=T1, now=NOON)
        assert reps.may_see(session, rep.id, mine.one_id)
        assert not reps.may_see(session, rep.id, theirs.one_id)
        assert reps.may_see(session, None, theirs.one_id)
        reps.disconnect(session, rep, mine, BY_REP, NOON)
        assert not reps.may_see(session, rep.id, mine.one_id)
