"""A moment between its marks and its publication: cut off, unknown, withdrawn, seen or not."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select

from app import campaigns, content, delivery, identity
from app.delivery import Dispatch, Receipt, Way
from app.delivery import State as Sending
from app.delivery.moment_models import Moment, Step
from app.flows.allowed.history import have_it_already
from app.flows.campaigns.carry_out import carry_out
from app.flows.sending.settle_message import settle_message
from app.identity import Id, Kind
from app.journey.models import Touchpoint
from tests.scenarios.conftest import Line
from tests.scenarios.test_main_line import suggest
from tests.scenarios.test_suggestion_line import dispatches, texts
from tests.scenarios.test_ways import moment_campaign, moment_of, run
from workers.moments import keep_moments


def test_a_cut_moment_task_is_found_again_by_its_link_and_never_made_twice(line: Line) -> None:
    campaign_id = moment_campaign(line)
    for _ in range(4):  # until everybody is marked and the task is queued
        line.clock.tick(seconds=10)
        keep_moments(line.parts)
        if dispatches(line, Way.MOMENT):
            break
        line.work()
    line.world.trouble = {"errcodes": {}, "cut_after_effect": False}
    calls = line.world.moments
    original = line.parts.outside.wecom["wwtestcorp"].moments.cover

    def cover(picture: bytes) -> str:
        media_id = original(picture)
        line.world.trouble = {"cut_after_effect": True}  # of the call that follows
        return media_id

    line.parts.outside.wecom["wwtestcorp"].moments.cover = cover  # type: ignore[method-assign]
    line.work()
    (task,) = dispatches(line, Way.MOMENT)
    assert (task.state, len(calls)) == (Sending.UNKNOWN, 1)
    row = run(line)
    assert (row.step, len(calls)) == (Step.CONFIRMING, 1)
    assert dispatches(line, Way.MOMENT)[0].state == Sending.SENT
    line.do("publish_moment", moment_id=row.moment_id, userid="rep01")
    run(line, 10)
    with line.parts.db.reading() as session:
        funnel = campaigns.results(session, campaign_id)
        assert (funnel.planned, funnel.sent) == (1, 1)
        sent = select(Touchpoint).where(Touchpoint.channel == "moment")
        assert [t.campaign_id for t in session.scalars(sent)] == [campaign_id]


def test_a_moment_that_the_platform_does_not_know_waits_for_a_person(line: Line) -> None:
    moment_campaign(line)
    for _ in range(4):
        line.clock.tick(seconds=10)
        keep_moments(line.parts)
        if tasks := dispatches(line, Way.MOMENT):
            break
        line.work()
    with line.parts.db.transaction() as session:
        row = session.get_one(Dispatch, tasks[0].id)
        row.state, row.maybe_sent, row.first_attempt_at = Sending.UNKNOWN, True, line.clock()
    assert run(line).step == Step.ASKING
    with line.parts.db.transaction() as session:
        settle_message(session, tasks[0].id, "failed", actor="user:1", now=line.clock())
    row = run(line, 5)  # type: ignore[assignment]
    assert row.step == Step.FAILED  # type: ignore[attr-defined]
    (view,) = dispatches(line, Way.MOMENT_VIEW)
    assert (view.receipt, view.counts_as_contact) == (Receipt.NOT_SEEN, False)
    assert "没有发出" in texts(line)[-1]
    assert line.world.moments == {}


def test_content_withdrawn_before_the_rep_publishes_takes_the_moment_back(line: Line) -> None:
    moment_campaign(line)
    assert run(line).step == Step.CONFIRMING
    with line.parts.db.transaction() as session:
        (row,) = session.scalars(select(Moment))
        content.withdraw(session, row.content_version_id, reason="说明书更新", now=line.clock())
    assert run(line, 5).step == Step.FAILED
    assert moment_of(line)["cancelled"]
    assert [group.group_name for group in line.world.tag_groups] == ["专科"]
    assert "内容已撤回" in texts(line)[-1]
    with line.parts.db.reading() as session:
        (view,) = dispatches(line, Way.MOMENT_VIEW)
        assert not view.counts_as_contact
        assert delivery.moments.due_moments(session, line.clock() + timedelta(days=30), 5) == []


def test_a_moments_page_does_not_promise_what_it_cannot_do(line: Line) -> None:
    moment_campaign(line)
    assert run(line).step == Step.CONFIRMING
    page = "/t/" + moment_of(line)["link"]["url"].rpartition("/t/")[2]
    assert "联系代表" not in line.web.get(page).text, "nobody knows whose"
    for path, form in (("pause", {"action": "stop"}), ("way", {"way": "account"})):
        told = line.web.post(f"{page}/{path}", data=form, follow_redirects=True).text
        assert "请在公众号里发送“退订”，或告诉您的代表" in told
        for claim in ("停止推送</button>", "希望怎样收到资料", "已保存", "已为您停止推送"):
            assert claim not in told, claim


def test_a_content_seen_in_a_moment_is_not_sent_again_unless_nobody_saw_it(line: Line) -> None:
    campaign_id = moment_campaign(line)

    def had(past: timedelta = timedelta()) -> int:
        with line.parts.db.reading() as session:
            (row,) = session.scalars(select(Moment))
            external = line.person("wang").external_userid
            known = identity.find(session, Id(Kind.WECOM_EXTERNAL_USERID, "wwtestcorp", external))
            assert known is not None
            number = content.get_version(session, row.content_version_id).content_id
            assert have_it_already(session, [known.one_id], number + 1, line.clock()) == set()
            return len(have_it_already(session, [known.one_id], number, line.clock() + past))

    assert had() == 1, "promised"
    row = run(line)
    assert (row.step, had(), had(timedelta(days=91))) == (Step.CONFIRMING, 1, 0)
    line.do("publish_moment", moment_id=row.moment_id, userid="rep01")
    assert run(line, 10).step == Step.PUBLISHED
    line.clock.tick(days=1)
    with line.parts.db.transaction() as session:
        run_id = campaigns.run_now(session, campaign_id, line.clock())
        assert carry_out(session, run_id, line.parts.settings, line.clock())
        assert session.get_one(campaigns.ScheduleRun, run_id).planned == 0
    assert suggest(line) == []
    with line.parts.db.transaction() as session:
        (view,) = session.scalars(select(Dispatch).where(Dispatch.way == Way.MOMENT_VIEW))
        view.counts_as_contact = False  # nobody saw it
    assert had() == 0
