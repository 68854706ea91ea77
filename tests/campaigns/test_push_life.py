"""The life of a push over days: pauses, ends, runs at the same time, and what its figures say."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from app import campaigns, tagging
from app.campaigns import Stage
from app.consent import policy_row
from app.content import ContentVersion
from app.delivery import Dispatch
from app.flows.carry_out import carry_out
from app.flows.permission import verdict_for
from app.flows.stop_campaign import stop_campaign
from app.infra.db import Database
from app.infra.settings import Settings
from tests.campaigns.test_campaigns import preview, send_all, start, work_off
from tests.company import hire, meet, publish
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
        assert [run.planned for run in campaigns.runs_of(session, campaign.id)] == [3, 0, 0]


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
