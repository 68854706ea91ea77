"""One click over many names: one version, bounded pieces, and exactly undone at any moment."""

from __future__ import annotations

import random
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, cast

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import OperationalError

from app import tagging
from app.bootstrap import Parts
from app.flows.tagging import fold_names
from app.identity import Identifier
from app.infra.db import Database
from app.tagging import Source
from app.tagging.models import NameState, TagAssertion, TagSighting, UnmappedName
from app.tagging.names import carrying
from tests.conftest import NOON
from tests.tagging.people import person
from tests.tagging.test_unfolding import state, take
from workers.mirroring import follow_names

BY: dict[str, Any] = {"actor": "user:1", "clock": lambda: NOON}
NAMES = [f"重点名单{n}" for n in range(30)]


@pytest.fixture
def people(database: Database, monkeypatch: pytest.MonkeyPatch) -> list[Identifier]:
    """Three persons who carry thirty unknown names; a click lets four follow, a worker two more
    with each transaction."""
    monkeypatch.setattr(carrying.follow, "__defaults__", (2,))
    with database.transaction() as session:
        tagging.seed(session, NOON)
        found = [person(session, f"wm{n}") for n in range(3)]
        for number, who in enumerate(found):
            take(session, who, 1, set(NAMES[number:]), NOON)
    return found


def worker(database: Database) -> Parts:
    return cast(Parts, SimpleNamespace(db=database, clock=lambda: NOON))


def ids(database: Database) -> list[int]:
    with database.reading() as session:
        return [row.id for row in tagging.unmapped(session)]


def looks(database: Database, people: list[Identifier]) -> dict[str, Any]:
    with database.reading() as session:
        return state(session, people, NOON)


def newest(database: Database) -> int:
    with database.reading() as session:
        return tagging.versions.newest_number(session)


def test_many_names_are_one_version_and_their_carriers_follow_piece_by_piece(
    database: Database, people: list[Identifier]
) -> None:
    before, names = newest(database), ids(database)
    done = fold_names.fold_many(database, dict.fromkeys([*names, 10**9], "af"), **BY)
    assert (done.folded, done.people, len(done.refused)) == (30, 87, 1)
    assert newest(database) == before + 1
    with database.reading() as session:
        assert tagging.progress(session, done.batch) == tagging.Progress(30, done.left, 0)
        assert done.left >= 28  # four of eighty-seven carriers
        assert "30 个名称" in tagging.versions.get(session, before + 1).note
        carried = session.scalar(select(func.count(TagAssertion.id)))
        assert carried == 4
    assert follow_names(worker(database)) >= 83
    with database.reading() as session:
        assert tagging.progress(session, done.batch).left == 0
        assert session.scalar(select(func.count(TagSighting.id))) == 0
        assert session.scalar(select(func.count(TagAssertion.id))) == 87


def test_an_event_waits_for_a_name_before_it_touches_who_carries_it(
    database: Database, people: list[Identifier], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As whoever returns the name's carriers does; the other way round they wait in a circle."""
    if database.engine.dialect.name != "postgresql":
        pytest.skip("one writer at a time")
    done = fold_names.fold_many(database, dict.fromkeys(ids(database)[:1], "af"), **BY)
    follow_names(worker(database))
    monkeypatch.setattr(fold_names, "PIECES_AT_ONCE", 0)
    fold_names.undo_batch(database, done.batch, **BY)
    touched: list[Any] = []

    def once(_session: Any, model: Any, *_more: Any) -> None:
        touched.append(model)

    with database.transaction() as follower:
        assert tagging.follow(follower, NOON)
        monkeypatch.setattr("app.tagging.names.folding.insert_once", once)
        with database.transaction() as session:
            session.execute(text("set local lock_timeout = '20ms'"))
            with pytest.raises(OperationalError):
                take(session, people[0], 1, set(NAMES), NOON)
            session.rollback()
    assert TagSighting not in touched


@pytest.mark.parametrize("followed", [0, 7, 1000])
@pytest.mark.parametrize("how", ["fold", "make", "ignore"])
def test_a_click_is_undone_exactly_however_far_it_was(
    database: Database, people: list[Identifier], how: str, followed: int
) -> None:
    """One name alone first, then the rest with one more version."""
    was, names = looks(database, people), ids(database)
    deciding: dict[str, Callable[[], fold_names.Done]] = {
        "fold": lambda: fold_names.fold_many(database, dict.fromkeys(names, "af"), **BY),
        "make": lambda: fold_names.make_many(database, names, "topic", "marketing", **BY),
        "ignore": lambda: fold_names.ignore_many(database, names, "内部分组", **BY),
    }
    done = deciding[how]()
    assert done.folded == 30
    for _ in range(followed):
        with database.transaction() as session:
            if not tagging.follow(session, NOON):
                break
    with database.reading() as session:
        one = tagging.batch_of(session, done.batch)[11]
    assert fold_names.undo_one(database, one, **BY).folded == 1
    before = newest(database)
    assert fold_names.undo_batch(database, done.batch, **BY).folded == 29
    assert newest(database) == before + (how != "ignore")
    follow_names(worker(database))
    assert looks(database, people) == was
    assert fold_names.undo_batch(database, done.batch, **BY).folded == 0


def test_what_is_told_on_the_way_counts_as_if_all_had_followed(
    database: Database, people: list[Identifier]
) -> None:
    """Readings of contacts, and the folding and its undoing, interleaved at random."""
    rng, carries = random.Random(5), [set(NAMES[n:]) for n in range(3)]

    def meanwhile() -> None:
        number = rng.randrange(3)
        carries[number] = set(rng.sample(NAMES, rng.randrange(31)))
        with database.transaction() as session:
            take(session, people[number], 1, carries[number], NOON)
            tagging.follow(session, NOON)

    done = fold_names.fold_many(database, dict.fromkeys(ids(database), "af"), **BY)
    for _ in range(6):
        meanwhile()
    follow_names(worker(database))
    with database.reading() as session:
        rows = select(TagAssertion.identifier_id, TagAssertion.raw).where(
            TagAssertion.superseded_at.is_(None)
        )
        told = sorted((who.id, raw) for who, raws in zip(people, carries, strict=True)
                      for raw in raws)  # fmt: skip
        assert sorted(map(tuple, session.execute(rows))) == told
    fold_names.undo_batch(database, done.batch, **BY)
    for _ in range(6):
        meanwhile()
    follow_names(worker(database))
    with database.reading() as session:
        seen = select(TagSighting.identifier_id, TagSighting.raw)
        told = sorted((who.id, raw) for who, raws in zip(people, carries, strict=True)
                      for raw in raws)  # fmt: skip
        assert sorted(map(tuple, session.execute(seen))) == told
        assert set(session.scalars(select(UnmappedName.state))) == {NameState.WAITING}
        queue = session.execute(select(UnmappedName.raw, UnmappedName.seen)).all()
        assert dict(map(tuple, queue)) == {
            raw: sum(raw in mine for mine in carries) for raw in NAMES
        }  # fmt: skip


def test_the_same_name_of_two_sources_becomes_one_tag(
    database: Database, people: list[Identifier]
) -> None:
    with database.transaction() as session:
        tagging.take_names(
            session, people[0].id, source=Source.CRM, scope="crm", names={NAMES[3]: "CRM"},
            at=NOON, now=NOON,
        )  # fmt: skip
    done = fold_names.make_many(database, ids(database), "topic", "marketing", **BY)
    assert (done.folded, done.refused) == (31, [])
    follow_names(worker(database))
    with database.reading() as session:
        assert len([t for t in tagging.tags(session) if t.name in NAMES]) == 30
        meaning = tagging.LEXICON.of(session).meaning
        crm, wecom = meaning(Source.CRM, NAMES[3]), meaning(Source.WECOM_TAG, NAMES[3])
        assert crm is not None
        assert crm == wecom
