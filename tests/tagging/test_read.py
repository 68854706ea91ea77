"""What holds, why, and for whom."""

from __future__ import annotations

from datetime import timedelta

import pytest

from app import tagging
from app.infra.db import Database
from app.tagging import Source
from tests.conftest import NOON
from tests.tagging.people import person, say, tag


def test_the_reasons_of_a_tag_sum_to_its_weight(database: Database) -> None:
    with database.transaction() as session:
        tagging.seed(session, NOON)
        who, af = person(session), tag(session, "af")
        say(session, who, "af", Source.CRM, at=NOON - timedelta(days=200))
        say(session, who, "af", Source.WECOM_TAG)
        say(session, who, "af", Source.PERSON, confidence=-0.5)
        told = tagging.reasons(session, who.one_id, NOON)[af.id]
        held = tagging.weights(session, [who.one_id], NOON)[who.one_id][af.id]
        assert sum(reason.share for reason in told) == pytest.approx(held.value)
        assert [r.source for r in told] == [Source.WECOM_TAG, Source.PERSON, Source.CRM]
        assert "（反对）" in told[1].text(NOON)
        assert held.source == Source.WECOM_TAG


def test_of_exclusive_tags_only_the_strongest_holds(database: Database) -> None:
    with database.transaction() as session:
        tagging.seed(session, NOON)
        who = person(session)
        say(session, who, "stage-trial", Source.CRM)
        say(session, who, "stage-regular", Source.PERSON)
        regular, trial = tag(session, "stage-regular"), tag(session, "stage-trial")
        assert set(tagging.weights(session, [who.one_id], NOON)[who.one_id]) == {regular.id}
        assert tagging.holders(session, regular.id, NOON, 0.2) == {who.one_id}
        assert tagging.holders(session, trial.id, NOON, 0.2) == set()


def test_a_wider_tag_is_held_by_half_through_its_narrower_ones(database: Database) -> None:
    with database.transaction() as session:
        tagging.seed(session, NOON)
        heart, lung = person(session, "wm1"), person(session, "wm2")
        say(session, heart, "af")
        say(session, lung, "nsclc", Source.PERSON)
        cardio, oncology = tag(session, "cardio").id, tag(session, "oncology").id
        assert tagging.holders(session, cardio, NOON, 0.35) == {heart.one_id}
        assert tagging.holders(session, cardio, NOON, 0.36) == set()
        assert tagging.holders(session, oncology, NOON, 0.2) == {lung.one_id}  # two steps


def test_faint_and_retired_tags_do_not_count(database: Database) -> None:
    with database.transaction() as session:
        tagging.seed(session, NOON)
        who = person(session)
        say(session, who, "b-active", Source.CRM, at=NOON - timedelta(days=300))
        say(session, who, "af")
        tagging.retire(session, "af")
        assert tagging.weights(session, [who.one_id, "nobody"], NOON) == {
            who.one_id: {}, "nobody": {},
        }  # fmt: skip
        assert tag(session, "af").id not in tagging.reasons(session, who.one_id, NOON)
        assert tagging.holders(session, tag(session, "af").id, NOON, 0.1) == set()


def test_tags_follow_a_person_over_all_identifiers(database: Database) -> None:
    with database.transaction() as session:
        tagging.seed(session, NOON)
        people = [person(session, f"wm{n}") for n in range(3)]
        for who in people:
            say(session, who, "af")
        found = tagging.weights(session, [who.one_id for who in people], NOON)
        assert all(set(tags) == {tag(session, "af").id} for tags in found.values())
        assert len(found) == 3
