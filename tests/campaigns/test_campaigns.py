"""Campaigns from draft to result: what the preview shows is what happens."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from app import campaigns, content, delivery, identity, journey, links, tagging
from app.campaigns import Campaign, Stage, Step
from app.connectors.errors import NotAFriend, OutcomeUnknown
from app.consent import Action, record
from app.content import ContentVersion
from app.delivery import Dispatch, Way
from app.delivery.channels import Delivered
from app.flows.campaigns.carry_out import carry_out
from app.flows.campaigns.preview_campaign import Preview, preview_campaign
from app.flows.campaigns.stop_campaign import stop_campaign
from app.flows.sending.poll_group_tasks import Question, note_answer, questions
from app.flows.sending.sent import after_sent
from app.identity import Id, Identifier, Kind
from app.infra.clock import local
from app.infra.db import Database
from app.infra.errors import Refused
from app.infra.settings import Settings
from app.journey import Happened
from app.recommend import State, Suggestion
from app.segments import Unparseable
from tests.company import hire, meet, publish
from tests.conftest import SetClock

APP = "wxtestaccount"


@pytest.fixture
def version(database: Database, clock: SetClock) -> ContentVersion:
    """Twelve physicians of one rep, and what they shall get."""
    with database.transaction() as session:
        tagging.seed(session, clock())
        rep = hire(session, "rep01", clock(), daily_limit=5)
        for n in range(12):
            meet(session, rep, f"p{n:02}", clock(), tags=("af",))
        return publish(session, "房颤抗凝新进展", ("af",), clock())


def make(
    session: Session, version: ContentVersion, way: str, now: datetime, **changes: object
) -> Campaign:
    values: dict[str, object] = {
        "name": "房颤月", "content_id": version.content_id, "expression": "标签:房颤", "way": way,
        "at": now, "cron": "", "author": "user:1", "now": now,
    }  # fmt: skip
    return campaigns.create(session, **(values | changes))  # type: ignore[arg-type]


def start(
    session: Session, version: ContentVersion, way: str, now: datetime, **changes: object
) -> Campaign:
    campaign = make(session, version, way, now, **changes)
    campaigns.activate(session, campaign.id, now)
    return campaign


def preview(session: Session, version: ContentVersion, way: str, now: datetime) -> Preview:
    return preview_campaign(
        session, expression="标签:房颤", content_id=version.content_id, way=way, app_id=APP,
        name="房颤月", now=now,
    )  # fmt: skip


def work_off(session: Session, settings: Settings, now: datetime) -> int:
    waiting = [run.id for run in campaigns.unfinished(session, now)]
    return sum(carry_out(session, run_id, settings, now) for run_id in waiting)


def send_all(session: Session, now: datetime, most: int = 100) -> list[Dispatch]:
    """Pretend that the platform takes everything that is due."""
    sent = []
    for dispatch_id in delivery.due(session, now)[:most]:
        assert delivery.claim(session, [dispatch_id], now)
        dispatch = delivery.get(session, dispatch_id)
        session.refresh(dispatch)
        delivery.record(dispatch, Delivered(f"msg{dispatch_id}"), now)
        session.flush()
        after_sent(session, dispatch, now)
        sent.append(dispatch)
    return sent


def test_a_bad_campaign_is_refused_with_a_sentence(
    database: Database, clock: SetClock, version: ContentVersion
) -> None:
    with database.transaction() as session:
        for changes, words in (
            ({"name": " "}, "名字"), ({"way": "pigeon"}, "方式"), ({"cron": "soon"}, "定时"),
            ({"content_id": 999}, "内容"), ({"expression": "标签:没这个"}, "没有标签"),
        ):  # fmt: skip
            with pytest.raises(Refused, match=words):
                start(session, version, **({"way": "suggestion", "now": clock()} | changes))  # type: ignore[arg-type]
        with pytest.raises(Unparseable):
            start(session, version, "suggestion", clock(), expression="标签:房颤 且")


def test_a_campaign_starts_only_with_content_that_may_be_sent(
    database: Database, clock: SetClock, version: ContentVersion
) -> None:
    with database.transaction() as session:
        content.withdraw(session, version.id, reason="更新说明书", now=clock())
        with pytest.raises(Refused, match="没有批准"):
            start(session, version, "suggestion", clock())
        with pytest.raises(Refused, match="没有批准"):
            preview(session, version, "suggestion", clock())


def test_suggestions_are_spread_over_working_days_and_the_preview_says_so(
    database: Database, clock: SetClock, version: ContentVersion, settings: Settings
) -> None:
    with database.transaction() as session:
        nameless = preview(session, version, "suggestion", clock()).sample[0]
        nameless.name = ""
        session.flush()
        seen = preview(session, version, "suggestion", clock())
        assert (seen.size, seen.planned, seen.reps, seen.days) == (12, 12, 1, 3)
        assert len(seen.sample) == 5
        assert seen.example is not None
        assert seen.example["card"]["main_title"]["title"].startswith(seen.sample[1].name)
        assert seen.example["card"]["horizontal_content_list"][0]["value"] == "市场推送：房颤月"
        assert session.scalars(select(Suggestion)).all() == []
        campaign = start(session, version, "suggestion", clock())
        assert work_off(session, settings, clock()) == 1
        (run,) = campaigns.runs_of(session, campaign.id)
        assert (run.state, run.planned, run.left_out) == ("done", 12, {})
        rows = session.scalars(select(Suggestion)).all()
        first = local(clock()).date()
        assert [sum(r.day == first + timedelta(days=n) for r in rows) for n in range(3)] == [
            5,
            5,
            2,
        ]
        assert all(row.reasons[0] == "市场推送：房颤月" for row in rows)
        cards = session.scalars(select(Dispatch)).all()
        assert {local(card.not_before).date() for card in cards} == {row.day for row in rows}
        assert all(8 <= local(card.not_before).hour < 20 for card in cards)


def test_who_may_not_be_contacted_is_left_out_and_counted_by_reason(
    database: Database, clock: SetClock, version: ContentVersion, settings: Settings
) -> None:
    with database.transaction() as session:
        rows = session.scalars(select(Identifier).order_by(Identifier.id)).all()
        for row in rows[:2]:
            record(session, row.id, action=Action.WITHDRAW, source="keyword", at=clock())
        links.create_link(session, version.id, identifier_id=rows[2].id, channel="oa", now=clock())
        meet(session, hire(session, "rep02", clock(), active=False), "lost", clock(), tags=("af",))
        seen = preview(session, version, "suggestion", clock())
        assert seen.left_out == {"opted_out": 2, "had_it_already": 1, "no_rep": 1}
        assert (seen.size, seen.planned) == (13, 9)
        campaign = start(session, version, "suggestion", clock())
        work_off(session, settings, clock())
        (run,) = campaigns.runs_of(session, campaign.id)
        assert (run.planned, run.left_out) == (seen.planned, seen.left_out)


def test_a_pause_stops_what_waits_and_resuming_goes_on_with_the_rest(
    database: Database, clock: SetClock, version: ContentVersion, settings: Settings
) -> None:
    with database.transaction() as session:
        campaign = start(session, version, "suggestion", clock())
        work_off(session, settings, clock())
        assert len(send_all(session, clock.tick(minutes=10))) == 5
        assert stop_campaign(session, campaign.id, campaigns.Stage.PAUSED, clock()) == 7
        assert send_all(session, clock.tick(days=2)) == []
        with pytest.raises(Refused):
            campaigns.run_now(session, campaign.id, clock())
        session.expire_all()
        campaigns.activate(session, campaign.id, clock())
        work_off(session, settings, clock.tick(seconds=1))
        assert campaigns.results(session, campaign.id).planned == 12
        states = [row.state for row in session.scalars(select(Suggestion))]
        assert states.count(State.CANCELLED) == 7
        assert states.count(State.PLANNED) == 7


def test_what_a_pause_has_stopped_does_not_count_as_had(
    database: Database, clock: SetClock, version: ContentVersion, settings: Settings
) -> None:
    with database.transaction() as session:
        campaign = start(session, version, "group_task", clock())
        work_off(session, settings, clock())
        assert len(send_all(session, clock.tick(minutes=40), most=5)) == 5
        assert stop_campaign(session, campaign.id, Stage.PAUSED, clock()) == 7
        assert len(session.scalars(select(links.TrackedLink)).all()) == 5
        session.expire_all()
        campaigns.activate(session, campaign.id, clock.tick(minutes=1))
        work_off(session, settings, clock.tick(seconds=1))
        again, _first = campaigns.runs_of(session, campaign.id)
        assert (again.planned, again.left_out) == (7, {"had_it_already": 5})


def test_a_message_that_failed_does_not_count_as_had_either(
    database: Database, clock: SetClock, version: ContentVersion, settings: Settings
) -> None:
    with database.transaction() as session:
        start(session, version, "group_task", clock())
        work_off(session, settings, clock())
        clock.tick(hours=1)
        failed, unsure, *_ = delivery.due(session, clock())
        delivery.claim(session, [failed, unsure], clock())
        for number, answer in ((failed, NotAFriend("gone")), (unsure, OutcomeUnknown("who knows"))):
            dispatch = delivery.get(session, number)
            session.refresh(dispatch)
            delivery.record(dispatch, answer, clock())
            after_sent(session, dispatch, clock())
        left = session.scalars(select(links.TrackedLink.identifier_id)).all()
        assert len(left) == 11
        assert delivery.get(session, failed).identifier_id not in left
        assert delivery.get(session, unsure).identifier_id in left


def test_a_campaign_is_changed_only_while_it_rests(
    database: Database, clock: SetClock, version: ContentVersion
) -> None:
    with database.transaction() as session:
        campaign = start(session, version, "suggestion", clock())
        fields = {
            "name": "新名字", "content_id": version.content_id, "expression": "全部",
            "way": "oa_message", "at": None, "cron": "5 10 * * mon", "now": clock(),
        }  # fmt: skip
        with pytest.raises(Refused, match="先暂停"):
            campaigns.edit(session, campaign.id, **fields)  # type: ignore[arg-type]
        stop_campaign(session, campaign.id, campaigns.Stage.PAUSED, clock())
        changed = campaigns.edit(session, campaign.id, **fields)  # type: ignore[arg-type]
        assert (changed.name, changed.way) == ("新名字", "oa_message")
        assert campaigns.schedule_of(session, campaign.id).cron == "5 10 * * mon"
        stop_campaign(session, campaign.id, campaigns.Stage.FINISHED, clock())
        with pytest.raises(Refused):
            campaigns.activate(session, campaign.id, clock())


def test_a_time_in_the_future_is_waited_for_and_run_once(
    database: Database, clock: SetClock, version: ContentVersion, settings: Settings
) -> None:
    at = clock() + timedelta(hours=2)
    with database.transaction() as session:
        campaign = start(session, version, "suggestion", clock(), at=at)
        assert campaigns.runs_of(session, campaign.id) == []
        for minutes in (60, 61, 1, 30):
            campaigns.tick(session, clock.tick(minutes=minutes))
            for run in campaigns.unfinished(session, clock()):
                if run.schedule_id == campaigns.schedule_of(session, campaign.id).id:
                    carry_out(session, run.id, settings, clock())
        (run,) = campaigns.runs_of(session, campaign.id)
        assert (run.due_at, run.state, run.planned) == (at, "done", 12)


def test_group_tasks_are_counted_when_the_rep_has_confirmed(
    database: Database, clock: SetClock, version: ContentVersion, settings: Settings
) -> None:
    with database.transaction() as session:
        campaign = start(session, version, "group_task", clock())
        work_off(session, settings, clock())
        sent = send_all(session, clock.tick(minutes=1))
        assert [d.way for d in sent] == [Way.GROUP_TASK] * 12
        before = campaigns.results(session, campaign.id)
        assert (before.planned, before.delivered, before.sent) == (12, 12, 0)
        asked = questions(session, clock.tick(minutes=5))
        assert len(asked) == 12
        for question, status in zip(asked[:4], (0, 1, 2, 3), strict=True):
            note_answer(session, question, result_of(question, status, clock()), clock())
        after = campaigns.results(session, campaign.id)
        assert (after.planned, after.delivered, after.sent) == (12, 12, 1)
        (who,) = campaigns.reached(session, campaign.id)[Step.SENT]
        told = {entry.kind for entry in journey.timeline(session, who)}
        assert Happened.CONTENT_SENT in told
        assert len(questions(session, clock())) == 8


def result_of(question: Question, status: int, at: datetime) -> object:
    from app.connectors.wecom.types import GroupResult

    return GroupResult(question.external_userid, status, at)


def test_the_official_account_reaches_freely_only_who_wrote_lately_others_by_template(
    database: Database, clock: SetClock, version: ContentVersion, settings: Settings
) -> None:
    now = clock()
    with database.transaction() as session:
        for n in range(3):
            row = follow(session, f"p{n:02}", now)
            record(session, row.id, action=Action.GRANT, source="followed", channel="oa", at=now)
            if n == 0:
                journey.note(
                    session, row.id, Happened.MESSAGE_RECEIVED, channel="oa",
                    at=now - timedelta(hours=47), ref="inbox:1",
                )  # fmt: skip
        seen = preview(session, version, "oa_message", now)
        assert (seen.planned, seen.left_out) == (1, {"not_following": 9, "window_closed": 2})
        with_template = settings.model_copy(update={"oa_template_id": "tpl1"})
        campaign = start(session, version, "oa_message", now)
        work_off(session, with_template, now)
        ways = [d.way for d in session.scalars(select(Dispatch).order_by(Dispatch.id))]
        assert sorted(ways) == [Way.OA_TEMPLATE, Way.OA_TEMPLATE, Way.OA_TEXT]
        assert len(send_all(session, clock.tick(minutes=1))) == 3
        funnel = campaigns.results(session, campaign.id)
        assert (funnel.planned, funnel.delivered, funnel.sent) == (3, 3, 3)
        campaigns.run_now(session, campaign.id, clock.tick(days=8))  # no cap stands in the way
        work_off(session, with_template, clock())
        (again, _first) = campaigns.runs_of(session, campaign.id)
        assert (again.planned, again.left_out["had_it_already"]) == (0, 3)


def follow(session: Session, key: str, now: datetime) -> Identifier:
    (_, _, row) = identity.observe(
        session, [Id(Kind.WECOM_EXTERNAL_USERID, "wwtestcorp", f"wm{key}"),
                  Id(Kind.UNIONID, "open", f"oU{key}"), Id(Kind.OPENID, APP, f"oO{key}")],
        event_key=f"follow:{key}", source="test", kind="api_assert", trust=90, at=now, now=now,
    )  # fmt: skip
    return row


def test_each_run_and_the_whole_have_a_funnel_with_names_that_only_narrows(
    database: Database, clock: SetClock, version: ContentVersion, settings: Settings
) -> None:
    with database.transaction() as session:
        campaign = start(session, version, "suggestion", clock(), at=None, cron="0 13 * * *")
        assert campaign.stage == Stage.ACTIVE
        campaigns.run_now(session, campaign.id, clock())
        work_off(session, settings, clock())
        send_all(session, clock.tick(minutes=10))
        rows = session.scalars(select(Suggestion).order_by(Suggestion.id)).all()
        for row in rows[:3]:
            row.state = State.ADOPTED
            link = links.create_link(
                session, version.id, identifier_id=row.identifier_id, suggestion_id=row.id,
                campaign_id=campaign.id, channel="wecom", now=clock(),
            )  # fmt: skip
            if row is rows[0]:
                view = links.open_page(session, link.id, "visit-0001", agent="wechat", now=clock())
                assert view is not None
                row.forwarded_at, view.read_at = clock(), clock()
        session.flush()
        (run,) = campaigns.runs_of(session, campaign.id)
        for funnel in (
            campaigns.results(session, campaign.id), campaigns.results(session, campaign.id, run),
        ):  # fmt: skip
            assert (funnel.planned, funnel.delivered, funnel.adopted) == (12, 5, 3)
            assert (funnel.sent, funnel.opened, funnel.read) == (1, 1, 1)
        steps = campaigns.reached(session, campaign.id)
        assert list(steps) == list(Step)
        for wider, narrower in zip(list(Step)[:-1], list(Step)[1:], strict=True):
            assert set(steps[narrower]) <= set(steps[wider])
