"""A push's group tasks and suggestions that do not get through: what reps see, what counts as had."""

from __future__ import annotations

from datetime import datetime

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from app import campaigns, consent, content, links
from app.campaigns import Stage
from app.delivery import Dispatch, Way
from app.flows.campaigns.carry_out import carry_out
from app.flows.campaigns.stop_campaign import stop_campaign
from app.infra.settings import Settings
from app.links import TrackedLink
from app.recommend import State
from tests.scenarios.conftest import Line, publish
from tests.scenarios.test_rep_page import enter, send
from tests.scenarios.test_suggestion_line import card_of, texts
from tests.scenarios.test_ways import carry, push, rows_of
from tests.segments.test_index import ONE_DATABASE
from workers import planning
from workers.receipts import poll_group_tasks


def pushed(line: Line, version: content.ContentVersion) -> int:
    """A push of group tasks to the one contact of rep01; the campaign."""
    campaign_id = push(line, version.content_id, "group_task")
    line.work()
    return campaign_id


class Killed(BaseException):
    """The process is gone."""


def test_a_run_of_which_every_process_dies_is_given_up_and_the_next_one_goes(
    line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    campaign_id = pushed(line, publish(line, "房颤抗凝新进展", ["af"]))
    with line.parts.db.transaction() as session:
        fatal, next_one = (
            campaigns.run_now(session, campaign_id, line.clock.tick(seconds=1)) for _ in range(2)
        )

    def dying(session: Session, run_id: int, settings: Settings, now: datetime) -> bool:
        if run_id == fatal:
            raise Killed
        return carry_out(session, run_id, settings, now)

    monkeypatch.setattr(planning, "carry_out", dying)
    for _ in range(campaigns.MAX_ATTEMPTS):
        with pytest.raises(Killed):
            planning.run_due(line.parts)
        assert not planning.carry_out_run(line.parts, next_one), "what the first plans it must see"
        line.clock.tick(minutes=3)
    for _ in range(2):
        planning.run_due(line.parts)
    with line.parts.db.reading() as session:
        newest, given_up, _first = campaigns.runs_of(session, campaign_id)
        assert (given_up.state, given_up.finished_at) == ("failed", line.clock())
        assert given_up.error == "执行了 5 次，每次都中断，已放弃"
        assert newest.state == "done"


def push_again(line: Line, campaign_id: int) -> None:
    carry(line, campaign_id)
    line.work()


def confirm_last(line: Line, status: int) -> None:
    """The rep confirms the newest task, and the platform says what became of it."""
    task_id, task = list(line.world.tasks.items())[-1]
    line.do("confirm_task", task_id=task_id)
    task["to"] = dict.fromkeys(task["to"], status)
    line.clock.tick(minutes=2)
    assert poll_group_tasks(line.parts) == 1


def test_the_list_names_who_did_not_get_a_pushs_task(line: Line) -> None:
    version = publish(line, "房颤抗凝新进展", ["af"])
    campaign_id = pushed(line, version)
    client, told = enter(line, "rep01"), "群发没有送达"
    assert told not in client.get("/rep/").text
    confirm_last(line, 3)
    assert told in client.get("/rep/").text
    line.clock.tick(days=1)
    push_again(line, campaign_id)
    confirm_last(line, 3)
    client = enter(line, "rep01")
    assert f"{told} <small>1 位医生" in client.get("/rep/").text, "once"
    beside = line.person("wang").external_userid
    page = f"/rep/sidebar?external_userid={beside}"
    send(client, f"/rep/sidebar/topics/{version.id}", page, beside=beside)
    line.work()
    assert "/t/" in texts(line)[-1]
    assert told not in client.get("/rep/").text, "by hand"


def test_the_list_names_who_the_platform_did_not_take_a_pushs_task_for(line: Line) -> None:
    line.world.trouble = {
        "errcodes": {"externalcontact/add_msg_template": {"errcode": 41048, "times": 1}}
    }
    campaign_id = pushed(line, publish(line, "房颤抗凝新进展", ["af"]))
    page = enter(line, "rep01").get("/rep/").text
    assert "群发没有送达" in page
    assert "平台没有接受" in page
    line.clock.tick(days=1)
    push_again(line, campaign_id)
    assert "群发没有送达" not in enter(line, "rep01").get("/rep/").text, "this run gets through"


def test_the_list_names_nobody_who_wants_nothing_any_more(line: Line) -> None:
    pushed(line, publish(line, "房颤抗凝新进展", ["af"]))
    confirm_last(line, 3)
    client, told = enter(line, "rep01"), "群发没有送达"
    assert told in client.get("/rep/").text
    with line.parts.db.transaction() as session:
        (sent,) = session.scalars(select(Dispatch).where(Dispatch.way == Way.GROUP_TASK))
        assert sent.identifier_id
        consent.record(
            session, sent.identifier_id, action=consent.Action.WITHDRAW, source="keyword",
            at=line.clock(),
        )  # fmt: skip
    assert told not in client.get("/rep/").text


def test_a_link_that_has_arrived_outlives_a_later_run_that_does_not_arrive(line: Line) -> None:
    campaign_id = pushed(line, publish(line, "房颤抗凝新进展", ["af"]))
    confirm_last(line, 1)
    other = publish(line, "房颤第二篇", ["af"])
    line.clock.tick(days=8)
    with line.parts.db.transaction() as session:
        stop_campaign(session, campaign_id, campaigns.Stage.PAUSED, line.clock())
        campaigns.edit(
            session, campaign_id, name="房颤月", content_id=other.content_id,
            expression="标签:房颤", way="group_task", at=None, cron="", now=line.clock(),
        )  # fmt: skip
        campaigns.activate(session, campaign_id, line.clock())
    push_again(line, campaign_id)
    with line.parts.db.reading() as session:
        arrived, lost = session.scalars(select(TrackedLink).order_by(TrackedLink.id))
    confirm_last(line, 3)
    with line.parts.db.reading() as session:
        assert [link.id for link in session.scalars(select(TrackedLink))] == [arrived.id]
    assert lost.content_version_id == other.id


def test_a_rep_who_waits_for_what_a_pause_has_stopped_is_told_and_asked_again_after_it(
    line: Line,
) -> None:
    campaign_id = push(line, publish(line, "房颤抗凝新进展", ["af"]).content_id, "suggestion")
    line.work()
    (row,) = rows_of(line)
    client = enter(line, "rep01")
    send(client, f"/rep/suggestions/{row.id}/adopt", way="group_task")
    with line.parts.db.transaction() as session:
        stopped = stop_campaign(session, campaign_id, Stage.PAUSED, line.clock.tick(seconds=1))
    assert stopped == 1, "the task; no card comes for what was answered on the page"
    line.work()
    assert line.world.tasks == {}
    assert "没有发出：推送已暂停" in texts(line)[-1]
    with line.parts.db.transaction() as session:
        campaigns.activate(session, campaign_id, line.clock.tick(minutes=1))
    carry(line, campaign_id)
    assert [one.state for one in rows_of(line)] == [State.CANCELLED, State.PLANNED]


def test_a_card_of_a_push_that_is_over_is_not_adopted_any_more(line: Line) -> None:
    campaign_id = push(line, publish(line, "房颤抗凝新进展", ["af"]).content_id, "suggestion")
    line.work()
    line.clock.tick(minutes=30)
    line.work()
    (row,) = rows_of(line)
    assert row.state == State.DELIVERED
    with line.parts.db.transaction() as session:
        stop_campaign(session, campaign_id, Stage.FINISHED, line.clock())
    assert "推送已结束" in enter(line, "rep01").get("/rep/").text
    line.do("tap_card", task_id=card_of(line)["task_id"], key="adopt")
    assert [one.state for one in rows_of(line)] == [State.CANCELLED]
    assert "现在不能发送：推送已结束" in texts(line)[-1]


@ONE_DATABASE
def test_a_task_that_did_not_arrive_may_go_by_hand_though_the_rep_has_tried_its_link(
    line: Line,
) -> None:
    push(line, publish(line, "房颤抗凝新进展", ["af"]).content_id, "suggestion")
    line.work()
    (row,) = rows_of(line)
    client = enter(line, "rep01")
    send(client, f"/rep/suggestions/{row.id}/adopt", way="group_task")
    line.work()
    with line.parts.db.transaction() as session:
        link = session.scalars(select(TrackedLink)).one()
        links.open_page(session, link.id, "visit-0001", agent="wecom", now=line.clock())
    confirm_last(line, 3)
    assert "现在不能发送" not in client.get("/rep/").text
    send(client, f"/rep/suggestions/{row.id}/adopt", way="wecom")
    assert [one.state for one in rows_of(line)] == [State.ADOPTED]
