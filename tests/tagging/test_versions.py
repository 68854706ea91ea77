"""Every change of the vocabulary is a version, and any of them comes back exactly."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.orm import Session

from app import tagging
from app.flows.tagging import vocabulary
from app.flows.tagging.vocabulary import Share
from app.infra.db import Database
from app.infra.errors import Refused
from app.tagging import Source, editing, stored, versions
from app.tagging.document import CategoryDef, Document, TagDef, to_text
from app.tagging.models import TagAssertion, TagMigration
from app.tagging.naming import fold
from tests.conftest import NOON
from tests.tagging.people import person, say, tag

KEYS = ("af", "cardio", "hypertension")
WORDS = ("企微标签「房颤」", "读完《房颤抗凝》", "CRM 标签「AF」")
LATER = NOON + timedelta(days=3)

assertions = st.lists(
    st.tuples(
        st.sampled_from(KEYS), st.sampled_from([Source.CRM, Source.WECOM_TAG, Source.CONTENT_READ]),
        st.integers(0, 2),  # whose
        st.integers(0, 3),  # which evidence
        st.floats(-1, 1, allow_nan=False), st.integers(0, 200), st.booleans(),
        st.sampled_from(WORDS),
    ),
    max_size=14,
)  # fmt: skip
steps = st.lists(
    st.one_of(
        st.tuples(st.just("merge"), st.permutations(KEYS).map(lambda keys: tuple(keys[:2]))),
        st.tuples(st.just("split"), st.tuples(
            st.permutations(KEYS), st.sampled_from(["crm", "wecom_tag", ""]),
            st.sampled_from(["房颤", "AF", ""]), st.booleans(),
        )),
    ),
    min_size=1, max_size=3,
)  # fmt: skip


def begin(session: Session) -> None:
    """A vocabulary small enough to be changed often."""
    small = Document(
        (CategoryDef("disease", "专科与疾病"),),
        tuple(
            TagDef(key, key.upper(), "disease", "medical", parent=parent, half_life_days=half_life,
                   names=(("any", fold(f"{key} 别名")), ("crm", f"{key}-crm")))
            for key, parent, half_life in (("af", "cardio", 90), ("cardio", "", None),
                                           ("hypertension", "cardio", 365))
        ),
    )  # fmt: skip
    stored.write(session, small, NOON)


def fill(session: Session, rows: list[Any]) -> None:
    for key, source, whose, ref, confidence, days, over, words in rows:
        at = NOON - timedelta(days=days)
        tagging.assert_tag(
            session, person(session, f"wm{whose}").id, tag(session, key).id, source=source,
            ref=f"rep:1:{ref}", evidence=words, at=at, confidence=confidence,
        )  # fmt: skip
        if over:
            found = session.scalars(select(TagAssertion).order_by(TagAssertion.id.desc())).first()
            assert found
            tagging.supersede(session, found.id, NOON)


def state(session: Session) -> tuple[Any, ...]:
    """What holds: the rows themselves, and what they weigh."""
    session.expire_all()
    rows = session.execute(
        select(TagAssertion.id, TagAssertion.tag_id, TagAssertion.ref).where(
            TagAssertion.superseded_at.is_(None)
        )
    ).all()
    people = sorted({person(session, f"wm{n}").one_id for n in range(3)})
    weights = tagging.weights(session, people, LATER)
    told = {one: {t: round(w.value, 12) for t, w in of.items()} for one, of in weights.items()}
    return sorted(map(tuple, rows)), told, to_text(stored.read(session))


def take(session: Session, step: Any, now: datetime) -> int | None:
    """Do it; None when it is refused, which changes nothing."""
    kind, how = step
    try:
        with session.begin_nested():
            if kind == "merge":
                return vocabulary.merge(session, *how, actor="t", now=now).number
            (key, to, rest), source, word, whole = how
            share = Share(to, source, (word,) if word else ())
            return vocabulary.split(
                session, key, [share], rest=rest if whole else "", actor="t", now=now
            ).number
    except Refused:
        return None


@settings(max_examples=12, deadline=None,
          suppress_health_check=list(HealthCheck))  # fmt: skip
@given(rows=assertions, wanted=steps)
def test_what_a_version_moved_comes_back_exactly(
    database: Database, rows: list[Any], wanted: list[Any]
) -> None:
    with pytest.MonkeyPatch.context() as patch, database.transaction() as session:
        patch.setattr("app.tagging.moving.PIECE", 2)
        begin(session)
        fill(session, rows)
        before = state(session)
        first = vocabulary.edit(
            session, lambda d: editing.revised(d, "af", {"meaning": f"{NOON}"}), actor="t", now=NOON
        )
        assert first
        states = [(first.number, state(session))]
        for n, step in enumerate(wanted):
            number = take(session, step, NOON + timedelta(minutes=n))
            if number:
                states.append((number, state(session)))
        for number, _ in reversed(states[1:]):
            made = vocabulary.undo(session, number, actor="t", now=LATER)
            states.append((made.number, state(session)))
        assert state(session) == states[0][1]
        for number, there in reversed(states):  # any of them again, and its weights with it
            if state(session)[1:] != there[1:]:
                vocabulary.roll_back(session, number, actor="t", now=LATER)
            assert state(session)[1:] == there[1:], number
        vocabulary.roll_back(session, first.number - 1, actor="t", now=LATER)
        assert state(session) == before
        session.rollback()


def test_a_merged_tag_stands_for_the_other_in_names_codes_and_expressions(
    database: Database,
) -> None:
    with database.transaction() as session:
        tagging.seed(session, NOON)
        one, other = tag(session, "af"), tag(session, "cad")
        who = person(session)
        vocabulary.merge(session, "af", "cad", actor="t", now=NOON)
        named = tagging.map_name(session, Source.CRM, "心房颤动", NOON)
        assert named is not None
        assert named.key == "cad"
        assert {tagging.id_of(session, name) for name in ("房颤", "af", "心房颤动", "cad")} == {
            other.id
        }
        say(session, who, "af")  # by whoever still knows the old one
        assert set(tagging.weights(session, [who.one_id], NOON)[who.one_id]) == {other.id}
        assert tagging.standing(session, {one.id: 0.5, other.id: 0.3}) == {other.id: 0.5}
        assert [t.key for t in tagging.keywords_in(session, "想看房颤")] == ["cad"]


def test_what_a_source_takes_back_after_a_merge_does_not_come_back_with_its_undo(
    database: Database,
) -> None:
    with database.transaction() as session:
        tagging.seed(session, NOON)
        who = person(session)

        def says(*names: str, at: datetime) -> None:
            tagging.take_names(
                session, who.id, source=Source.WECOM_TAG, scope="rep:1",
                names=dict.fromkeys(names, "企微标签"), at=at, now=at,
            )  # fmt: skip

        says("房颤", "冠心病", at=NOON)
        number = vocabulary.merge(session, "af", "cad", actor="t", now=NOON).number
        says(at=LATER)  # both go
        assert tagging.weights(session, [who.one_id], LATER)[who.one_id] == {}
        vocabulary.undo(session, number, actor="t", now=LATER)
        assert tagging.weights(session, [who.one_id], LATER)[who.one_id] == {}


def test_later_steps_are_taken_back_first(database: Database) -> None:
    with database.transaction() as session:
        tagging.seed(session, NOON)
        say(session, person(session), "af")
        first = vocabulary.merge(session, "af", "cad", actor="t", now=NOON).number
        second = vocabulary.merge(session, "cad", "hypertension", actor="t", now=NOON).number
        with pytest.raises(Refused, match=f"请先撤销版本 {second}"):
            vocabulary.undo(session, first, actor="t", now=NOON)
        vocabulary.edit(
            session, lambda d: editing.revised(d, "elderly", {"name": "高龄患者们"}), actor="t",
            now=NOON,
        )  # fmt: skip
        made = vocabulary.undo(session, second, actor="t", now=NOON)
        assert made.kind == "undo"
        assert tag(session, "elderly").name == "高龄患者们"
        assert tag(session, "cad").active
        with pytest.raises(Refused, match="又改过"):
            vocabulary.undo(session, second, actor="t", now=NOON)
        vocabulary.undo(session, first, actor="t", now=NOON)
        moved = session.scalars(select(TagMigration.moved)).all()
        assert list(moved) == [1, 1]


def test_what_a_source_may_not_say_waits_until_it_may(database: Database) -> None:
    with database.transaction() as session:
        tagging.seed(session, NOON)
        who = person(session)

        def allow(*sources: str) -> None:
            vocabulary.edit(
                session, lambda d: editing.revised(d, "af", {"may_assert": sources}), actor="t",
                now=NOON,
            )  # fmt: skip

        def crm(*names: str) -> None:
            tagging.take_names(
                session, who.id, source=Source.CRM, scope="crm",
                names=dict.fromkeys(names, "CRM 标签"), at=NOON, now=NOON,
            )  # fmt: skip

        allow(Source.PERSON)
        say(session, who, "af", Source.MARKETING)
        crm("房颤", "冠心病")
        crm("房颤", "冠心病")
        af = tag(session, "af").id
        assert tagging.refusals.counts(session, af) == {Source.CRM: 1, Source.MARKETING: 1}
        assert af not in tagging.weights(session, [who.one_id], NOON)[who.one_id]
        crm("冠心病")  # the source does not say so any more
        assert tagging.refusals.counts(session, af) == {Source.MARKETING: 1}
        allow(Source.PERSON, Source.MARKETING)
        assert tagging.refusals.counts(session, af) == {}
        assert af in tagging.weights(session, [who.one_id], NOON)[who.one_id]


def test_changes_of_single_rows_are_versions_too(database: Database) -> None:
    with database.transaction() as session:
        tagging.seed(session, NOON)
    with database.transaction() as session:
        tagging.add_synonym(session, tag(session, "af"), "阵发房颤", Source.CRM, now=NOON)
        tagging.add_synonym(session, tag(session, "af"), "持续房颤", now=NOON)
    with database.transaction() as session:
        tagging.add_synonym(session, tag(session, "af"), "持续房颤", now=NOON)  # nothing new
    with database.reading() as session:
        newest, first = versions.listing(session)
        assert (newest.number, first.number, first.kind) == (2, 1, "start")
        assert [one["field"] for one in newest.changes] == ["names"]
        assert versions.document_of(newest) == stored.read(session)
        assert versions.between(session, 1, 1) == []
        assert [fields for _, fields in versions.of_tag(session, "af")] == [["names"], [""]]


def test_nothing_is_moved_to_a_tag_that_its_source_may_not_assert(database: Database) -> None:
    with database.transaction() as session:
        tagging.seed(session, NOON)
        say(session, person(session), "af", Source.MARKETING)
        closed = {"may_assert": ("crm",)}
        versions.change(
            session, lambda d: editing.revised(d, "heart-failure", closed), actor="t", now=NOON
        )
        for move in (vocabulary.preview, vocabulary.split):
            how = {} if move is vocabulary.preview else {"actor": "t", "now": NOON}
            with pytest.raises(Refused, match="1 条标注来自别的来源"):
                move(session, "af", [Share("heart-failure", "marketing")], **how)
        with pytest.raises(Refused, match="1 条标注来自别的来源"):
            vocabulary.merge(session, "af", "heart-failure", actor="t", now=NOON)
