"""What a topic that is off takes along, and whose choices count."""

from __future__ import annotations

from datetime import timedelta

import pytest

from app import consent, reps, tagging
from app.campaigns import CampaignWay
from app.consent import About
from app.flows.allowed import eligible
from app.flows.campaigns import audience
from app.flows.pages import own_choices
from app.flows.pages.own_page import own_page
from app.flows.sending.tell_rep import rep_to_tell
from app.flows.tagging import vocabulary
from app.identity import Identifier
from app.infra.clock import local
from app.infra.db import Database
from app.infra.errors import NotFound
from app.recommend import State, Suggestion
from tests.company import hire, meet, publish
from tests.conftest import NOON
from tests.tagging.people import tag


def test_a_topic_takes_narrower_ones_along_for_this_physician_only(database: Database) -> None:
    with database.transaction() as session:
        tagging.seed(session, NOON)
        rep = hire(session, "rep01", NOON)
        one, other = (meet(session, rep, key, NOON) for key in ("one", "other"))
        versions = [
            publish(session, key, (key,), NOON) for key in ("targeted", "resistance", "guideline")
        ]
        own_choices.switch_topic(session, one, tag(session, "targeted").id, True, NOON)
        library = eligible.library_of(session, versions)
        for whose in (rep, None):  # also what a physician asks the account for
            may = eligible.compiled(session, whose, library, [one.one_id, other.one_id], NOON)
            told = [
                [why.code for why in may.reasons(one.one_id, version.content_id)]
                for version in versions
            ]
            assert told == [["unwanted_topic"], ["unwanted_topic"], []]
            assert not may.barred(other.one_id)
        page = own_page(session, one, NOON)
        assert [(topic.name, topic.off) for topic in page.topics] == [("靶向治疗", True)]
        assert {"耐药", "指南"} <= {topic.name for topic in page.more}


def test_a_topic_that_was_merged_stays_off_and_comes_back_with_the_other(
    database: Database,
) -> None:
    with database.transaction() as session:
        tagging.seed(session, NOON)
        one = meet(session, hire(session, "rep01", NOON), "one", NOON)
        version = publish(session, "达标", ("lipid-lowering",), NOON)
        own_choices.switch_topic(session, one, tag(session, "adherence").id, True, NOON)
        vocabulary.merge(session, "adherence", "lipid-lowering", actor="user:1", now=NOON)
        assert [
            why.code for why in eligible.reasons_for(session, None, one.one_id, version, NOON)
        ] == ["unwanted_topic"]
        (topic,) = own_page(session, one, NOON).topics
        own_choices.switch_topic(session, one, topic.number, False, NOON)
        assert eligible.reasons_for(session, None, one.one_id, version, NOON) == ()


@pytest.mark.parametrize("rest", ["", "anticoagulation"])
def test_a_deleted_tag_that_is_split_comes_back_under_no_other_name(
    database: Database, rest: str
) -> None:
    with database.transaction() as session:
        tagging.seed(session, NOON)
        rep = hire(session, "rep01", NOON)
        one, other = (meet(session, rep, key, NOON, tags=("af",)) for key in ("one", "other"))
        own_choices.delete_tag(session, one, tag(session, "af").id, NOON)
        share = vocabulary.Share(to="cad", source="wecom_tag")
        vocabulary.split(session, "af", [share], rest=rest, actor="user:1", now=NOON)
        held = tagging.weights(session, [one.one_id, other.one_id], NOON)
        assert held[one.one_id] == {}
        assert set(held[other.one_id]) == {tag(session, "cad").id}
        assert set(tagging.deleted_own(session, one.one_id)) == {tag(session, rest or "af").id}


def test_nothing_is_chosen_about_what_is_not_on_the_page(database: Database) -> None:
    with database.transaction() as session:
        tagging.seed(session, NOON)
        mine, theirs = hire(session, "rep01", NOON), hire(session, "rep02", NOON)
        one = meet(session, mine, "one", NOON, tags=("af",))
        for act, number in (
            (own_choices.switch_rep, theirs.id),
            (own_choices.switch_topic, tag(session, "stage-trial").id),
        ):
            with pytest.raises(NotFound):
                act(session, one, number, True, NOON)
        with pytest.raises(NotFound):
            own_choices.delete_tag(session, one, tag(session, "cad").id, NOON)
        with pytest.raises(NotFound):
            own_choices.set_pace(session, one, 3, "test", NOON)
        assert consent.own(session, [one.one_id]) == {}


def test_of_several_choices_the_stricter_holds(database: Database) -> None:
    with database.transaction() as session:
        tagging.seed(session, NOON)
        rep = hire(session, "rep01", NOON)
        one: Identifier = meet(session, rep, "one", NOON)
        for days in (7, 30, 14):
            consent.choose(session, one.id, About.PACE, days, at=NOON)
        assert not consent.choose(session, one.id, About.PACE, 30, at=NOON)
        assert consent.own(session, [one.one_id])[one.one_id].days == 30
        own_choices.set_pace(session, one, 14, "test", NOON)  # the newest word of the person
        assert consent.own(session, [one.one_id])[one.one_id].days == 14


def test_another_rep_is_turned_to_where_one_may_not_write(database: Database) -> None:
    later = NOON + timedelta(days=1)
    with database.transaction() as session:
        tagging.seed(session, NOON)
        off, on = hire(session, "rep01", NOON), hire(session, "rep02", NOON)
        one = meet(session, off, "one", NOON, tags=("af",))
        reps.connect(session, on, one, since=NOON - timedelta(days=60), now=NOON)
        version = publish(session, "房颤", ("af",), NOON)

        def turned_to() -> list[str]:
            way = CampaignWay.GROUP_TASK
            (share,) = audience.reach(session, "全部", way, version, later, app_id="").shares
            told = rep_to_tell(session, one.one_id)
            assert told is not None
            return [share.rep.userid, told.userid]

        assert turned_to() == ["rep01", "rep01"]  # the newest chat
        own_choices.switch_rep(session, one, off.id, True, NOON)
        assert turned_to() == ["rep02", "rep02"]
        own_choices.switch_rep(session, one, on.id, True, NOON)
        told = rep_to_tell(session, one.one_id)  # somebody has to hear of what may be harm
        assert told is not None
        assert told.userid == "rep01"
        left = audience.reach(session, "全部", CampaignWay.GROUP_TASK, version, later, app_id="")
        assert left.planned == 0
        assert left.left_out["unwanted"] == 1


def test_what_waits_for_a_rep_who_is_switched_off_keeps_no_colleague_waiting(
    database: Database,
) -> None:
    with database.transaction() as session:
        tagging.seed(session, NOON)
        off, other = (hire(session, key, NOON) for key in ("off", "other"))
        one = meet(session, off, "one", NOON)
        version = publish(session, "抗凝", ("af",), NOON)
        made = {}
        for rep in (off, other):
            row = Suggestion(
                plan_key=rep.userid, rep_id=rep.id, identifier_id=one.id, state=State.DELIVERED,
                content_id=version.content_id, content_version_id=version.id,
                day=local(NOON).date(), created_at=NOON,
            )  # fmt: skip
            session.add(row)
            made[rep.userid] = row
        session.flush()
        own_choices.switch_rep(session, one, off.id, True, NOON)
        told = {key: str(session.get_one(Suggestion, row.id, populate_existing=True).state)
                for key, row in made.items()}  # fmt: skip
        assert told == {"off": "cancelled", "other": "delivered"}
