"""A group task waits with the rep: what may not reach the physician any more is taken back."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from app import campaigns
from app.campaigns import Stage
from app.connectors.errors import Busy
from app.delivery import Dispatch, Way
from app.delivery import State as Sending
from app.flows.campaigns.stop_campaign import stop_campaign
from app.flows.campaigns.withdraw_content import withdraw_content
from app.flows.sending.settle_message import settle_message
from app.flows.sending.stop_sending import stop_sending
from app.links import TrackedLink
from app.recommend import State, Suggestion
from tests.scenarios.conftest import Line, publish, renewed
from tests.scenarios.test_push_tasks import pushed
from tests.scenarios.test_rep_page import enter, send
from tests.scenarios.test_suggestion_line import dispatches, texts
from tests.scenarios.test_ways import rows_of, two
from tests.segments.test_index import ONE_DATABASE
from workers.planning import run_due
from workers.receipts import poll_group_tasks

__all__ = ["two"]


def tasks(line: Line) -> list[str]:
    return [task["state"] for task in line.world.tasks.values()]


def test_who_stops_us_gets_nothing_that_the_rep_has_not_confirmed_yet(
    line: Line, two: list[Suggestion]
) -> None:
    client = enter(line, "rep01")
    line.do("follow", person="wang")
    for row in two:
        send(client, f"/rep/suggestions/{row.id}/adopt", way="group_task")
    line.work()
    line.clock.tick(minutes=2)
    assert poll_group_tasks(line.parts) == 2
    assert tasks(line) == ["waiting", "waiting"]
    line.do("oa_says", person="wang", text="退订")
    assert poll_group_tasks(line.parts) == 1, "at once"
    line.work()
    assert sorted(tasks(line)) == ["cancelled", "waiting"]
    gone, other = sorted(dispatches(line, Way.GROUP_TASK), key=lambda row: row.state)
    assert (gone.state, gone.error) == (Sending.CANCELLED, "医生已退订")
    assert other.state == Sending.SENT
    assert "没有发出：医生已退订" in texts(line)[-1]
    assert {row.state for row in rows_of(line)} == {State.ADOPTED, State.CANCELLED}
    with line.parts.db.reading() as session:
        assert session.scalars(select(TrackedLink.identifier_id)).all() == [other.identifier_id]
    line.clock.tick(hours=2)
    assert poll_group_tasks(line.parts) == 1, "nobody asks about what was taken back"


def test_nobody_asks_the_platform_about_a_task_of_which_a_person_has_said_that_it_was_sent(
    line: Line, two: list[Suggestion]
) -> None:
    send(enter(line, "rep01"), f"/rep/suggestions/{two[0].id}/adopt", way="group_task")
    with line.parts.db.transaction() as session:
        row = session.scalars(select(Dispatch).where(Dispatch.way == Way.GROUP_TASK)).one()
        row.state = Sending.UNKNOWN
        session.flush()
        settle_message(session, row.id, "sent", actor="user:1", now=line.clock())
        assert row.identifier_id is not None
        stop_sending(session, "医生已退订", line.clock(), identifier_ids=[row.identifier_id])
    assert poll_group_tasks(line.parts) == 0


def test_what_has_been_confirmed_meanwhile_has_been_sent(line: Line, two: list[Suggestion]) -> None:
    send(enter(line, "rep01"), f"/rep/suggestions/{two[0].id}/adopt", way="group_task")
    line.work()
    (task_id,) = line.world.tasks
    line.do("confirm_task", task_id=task_id)
    with line.parts.db.transaction() as session:
        row = session.scalars(select(Dispatch).where(Dispatch.way == Way.GROUP_TASK)).one()
        assert row.content_version_id is not None
        withdraw_content(session, row.content_version_id, reason="更新", now=line.clock())
    assert poll_group_tasks(line.parts) == 1
    assert tasks(line) == ["sent"]
    assert dispatches(line, Way.GROUP_TASK)[0].receipt == "forwarded"


@ONE_DATABASE
def test_tasks_of_a_push_that_ends_are_taken_back(line: Line) -> None:
    campaign_id = pushed(line, publish(line, "房颤抗凝新进展", ["af"]))
    assert tasks(line) == ["waiting"]
    with line.parts.db.transaction() as session:
        stop_campaign(session, campaign_id, Stage.FINISHED, line.clock())
    assert poll_group_tasks(line.parts) == 1
    assert tasks(line) == ["cancelled"]
    assert dispatches(line, Way.GROUP_TASK)[0].error == "推送已结束"
    with line.parts.db.reading() as session:
        assert campaigns.not_sent(session, campaign_id) == [("推送已结束", 1)]


@ONE_DATABASE
def test_whom_a_new_version_took_the_old_ones_task_from_gets_the_new_one(line: Line) -> None:
    version = publish(line, "房颤抗凝新进展", ["af"])
    pushed(line, version)
    newer_id = renewed(line, version.id)
    assert poll_group_tasks(line.parts) == 1
    assert tasks(line) == ["cancelled"]
    line.clock.tick(minutes=2)
    assert run_due(line.parts) == 1
    line.work()
    assert tasks(line) == ["cancelled", "waiting"]
    sent = [row.content_version_id for row in dispatches(line, Way.GROUP_TASK)]
    assert sent == [version.id, newer_id]


def test_a_rep_who_confirms_at_that_moment_was_faster(
    line: Line, two: list[Suggestion], monkeypatch: pytest.MonkeyPatch
) -> None:
    send(enter(line, "rep01"), f"/rep/suggestions/{two[0].id}/adopt", way="group_task")
    line.work()
    line.clock.tick(days=8)
    wecom = line.parts.outside.wecom["wwtestcorp"]
    (task_id,), stop = line.world.tasks, wecom.cancel_group_task

    def late(message_id: str) -> None:
        line.do("confirm_task", task_id=task_id)
        stop(message_id)

    monkeypatch.setattr(wecom, "cancel_group_task", late)
    assert poll_group_tasks(line.parts) == 1
    with line.parts.db.reading() as session:
        assert session.scalars(select(TrackedLink)).one(), "the physician has it"
    assert rows_of(line)[0].state == State.ADOPTED
    assert rows_of(line)[0].forwarded_at is not None


def test_a_call_that_fails_after_the_week_is_made_again(
    line: Line, two: list[Suggestion], monkeypatch: pytest.MonkeyPatch
) -> None:
    send(enter(line, "rep01"), f"/rep/suggestions/{two[0].id}/adopt", way="group_task")
    line.work()
    line.clock.tick(days=7, hours=1)

    def busy(_: str) -> None:
        raise Busy("busy")

    with monkeypatch.context() as patch:
        patch.setattr(line.parts.outside.wecom["wwtestcorp"], "cancel_group_task", busy)
        assert poll_group_tasks(line.parts) == 1
    assert tasks(line) == ["waiting"]
    line.clock.tick(hours=2)
    assert poll_group_tasks(line.parts) == 1
    assert tasks(line) == ["cancelled"]


@ONE_DATABASE
def test_a_rep_is_told_once_of_a_task_that_the_platform_would_not_take_back(
    line: Line, two: list[Suggestion], monkeypatch: pytest.MonkeyPatch
) -> None:
    send(enter(line, "rep01"), f"/rep/suggestions/{two[0].id}/adopt", way="group_task")
    line.work()

    def busy(_: str) -> None:
        raise Busy("busy")

    monkeypatch.setattr(line.parts.outside.wecom["wwtestcorp"], "cancel_group_task", busy)
    for days, asked in ((7.1, 1), (1, 1), (1, 0)):
        line.clock.tick(hours=24 * days)
        assert poll_group_tasks(line.parts) == asked
    line.work()
    told = "没有发出：群发任务一周没有确认。需要的话，请在企业微信的群发助手里确认。"
    assert [told in text for text in texts(line)].count(True) == 1
    assert dispatches(line, Way.GROUP_TASK)[0].state == Sending.SENT, "and may still be confirmed"
