"""Foldings are taken back exactly, whatever happened before, between and after."""

from __future__ import annotations

from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.orm import Session

from app import tagging
from app.bootstrap import Parts
from app.flows.tagging import vocabulary
from app.identity import Identifier
from app.infra.db import Database
from app.infra.errors import Refused
from app.tagging import Source
from app.tagging.editing import revised
from app.tagging.lexicon import LEXICON
from app.tagging.models import TagAssertion, TagSighting, UnmappedName
from tests.conftest import NOON
from tests.tagging.people import fold_name, ignore_name, make_tag, person, say, tag, unfold
from workers.mirroring import keep_names

NAMES = ("房颤大户", "老朋友", "房颤", "心衰", "AFib")
LISTS = st.tuples(
    st.sampled_from((0, 1, 2)), st.sampled_from((1, 2)), st.sets(st.sampled_from(NAMES))
)


def take(session: Session, who: Identifier, rep: int, names: set[str], at: datetime) -> None:
    told = {name: f"企微标签「{name}」" for name in sorted(names)}
    tagging.take_names(
        session, who.id, source=Source.WECOM_TAG, scope=f"rep:{rep}", names=told, at=at, now=at
    )


def state(session: Session, people: list[Identifier], at: datetime) -> dict[str, Any]:
    """All that a folding touches, as anybody can see it."""
    active = select(
        TagAssertion.id, TagAssertion.identifier_id, TagAssertion.tag_id, TagAssertion.raw,
        TagAssertion.evidence, TagAssertion.at,
    ).where(TagAssertion.superseded_at.is_(None))  # fmt: skip
    seen = select(
        TagSighting.identifier_id, TagSighting.source, TagSighting.scope, TagSighting.raw,
        TagSighting.evidence, TagSighting.at,
    )  # fmt: skip
    queue = select(UnmappedName.source, UnmappedName.raw, UnmappedName.seen, UnmappedName.last_at,
                   UnmappedName.state)  # fmt: skip
    held = tagging.weights(session, [who.one_id for who in people], at)
    return {
        "active": sorted(map(tuple, session.execute(active))),
        "seen": sorted(map(tuple, session.execute(seen))),
        "queue": sorted(map(tuple, session.execute(queue))),
        "weights": {
            one: {t: (w.value, w.evidence) for t, w in tags.items()} for one, tags in held.items()
        },
        "names": {raw: LEXICON.of(session).meaning("wecom_tag", raw.lower()) for raw in NAMES},
    }


def decide(session: Session, how: str, name_id: int, at: datetime) -> int:
    who: dict[str, Any] = {"actor": "user:1", "now": at, "batch": "b"}
    if how == "ignore":
        return ignore_name(session, name_id, "内部分组", **who).id
    if how == "new":
        made = {"category_key": "topic", "owner": "marketing"}
        return make_tag(session, name_id, **made, **who).id
    return fold_name(session, name_id, "af", **who).id


@settings(max_examples=5, suppress_health_check=list(HealthCheck), deadline=None)
@given(
    before=st.lists(LISTS, max_size=5), between=st.lists(LISTS, max_size=4),
    how=st.sampled_from(("fold", "fold", "new", "ignore")), which=st.sampled_from((0, 1)),
)  # fmt: skip
def test_folding_and_undoing_is_as_if_nobody_had_decided(
    database: Database, before: list[Any], between: list[Any], how: str, which: int
) -> None:
    """Once undone at once, and once after further events; a twin that never folded is compared."""
    with database.transaction() as session:
        tagging.seed(session, NOON)
        people = [person(session, f"wm{n}") for n in range(3)]
        minute = timedelta(minutes=1)
        take(session, people[0], 1, {"房颤大户", "老朋友"}, NOON)
        for n, (who, rep, names) in enumerate(before, 1):
            take(session, people[who], rep, names, NOON + n * minute)
        later = NOON + timedelta(hours=1)
        name_id = tagging.unmapped(session)[which].id
        was = state(session, people, later)
        decided = decide(session, how, name_id, later)
        assert len(tagging.unmapped(session)) < len([n for n in was["queue"] if n[4] == "waiting"])
        unfold(session, decided, actor="user:1", now=later)
        assert state(session, people, later) == was

        twin = session.begin_nested()
        for n, (who, rep, names) in enumerate(between, 1):
            take(session, people[who], rep, names, later + n * minute)
        never = state(session, people, later)
        twin.rollback()
        LEXICON.changed(session)
        decided = decide(session, how, name_id, later)
        for n, (who, rep, names) in enumerate(between, 1):
            take(session, people[who], rep, names, later + n * minute)
        unfold(session, decided, actor="user:1", now=later + timedelta(hours=1))
        since = state(session, people, later)
        for key in ("seen", "weights", "names"):
            assert since[key] == never[key], key
        assert {row[1:] for row in since["active"]} == {row[1:] for row in never["active"]}
        assert {row[:3] for row in since["queue"]} == {row[:3] for row in never["queue"]}
        session.rollback()


def test_what_cannot_be_undone_says_why(database: Database) -> None:
    with database.transaction() as session:
        tagging.seed(session, NOON)
        who = person(session)
        take(session, who, 1, {"随访打卡"}, NOON)
        (waiting,) = tagging.unmapped(session)
        made = decide(session, "new", waiting.id, NOON)
        say(session, who, f"n-{waiting.id}", Source.PERSON)
        with pytest.raises(Refused, match="已经有了别的"):
            unfold(session, made, actor="user:1", now=NOON)


def test_names_that_the_vocabulary_learns_meanwhile_follow_it(database: Database) -> None:
    with database.transaction() as session:
        tagging.seed(session, NOON)
        who = person(session)
        take(session, who, 1, {"房颤大户"}, NOON)
        tagging.add_synonym(session, tag(session, "af"), "房颤大户")
        assert tagging.settle(session, NOON) > 0
        assert tagging.settle(session, NOON) == 0
        assert tagging.unmapped(session) == []
        assert [r.raw for r in session.scalars(select(TagAssertion))] == ["房颤大户"]
        (row, _name, _tag), *_ = tagging.folding_history(session)
        with pytest.raises(Refused, match="词表"):
            unfold(session, row.id, actor="user:1", now=NOON)


def test_names_that_the_vocabulary_forgets_wait_again_with_all_their_carriers(
    database: Database,
) -> None:
    """The folding is taken back as a version; a later reading meets the name in between."""
    with database.transaction() as session:
        tagging.seed(session, NOON)
        first, second = person(session), person(session, "wm2")
        take(session, first, 1, {"老朋友"}, NOON)
        (waiting,) = tagging.unmapped(session)
    with database.transaction() as session:
        decide(session, "fold", waiting.id, NOON)
    with database.transaction() as session:
        newest = tagging.versions.newest_number(session)
        vocabulary.undo(session, newest, actor="user:1", now=NOON)
    with database.transaction() as session:
        take(session, second, 1, {"老朋友"}, NOON)
    worker = cast(Parts, SimpleNamespace(db=database, clock=lambda: NOON))
    assert keep_names(worker) > 0
    assert keep_names(worker) == 0
    with database.transaction() as session:
        assert [(one.raw, one.seen) for one in tagging.unmapped(session)] == [("老朋友", 2)]
        seen = session.execute(select(TagSighting.identifier_id, TagSighting.scope))
        assert sorted(map(tuple, seen)) == [(first.id, "rep:1"), (second.id, "rep:1")]
        assert tagging.weights(session, [first.one_id, second.one_id], NOON) == {
            first.one_id: {}, second.one_id: {},
        }  # fmt: skip
        decide(session, "fold", waiting.id, NOON)  # the one before counts as undone
        assert len(tagging.weights(session, [second.one_id], NOON)[second.one_id]) == 1


def test_an_event_that_began_before_the_undoing_gives_nobody_the_tag_for_good(
    database: Database,
) -> None:
    if database.engine.dialect.name != "postgresql":
        pytest.skip("one writer at a time")
    worker = cast(Parts, SimpleNamespace(db=database, clock=lambda: NOON))
    with database.transaction() as session:
        tagging.seed(session, NOON)
        who = person(session)
        take(session, who, 1, {"老朋友"}, NOON)
        was = state(session, [who], NOON)
        (waiting,) = tagging.unmapped(session)
    with database.transaction() as session:
        decided = decide(session, "fold", waiting.id, NOON)
    with database.transaction() as event:
        LEXICON.of(event)
        with database.transaction() as session:
            unfold(session, decided, actor="user:1", now=NOON)
        take(event, who, 1, {"老朋友"}, NOON)
    assert keep_names(worker) > 0
    assert keep_names(worker) == 0
    with database.reading() as session:
        assert state(session, [who], NOON) == was


def test_who_carries_a_name_that_its_source_may_not_say_any_more_is_kept_aside(
    database: Database,
) -> None:
    with database.transaction() as session:
        tagging.seed(session, NOON)
        who = person(session)
        take(session, who, 1, {"老朋友"}, NOON)
        (waiting,) = tagging.unmapped(session)
        decide(session, "fold", waiting.id, NOON)
        seen = {"identifier_id": who.id, "source": "wecom_tag", "raw": "老朋友", "at": NOON}
        session.add(TagSighting(**seen, scope="rep:2"))  # read while it was being folded
        closed = {"may_assert": ("crm",)}
        vocabulary.edit(
            session, lambda known: revised(known, "af", closed), actor="user:1", now=NOON
        )
        assert tagging.settle(session, NOON) > 0
        assert tagging.settle(session, NOON) == 0
        assert tagging.refusals.counts(session, tag(session, "af").id) == {"wecom_tag": 1}


def test_a_tag_of_a_name_made_again_asks_who_may_assert_it(database: Database) -> None:
    with database.transaction() as session:
        tagging.seed(session, NOON)
        who = person(session)
        take(session, who, 1, {"随访打卡"}, NOON)
        (waiting,) = tagging.unmapped(session)
        made, key = decide(session, "new", waiting.id, NOON), f"n-{waiting.id}"
        vocabulary.merge(session, key, "af", actor="user:1", now=NOON)
        with pytest.raises(Refused, match="先撤销那次合并"):
            unfold(session, made, actor="user:1", now=NOON)
        session.rollback()
    with database.transaction() as session:
        tagging.seed(session, NOON)
        who = person(session)
        take(session, who, 1, {"随访打卡"}, NOON)
        (waiting,) = tagging.unmapped(session)
        made, key = decide(session, "new", waiting.id, NOON), f"n-{waiting.id}"
        unfold(session, made, actor="user:1", now=NOON)
        tag(session, key).may_assert = "crm"
        LEXICON.changed(session)
        with pytest.raises(Refused, match="这个来源不能断言"):
            decide(session, "new", waiting.id, NOON)
