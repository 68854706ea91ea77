"""The vocabulary on real databases."""

from __future__ import annotations

import pytest

from app import tagging
from app.infra.db import Database
from app.infra.errors import NotFound, Refused
from app.tagging import Source
from app.tagging.starter import CATEGORIES, OPPOSITES, TAGS
from tests.conftest import NOON
from tests.tagging.people import tag


def test_seeding_twice_changes_nothing_and_keeps_what_people_changed(database: Database) -> None:
    with database.transaction() as session:
        tagging.seed(session, NOON)
        tag(session, "af").meaning = "我们自己的说明"
    with database.transaction() as session:
        before = [t.key for t in tagging.tags(session)]
        tagging.seed(session, NOON)
        assert [t.key for t in tagging.tags(session)] == before
        assert tag(session, "af").meaning == "我们自己的说明"
        assert tag(session, "af").parent_id == tag(session, "cardio").id


def test_a_forbidden_name_is_refused_with_its_reason(database: Database) -> None:
    with database.transaction() as session:
        tagging.seed(session, NOON)
        for name, synonyms in (("高处方量医生", ()), ("好医生", ("统方",))):
            with pytest.raises(Refused, match="处方量"):
                tagging.add_tag(
                    session, key="bad", name=name, category_key="behaviour", owner="sales",
                    half_life_days=30, synonyms=synonyms, now=NOON,
                )  # fmt: skip


def test_a_synonym_of_one_source_wins_over_the_common_one(database: Database) -> None:
    with database.transaction() as session:
        tagging.seed(session, NOON)
        assert tagging.add_synonym(session, tag(session, "hypertension"), "HF", Source.CRM)
        assert not tagging.add_synonym(session, tag(session, "cad"), "hf")  # taken
        by_crm = tagging.map_name(session, Source.CRM, " hf ", NOON)
        by_wecom = tagging.map_name(session, Source.WECOM_TAG, "ＨＦ", NOON)
        assert (by_crm and by_crm.key, by_wecom and by_wecom.key) == (
            "hypertension", "heart-failure",
        )  # fmt: skip
        assert tagging.id_of(session, "hf") == tag(session, "heart-failure").id


def test_a_physicians_words_speak_of_topics_but_never_of_rank_or_stage(database: Database) -> None:
    with database.transaction() as session:
        tagging.seed(session, NOON)
        found = tagging.keywords_in(session, "王科主任您好，想参会，要房颤指南解读，A3")
        assert [t.key for t in found] == ["s-meeting", "af", "guideline"]
        tagging.retire(session, "af")
        assert [t.key for t in tagging.keywords_in(session, "房颤")] == []
        with pytest.raises(NotFound):
            tagging.retire(session, "no-such-tag")


def test_the_starter_set_covers_what_a_company_asks_of_it() -> None:
    assert len(TAGS) >= 120
    assert {entry.category for entry in TAGS} == {key for key, _, _ in CATEGORIES}
    for entry in TAGS:
        assert 4 <= len(entry.meaning) <= 40, entry
        assert "。" not in entry.meaning, entry  # one sentence, as a line of a table
    keys = {entry.key for entry in TAGS}
    assert all({one, other} <= keys for one, other in OPPOSITES)
    assert ("b-active", "b-silent") in OPPOSITES
