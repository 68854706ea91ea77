"""The life of a push over days: pauses, ends, runs at the same time, and what its figures say."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from app import campaigns, content, delivery, journey, links, operations, recommend, tagging
from app.campaigns import Stage
from app.connectors.errors import OutcomeUnknown
from app.consent import Action, policy_row, record
from app.content import ContentVersion
from app.delivery import Dispatch, Receipt, Way
from app.delivery import State as Sending
from app.facts import MemberChanged, TemplateDelivered
from app.flows import Received
from app.flows.allowed.permission import verdict_for
from app.flows.answers import refusal
from app.flows.campaigns import take_over
from app.flows.campaigns.carry_out import carry_out
from app.flows.campaigns.stop_campaign import stop_campaign
from app.flows.contacts import corp_facts
from app.flows.followers import oa_results
from app.flows.sending.poll_group_tasks import TAKEN_BACK, note_answer, questions
from app.flows.sending.sent import after_receipt
from app.flows.sending.settle_message import settle_message
from app.identity import Identifier
from app.infra.db import Database
from app.infra.errors import Refused
from app.infra.settings import Settings
from app.journey import Happened, Touchpoint
from app.recommend import State, Suggestion
from app.reps import Rep
from tests.campaigns.test_campaigns import (
    APP,
    follow,
    make,
    preview,
    result_of,
    send_all,
    start,
    work_off,
)
from tests.company import CORP, hire, meet, publish, renew
from tests.conftest import SetClock


@pytest.fixture
def version(database: Database, clock: SetClock) -> ContentVersion:
    """Three physicians of one rep, and what they shall get."""
    with database.transaction() as session:
        tagging.seed(session, clock())
        rep = hire(session, "rep01", clock())
        for n in range(3):
            meet(session, rep, f"p{n}", clock(), tags=("af",))
        return publish(session, "房颤抗凝新进展", ("af",), clock())


def test_resuming_runs_at_once_only_for_what_the_last_pause_has_stopped(
    database: Database, clock: SetClock, version: ContentVersion, settings: Settings
) -> None:
    with database.transaction() as session:
        weekly = {"at": None, "cron": "5 10 * * mon"}
        campaign = start(session, version, "group_task", clock(), **weekly)
        campaigns.run_now(session, campaign.id, clock())
        work_off(session, settings, clock())
        for _ in range(2):
            stop_campaign(session, campaign.id, Stage.PAUSED, clock.tick(minutes=1))
            campaigns.activate(session, campaign.id, clock.tick(minutes=1))
            work_off(session, settings, clock())
            send_all(session, clock.tick(minutes=1))
        again, first = campaigns.runs_of(session, campaign.id)
        assert (again.planned, first.planned) == (3, 3)


@pytest.mark.parametrize("planned_before", [False, True])
def test_a_pause_is_made_up_for_though_its_reps_wanted_no_cards_that_day(
    database: Database, clock: SetClock, version: ContentVersion, settings: Settings,
    planned_before: bool,
) -> None:  # fmt: skip
    with database.transaction() as session:
        earlier = start(session, version, "suggestion", clock())
        work_off(session, settings, clock())
        stop_campaign(session, earlier.id, Stage.FINISHED, clock())
        asked = session.scalars(select(Suggestion)).all()[0]
        if not planned_before:
            recommend.mute(session, asked, ref="page:1", now=clock())
        campaign = start(session, version, "suggestion", clock.tick(minutes=1))
        work_off(session, settings, clock())
        for row in session.scalars(select(Suggestion).where(Suggestion.state == State.PLANNED)):
            assert refusal.keep_quiet(session, row, "代表今天不再提醒") == planned_before
        stop_campaign(session, campaign.id, Stage.PAUSED, clock.tick(minutes=1))
        campaigns.activate(session, campaign.id, clock.tick(days=1))
        assert work_off(session, settings, clock()) == 1
        assert [run.planned for run in campaigns.runs_of(session, campaign.id)] == [3, 3]


def test_a_pause_is_made_up_for_though_something_else_stood_against_a_task_as_well(
    database: Database, clock: SetClock, version: ContentVersion, settings: Settings
) -> None:
    with database.transaction() as session:
        campaign = start(session, version, "group_task", clock())
        work_off(session, settings, clock())
        task, *_ = send_all(session, clock.tick(minutes=1))
        assert task.identifier_id is not None
        consent = {"source": "keyword", "channel": "wecom"}
        record(session, task.identifier_id, action=Action.WITHDRAW, at=clock(), **consent)
        stop_campaign(session, campaign.id, Stage.PAUSED, clock.tick(minutes=1))
        asked = next(one for one in questions(session, clock()) if one.dispatch_id == task.id)
        note_answer(session, asked, result_of(asked, TAKEN_BACK, clock()), clock())
        assert task.error == "推送已暂停；医生已退订"
        late = next(one for one in questions(session, clock()) if one.dispatch_id != task.id)
        record(session, task.identifier_id, action=Action.GRANT, at=clock.tick(days=1), **consent)
        campaigns.activate(session, campaign.id, clock())
        assert work_off(session, settings, clock()) == 1, "and the others' tasks still wait"
        note_answer(session, late, result_of(late, TAKEN_BACK, clock()), clock.tick(seconds=1))
        assert work_off(session, settings, clock.tick(minutes=1)) == 1, "asked before it went on"
        assert [run.planned for run in campaigns.runs_of(session, campaign.id)] == [1, 1, 3]


def test_a_run_that_a_pause_came_before_is_made_up_for(
    database: Database, clock: SetClock, version: ContentVersion, settings: Settings
) -> None:
    with database.transaction() as session:
        campaign = start(session, version, "group_task", clock())
        for _ in range(2):  # the worker is slower than the marketer
            stop_campaign(session, campaign.id, Stage.PAUSED, clock.tick(seconds=1))
            work_off(session, settings, clock.tick(seconds=1))
            campaigns.activate(session, campaign.id, clock.tick(seconds=1))
        assert work_off(session, settings, clock.tick(seconds=1)) == 1
        runs = campaigns.runs_of(session, campaign.id)
        assert [(run.planned, run.state) for run in runs] == [
            (3, "done"), (0, "cancelled"), (0, "cancelled"),
        ]  # fmt: skip
        assert not operations.todays_runs(session, clock()), "nothing is wrong"


def test_what_a_slow_run_queues_after_its_push_was_stopped_is_not_sent(
    database: Database, clock: SetClock, version: ContentVersion, settings: Settings
) -> None:
    with database.transaction() as session:
        campaign = start(session, version, "group_task", clock())
        work_off(session, settings, clock())
        campaigns.halt(session, campaign.id, Stage.PAUSED)  # the run's messages are not seen yet
        first, *_ = session.scalars(select(Dispatch)).all()
        verdict = verdict_for(session, first, clock())
        assert verdict is not None
        assert (verdict.code, verdict.text) == ("stopped", "推送已暂停")
        campaigns.activate(session, campaign.id, clock.tick(minutes=1))
        verdict = verdict_for(session, first, clock())
        assert verdict is not None
        assert verdict.allowed


def test_runs_of_one_push_go_one_after_another_and_nobody_gets_it_twice(
    database: Database, clock: SetClock, version: ContentVersion, settings: Settings
) -> None:
    with database.transaction() as session:
        campaign = start(session, version, "group_task", clock(), at=None)
        first, second = (
            campaigns.run_now(session, campaign.id, clock.tick(seconds=1)) for _ in range(2)
        )
    with database.transaction() as session:
        assert not carry_out(session, second, settings, clock()), "the first one may be under way"
        assert carry_out(session, first, settings, clock())
        assert carry_out(session, second, settings, clock())
        assert [run.planned for run in campaigns.runs_of(session, campaign.id)] == [0, 3]


def test_what_is_planned_in_quiet_hours_is_good_until_after_them(
    database: Database, clock: SetClock, version: ContentVersion, settings: Settings
) -> None:
    with database.transaction() as session:
        policy_row(session, clock()).quiet_from_minute = 18 * 60
        session.flush()
        clock.tick(hours=6, minutes=30)  # 18:30
        assert preview(session, version, "group_task", clock()).planned == 3
        start(session, version, "group_task", clock())
        work_off(session, settings, clock())
        first, *_ = session.scalars(select(Dispatch)).all()
        verdict = verdict_for(session, first, clock())
        assert verdict is not None
        assert verdict.allowed_again_at is not None
        assert first.not_after is not None
        assert verdict.allowed_again_at < first.not_after


def test_who_is_left_out_since_a_rep_did_not_answer_is_not_said_to_have_the_content(
    database: Database, clock: SetClock, version: ContentVersion, settings: Settings
) -> None:
    with database.transaction() as session:
        campaign = start(session, version, "suggestion", clock(), at=None)
        campaigns.run_now(session, campaign.id, clock())
        work_off(session, settings, clock())
        send_all(session, clock.tick(minutes=10))
        campaigns.run_now(session, campaign.id, clock.tick(days=7))
        work_off(session, settings, clock())
        again, _first = campaigns.runs_of(session, campaign.id)
        assert again.left_out == {"passed_over": 3}


def test_suggestions_are_spread_only_over_days_on_which_the_content_may_be_sent(
    database: Database, clock: SetClock, version: ContentVersion
) -> None:
    with database.transaction() as session:
        session.scalars(select(Rep)).one().daily_limit = 1
        ends = session.get_one(ContentVersion, version.id)
        ends.valid_until = clock() + timedelta(hours=20)  # before tomorrow's card
        session.flush()
        seen = preview(session, version, "suggestion", clock())
        assert (seen.planned, seen.days, seen.left_out) == (1, 1, {"daily_limit": 2})


def test_no_card_suggests_what_the_physician_has_got_since_it_was_planned(
    database: Database, clock: SetClock, version: ContentVersion, settings: Settings
) -> None:
    with database.transaction() as session:
        session.scalars(select(Rep)).one().daily_limit = 1
        start(session, version, "suggestion", clock())
        work_off(session, settings, clock())
        *_, second, third = session.scalars(select(Dispatch).order_by(Dispatch.not_before)).all()
        links.create_link(
            session, version.id, identifier_id=third.identifier_id, channel="wecom",
            now=clock.tick(days=1),
        )  # fmt: skip
        verdicts = [verdict_for(session, card, clock()) for card in (second, third)]
        assert [verdict and verdict.code for verdict in verdicts] == ["", "had_it_already"]


def test_a_new_version_goes_to_everybody_whom_the_old_one_had_not_reached_yet(
    database: Database, clock: SetClock, version: ContentVersion, settings: Settings
) -> None:
    with database.transaction() as session:
        session.scalars(select(Rep)).one().daily_limit = 1
        campaign = start(session, version, "suggestion", clock())
        paused = start(session, version, "suggestion", clock())
        work_off(session, settings, clock())
        stop_campaign(session, paused.id, Stage.PAUSED, clock())
        assert len(send_all(session, clock.tick(minutes=10))) == 1
        newer = renew(session, version, clock())
        assert work_off(session, settings, clock.tick(seconds=1)) == 1
        again, _first = campaigns.runs_of(session, campaign.id)
        assert (again.planned, again.left_out) == (2, {"suggested_lately": 1})
        waiting = session.scalars(select(Dispatch).where(Dispatch.state == Sending.QUEUED)).all()
        assert [card.content_version_id for card in waiting] == [newer.id] * 2


def test_a_version_for_later_takes_over_from_what_waits_when_it_begins(
    database: Database, clock: SetClock, version: ContentVersion, settings: Settings
) -> None:
    with database.transaction() as session:
        session.scalars(select(Rep)).one().daily_limit = 1
        campaign = start(session, version, "suggestion", clock())
        work_off(session, settings, clock())
        (card,) = send_all(session, clock.tick(minutes=10))
        newer = renew(session, version, clock(), begins=clock() + timedelta(hours=12))
        assert work_off(session, settings, clock.tick(hours=11)) == 0, "the old one is in force"
        assert not take_over.begin(session, version.id, clock())
        assert take_over.begin(session, version.id, clock.tick(hours=1))
        assert not take_over.begin(session, version.id, clock()), "another scheduler"
        old = session.get_one(ContentVersion, version.id)
        assert (old.stage, old.withdraw_reason) == ("withdrawn", "由第 2 版替换")
        assert work_off(session, settings, clock.tick(seconds=1)) == 1
        again, _first = campaigns.runs_of(session, campaign.id)
        assert (again.planned, again.left_out) == (2, {"suggested_lately": 1})
        session.expire_all()
        asked = session.get_one(Suggestion, card.suggestion_id)
        assert (asked.state, asked.content_version_id) == (State.DELIVERED, newer.id)


@pytest.mark.parametrize(("days", "again"), [(2, 1), (30, 0)])
def test_a_new_version_goes_on_also_where_the_old_one_was_over_shortly_before(
    database: Database, clock: SetClock, version: ContentVersion, settings: Settings, days: int,
    again: int,
) -> None:  # fmt: skip
    with database.transaction() as session:
        old = session.get_one(ContentVersion, version.id)
        old.valid_until = clock() + timedelta(hours=1)
        campaign = start(session, version, "group_task", clock())
        work_off(session, settings, clock())
        send_all(session, clock.tick(minutes=1))
        clock.tick(hours=2)
        for question in questions(session, clock()):
            assert question.against == "内容已过期"
            note_answer(session, question, result_of(question, TAKEN_BACK, clock()), clock())
        renew(session, version, clock.tick(days=days))
        assert work_off(session, settings, clock()) == again
        runs = campaigns.runs_of(session, campaign.id)
        assert [run.planned for run in runs] == [3] * (1 + again)


def test_a_push_is_started_when_its_content_may_be_sent_at_its_first_run(
    database: Database, clock: SetClock, version: ContentVersion, settings: Settings
) -> None:
    day = timedelta(days=1)
    with database.transaction() as session:
        content.withdraw(session, version.id, reason="更新", now=clock())
        renew(session, version, clock(), begins=clock() + 5 * day)  # and is valid for 90 days
        with pytest.raises(Refused, match="不能开始推送"):
            start(session, version, "group_task", clock(), at=None)
        for days in (4, 96):
            with pytest.raises(Refused, match="第一次执行时"):
                start(session, version, "group_task", clock(), at=clock() + days * day)
        campaign = start(session, version, "group_task", clock(), at=clock() + 6 * day)
        draft = make(session, version, "group_task", clock(), at=clock() + 6 * day)
        with pytest.raises(Refused, match="不能开始推送"):
            campaigns.run_now(session, draft.id, clock())
        assert campaigns.tick(session, clock.tick(days=6)) == 1
        assert work_off(session, settings, clock()) == 1
        assert [run.planned for run in campaigns.runs_of(session, campaign.id)] == [3]


def test_the_journey_says_when_it_was_sent_and_not_when_somebody_has_said_so(
    database: Database, clock: SetClock, version: ContentVersion
) -> None:
    with database.transaction() as session:
        row = session.scalars(select(Identifier)).all()[0]
        made = delivery.queue(
            session, way=Way.OA_TEXT, dedupe_key="m", payload={"text": "…"}, identifier_id=row.id,
            content_version_id=version.id, counts_as_contact=True, now=clock(),
        )  # fmt: skip
        assert made is not None
        tried = clock()
        delivery.claim(session, [made], tried)
        message = delivery.get(session, made)
        session.refresh(message)
        delivery.record(message, OutcomeUnknown("who knows"), tried)
        settle_message(session, made, "sent", actor="user:1", now=clock.tick(days=3))
        at = select(Touchpoint.at).where(Touchpoint.kind == Happened.CONTENT_SENT)
        assert session.scalars(at).all() == [tried]


def test_who_has_opened_a_content_has_got_it_whoever_confirmed_it(
    database: Database, clock: SetClock, version: ContentVersion, settings: Settings
) -> None:
    with database.transaction() as session:
        campaign = start(session, version, "group_task", clock())
        work_off(session, settings, clock())
        send_all(session, clock.tick(minutes=1))
        link, *_ = session.scalars(select(links.TrackedLink)).all()
        links.open_page(session, link.id, "visit-0001", agent="wechat", now=clock.tick(days=9))
        funnel = campaigns.results(session, campaign.id)
        assert (funnel.delivered, funnel.adopted, funnel.sent, funnel.opened) == (3, 1, 1, 1)


def test_a_task_is_a_contact_when_the_rep_confirms_it(
    database: Database, clock: SetClock, version: ContentVersion, settings: Settings
) -> None:
    with database.transaction() as session:
        start(session, version, "group_task", clock())
        work_off(session, settings, clock())
        task, *_ = send_all(session, clock.tick(minutes=1))
        confirmed = clock.tick(days=5)
        after_receipt(session, task, Receipt.FORWARDED, confirmed)
        row = session.get_one(Identifier, task.identifier_id)
        since = clock.tick(days=4) - timedelta(days=7)
        assert delivery.contacted_at(session, [row.one_id], since) == {row.one_id: [confirmed]}


def test_a_template_that_the_platform_says_later_did_not_arrive_was_not_sent(
    database: Database, clock: SetClock, version: ContentVersion, settings: Settings
) -> None:
    with database.transaction() as session:
        row = follow(session, "p0", clock())
        record(session, row.id, action=Action.GRANT, source="followed", channel="oa", at=clock())
        campaign = start(session, version, "oa_message", clock())
        with_template = settings.model_copy(update={"oa_template_id": "tpl1"})
        work_off(session, with_template, clock())
        (sent,) = send_all(session, clock.tick(minutes=1))
        failed = TemplateDelivered(
            at=clock(), app_id=APP, openid=row.value, message_id=sent.provider_id, ok=False,
            status="failed:system failed",
        )  # fmt: skip
        oa_results.apply(session, failed, None, Received(1, clock()), clock())
        assert [one.kind for one in journey.timeline(session, row.one_id)] == []
        campaigns.run_now(session, campaign.id, clock.tick(days=1))
        work_off(session, with_template, clock())
        again, _first = campaigns.runs_of(session, campaign.id)
        assert again.planned == 1


def test_physicians_of_a_rep_who_leaves_are_free_for_another_one_at_once(
    database: Database, clock: SetClock, version: ContentVersion, settings: Settings
) -> None:
    with database.transaction() as session:
        rep = session.scalars(select(Rep)).one()
        rep.daily_limit = 1
        campaign = start(session, version, "suggestion", clock())
        work_off(session, settings, clock())
        other = hire(session, "rep02", clock())
        for n in range(3):
            meet(session, other, f"p{n}", clock())
        left = MemberChanged(at=clock(), corp_id=CORP, change="delete", userid="rep01")
        corp_facts.apply(session, left, None, Received(1, clock()), clock())
        assert campaigns.lost_with_reps(session, campaign.id) == 3
        campaigns.run_now(session, campaign.id, clock.tick(minutes=1))
        work_off(session, settings, clock())
        again, _first = campaigns.runs_of(session, campaign.id)
        assert again.planned == 3
        assert campaigns.lost_with_reps(session, campaign.id) == 0
