"""One suggestion in several ways, similar ones together, and a moment from its tag to who saw it."""

from __future__ import annotations

import re
from typing import Any

import pytest
from sqlalchemy import select

from app import campaigns, consent, content, delivery, feedback, identity, journey
from app.delivery import Receipt, Way
from app.delivery import State as Sending
from app.delivery.moment_models import Moment, Step
from app.flows.allowed.history import have_it_already
from app.flows.campaigns.carry_out import carry_out
from app.flows.insight.overview import funnel
from app.identity import Id, Kind
from app.links import TrackedLink
from app.recommend import State, Suggestion
from app.recommend.day.way import By
from app.reps import RelationState, RepContact
from app.tagging.models import UnmappedName
from tests.company import renew
from tests.scenarios.conftest import Line, publish
from tests.scenarios.test_main_line import suggest
from tests.scenarios.test_rep_page import enter, send
from tests.scenarios.test_suggestion_line import card_of, dispatches, texts
from workers.moments import keep_moments
from workers.receipts import poll_group_tasks


@pytest.fixture
def two(line: Line) -> list[Suggestion]:
    """The same content for two physicians of one rep."""
    publish(line, "房颤抗凝新进展", ["af"])
    for person in ("wang", "li"):
        line.do("add_contact", userid="rep01", person=person)
        line.do("edit_contact", userid="rep01", person=person, tag_ids=["et1"])
    return sorted(suggest(line), key=lambda row: row.id)


def way_row(line: Line, userid: str = "rep01") -> str:
    rows = line.world.cards[card_of(line, userid)["task_id"]]["card"]["horizontal_content_list"]
    return next(str(row["value"]) for row in rows if row["keyname"] == "方式")


def rows_of(line: Line) -> list[Suggestion]:
    with line.parts.db.reading() as session:
        return list(session.scalars(select(Suggestion).order_by(Suggestion.id)))


def run(line: Line, minutes: int = 3) -> Moment:
    """Let the moment go on for some minutes."""
    for _ in range(minutes * 2):
        line.clock.tick(seconds=30)
        keep_moments(line.parts)
        line.work()
    with line.parts.db.reading() as session:
        return session.scalars(select(Moment)).one()


def moment_of(line: Line) -> dict[str, Any]:
    (found,) = line.world.moments.values()
    return found


def test_the_card_says_the_way_and_the_wish_of_a_physician_goes_before_it(line: Line) -> None:
    publish(line, "房颤抗凝新进展", ["af"])
    line.do("add_contact", userid="rep01", person="wang")
    line.do("edit_contact", userid="rep01", person="wang", tag_ids=["et1"])
    line.do("follow", person="wang")
    line.do("oa_says", person="wang", text="您好")
    with line.parts.db.transaction() as session:
        openid = identity.find(
            session, Id(Kind.OPENID, "wxtestaccount", line.person("wang").openid)
        )
        assert openid is not None
        consent.wish(session, openid.id, "account", source="content_page", at=line.clock())
    (row,) = suggest(line)
    assert (row.way, way_row(line)) == ("oa", "公众号消息 · 医生希望用公众号")
    before = len(line.person("wang").oa_chat)
    line.do("tap_card", task_id=card_of(line)["task_id"], key="adopt")
    article = line.person("wang").oa_chat[before:]
    assert len(article) == 1
    assert "房颤抗凝新进展" in str(article[0])
    assert "由公众号消息发给 王某某" in texts(line)[-1]
    (after,) = rows_of(line)
    assert (after.state, after.forwarded_at is not None) == (State.ADOPTED, True)
    with line.parts.db.reading() as session:
        assert session.scalars(select(TrackedLink.channel)).all() == ["oa"]
        told = journey.timeline(session, openid.one_id)
        assert any(e.kind == journey.Happened.CONTENT_SENT and e.channel == "oa" for e in told)


def test_who_leaves_the_account_while_an_adopted_content_waits_has_not_got_it(line: Line) -> None:
    publish(line, "房颤抗凝新进展", ["af"])
    line.do("add_contact", userid="rep01", person="wang")
    line.do("edit_contact", userid="rep01", person="wang", tag_ids=["et1"])
    line.do("follow", person="wang")
    line.do("oa_says", person="wang", text="您好")
    (row,) = suggest(line)
    with line.parts.db.transaction() as session:
        session.get_one(Suggestion, row.id).way = By.ACCOUNT
    line.clock.tick(hours=9.5)  # half past nine in the evening: it waits for the morning
    line.do("tap_card", task_id=card_of(line)["task_id"], key="adopt")
    (waiting,) = dispatches(line, Way.OA_TEXT)[-1:]
    assert (rows_of(line)[0].state, waiting.state) == (State.ADOPTED, Sending.QUEUED)
    line.do("unfollow", person="wang")
    assert "没有发出：医生已取消关注" in texts(line)[-1]
    assert rows_of(line)[0].state == State.CANCELLED
    with line.parts.db.reading() as session:
        assert not have_it_already(session, [wang_id(line)], row.content_id, line.clock())


def wang_id(line: Line) -> str:
    (found,) = line.api_says()["items"]
    return str(found["one_id"])


def test_a_way_that_closes_after_the_card_left_falls_back_to_the_reps_own_hand(line: Line) -> None:
    publish(line, "房颤抗凝新进展", ["af"])
    line.do("add_contact", userid="rep01", person="wang")
    line.do("edit_contact", userid="rep01", person="wang", tag_ids=["et1"])
    line.do("follow", person="wang")
    line.do("oa_says", person="wang", text="您好")
    (row,) = suggest(line)
    with line.parts.db.transaction() as session:
        session.get_one(Suggestion, row.id).way = By.ACCOUNT
    line.clock.tick(hours=50)
    line.do("tap_card", task_id=card_of(line)["task_id"], key="adopt")
    assert rows_of(line)[0].way == By.REP
    assert "/t/" in texts(line)[-1]


def test_the_rep_sees_why_not_and_takes_another_way(line: Line, two: list[Suggestion]) -> None:
    client = enter(line, "rep01")
    page = client.get("/rep/").text
    for text in ("一对一发送", "您的习惯", "改走企业群发（需确认）", "没有这个渠道的联系同意"):
        assert text in page, text
    assert "改走公众号消息" not in page
    told = send(client, f"/rep/suggestions/{two[0].id}/adopt", way="group_task")
    assert "请在企业微信里确认群发任务" in told.text
    line.work()
    assert [task["sender"] for task in line.world.tasks.values()] == ["rep01"]
    assert [row.way for row in rows_of(line)] == ["group_task", "wecom"]


def test_what_the_platform_refuses_waits_to_be_sent_by_hand(
    line: Line, two: list[Suggestion]
) -> None:
    line.world.trouble = {
        "errcodes": {"externalcontact/add_msg_template": {"errcode": 41048, "times": 1}}
    }
    client, path = enter(line, "rep01"), f"/rep/suggestions/{two[0].id}/adopt"
    send(client, path, way="group_task")
    line.work()
    assert "最近与医生聊过的同事" in texts(line)[-1]
    assert "41048" not in texts(line)[-1]
    assert f'action="{path}"' in client.get("/rep/").text
    line.clock.tick(minutes=1)
    send(client, path)
    line.work()
    assert "/t/" in texts(line)[-1]
    (row, _other) = rows_of(line)
    assert (row.state, row.way) == (State.ADOPTED, By.REP)
    with line.parts.db.reading() as session:
        sent = funnel(session, line.clock(), 7)
    assert (sent.sent, sent.adopted) == (1, 1)


def test_what_the_platform_refuses_on_another_day_is_over(
    line: Line, two: list[Suggestion]
) -> None:
    line.world.trouble = {
        "errcodes": {"externalcontact/add_msg_template": {"errcode": 41048, "times": 1}}
    }
    client, path = enter(line, "rep01"), f"/rep/suggestions/{two[0].id}/adopt"
    send(client, path, way="group_task")
    line.clock.tick(hours=13)
    line.work()  # quiet hours
    line.clock.tick(hours=9)
    line.work()
    assert "没有发出" in texts(line)[-1]
    assert "改用一对一" not in texts(line)[-1]
    (row, _other) = rows_of(line)
    assert row.state == State.CANCELLED


def test_the_rep_is_told_of_a_confirmed_task_that_the_physician_did_not_get(
    line: Line, two: list[Suggestion]
) -> None:
    client = enter(line, "rep01")
    for row in two:
        send(client, f"/rep/suggestions/{row.id}/adopt", way="group_task")
    line.work()
    for (task_id, task), status in zip(line.world.tasks.items(), (3, 2), strict=True):
        line.do("confirm_task", task_id=task_id)
        task["to"] = dict.fromkeys(task["to"], status)
    line.clock.tick(minutes=10)
    assert poll_group_tasks(line.parts) == 2
    line.work()
    over, apart = sorted(texts(line)[-2:], key=lambda text: "好友" in text)
    assert "群发次数已用完" in over
    assert "改用一对一发送" in over
    assert "改用一对一" not in apart
    full, gone = sorted(rows_of(line), key=lambda row: row.state == State.CANCELLED)
    assert (full.state, full.way, gone.state) == (State.PLANNED, By.REP, State.CANCELLED)
    page = client.get("/rep/").text
    assert "上次没有送达：医生能收到的群发次数已用完" in page
    assert "医生已不是您的企业微信好友" in page
    line.clock.tick(minutes=1)
    send(client, f"/rep/suggestions/{full.id}/adopt")
    line.work()
    assert "/t/" in texts(line)[-1]


def test_a_task_that_nobody_confirms_is_taken_back_after_a_week_and_told_once(
    line: Line, two: list[Suggestion]
) -> None:
    send(enter(line, "rep01"), f"/rep/suggestions/{two[0].id}/adopt", way="group_task")
    line.work()
    line.clock.tick(days=8)
    assert poll_group_tasks(line.parts) == 1
    assert poll_group_tasks(line.parts) == 0
    line.work()
    assert "一周没有确认，已取消" in texts(line)[-1]
    assert rows_of(line)[0].state == State.CANCELLED
    (task,) = line.world.tasks.values()
    assert task["state"] == "cancelled", "nothing of last week goes out"
    with line.parts.db.reading() as session:
        assert session.scalars(select(TrackedLink)).all() == [], "nobody has had it"


def test_similar_conversations_go_with_one_tap_each_judged_by_itself(
    line: Line, two: list[Suggestion]
) -> None:
    client = enter(line, "rep01")
    page = client.get("/rep/").text
    for text in ("相似沟通", "2 位医生同一篇", "企业群发（需确认） 2", "一起处理"):
        assert text in page, text
    version = two[0].content_version_id
    with line.parts.db.transaction() as session:
        consent.record(
            session, two[1].identifier_id, action=consent.Action.WITHDRAW, source="keyword",
            at=line.clock(),
        )  # fmt: skip
    shut = client.get("/rep/").text
    assert "暂无可用方式" in shut
    assert "医生已退订" not in client.get("/rep/", headers={"Accept-Language": "en"}).text
    grey = re.findall(r'<button class="main" disabled aria-describedby="([^"]+)">采用', shut)
    assert [f'id="{reason}"' in shut for reason in grey] == [True], "grey, with its reason beside"
    path = f"/rep/together/{version}"
    with line.parts.db.transaction() as session:  # since the page was opened
        renew(session, content.get_version(session, version), line.clock())
    form = {"suggestion": [str(row.id) for row in two], "by": "group_task"}
    token = re.search(r'name="csrf_token" value="([^"]+)"', page)
    assert token
    form["csrf_token"] = token.group(1)
    told = client.post(path, data=form, follow_redirects=True)
    assert "已处理 1 位：企业群发（需确认） 1" in told.text
    assert "没有发出：医生已退订" in told.text
    line.work()
    assert len(line.world.tasks) == 1
    assert [row.state for row in rows_of(line)] == [State.ADOPTED, State.CANCELLED]
    again = client.post(path, data=form, follow_redirects=True)
    assert "这些建议刚刚已处理过" in again.text
    line.do("add_contact", userid="rep02", person=line.do("invent_person")["key"])
    other = enter(line, "rep02")
    assert other.post(path, data=form).status_code in (400, 404)


def test_one_tap_makes_one_moment_for_those_who_may_see_it(
    line: Line, two: list[Suggestion]
) -> None:
    line.do("add_contact", userid="rep01", person=line.do("invent_person")["key"])  # sees nothing
    client = enter(line, "rep01")
    assert "发朋友圈（2 位可见）" in client.get("/rep/").text
    form = {"suggestion": [str(row.id) for row in two], "by": "moment"}
    told = send(client, f"/rep/together/{two[0].content_version_id}", **form)  # type: ignore[arg-type]
    assert "客户朋友圈（需确认） 2" in told.text
    assert run(line).step == Step.CONFIRMING
    post = moment_of(line)
    assert (post["senders"], post["link"]["title"]) == (["rep01"], "房颤抗凝新进展")
    assert {d.receipt for d in dispatches(line, Way.MOMENT_VIEW)} == {None}
    line.do("publish_moment", moment_id=post["id"], userid="rep01")
    row = run(line, 10)
    assert row.step == Step.PUBLISHED
    assert len(post["seen"]["rep01"]) == 2
    assert {d.receipt for d in dispatches(line, Way.MOMENT_VIEW)} == {Receipt.FORWARDED}
    assert all(s.forwarded_at is not None and s.way == "moment" for s in rows_of(line))
    with line.parts.db.reading() as session:
        assert not session.scalars(select(UnmappedName)).all(), (
            "its tag is nothing that anybody said"
        )
        counted = delivery.moments_this_month(session, [two[0].identifier_id], line.clock())
        assert counted == {two[0].identifier_id: 1}
    line.clock.tick(days=8)
    assert run(line, 1).step == Step.CLOSED
    assert [g.group_name for g in line.world.tag_groups] == ["专科"], "the tag is gone"


def test_a_physician_says_on_the_page_how_to_be_reached(line: Line, two: list[Suggestion]) -> None:
    client = enter(line, "rep01")
    send(client, f"/rep/suggestions/{two[0].id}/adopt")
    line.work()
    page = "/t/" + texts(line)[-1].rpartition("/t/")[2].split()[0]
    assert "希望怎样收到资料" in line.web.get(f"{page}/pause").text
    told = line.web.post(f"{page}/way", data={"way": "account"}, follow_redirects=True).text
    assert "已保存，立即生效" in told
    assert re.search(r'value="account" checked', told)
    assert line.web.post(f"{page}/way", data={"way": "pigeon"}).status_code == 400
    with line.parts.db.reading() as session:
        one_id = session.get_one(identity.Identifier, two[0].identifier_id).one_id
        assert consent.wishes(session, [one_id, "nobody"]) == {one_id: "account"}


def moment_campaign(line: Line) -> int:
    return push(line, publish(line, "房颤抗凝新进展", ["af"]).content_id, "moment")


def push(line: Line, content_id: int, way: str) -> int:
    """A push to the one contact of rep01, under way; its id."""
    line.do("add_contact", userid="rep01", person="wang")
    line.do("edit_contact", userid="rep01", person="wang", tag_ids=["et1"])
    with line.parts.db.transaction() as session:
        campaign_id = campaigns.create(
            session, name="房颤月", content_id=content_id, expression="标签:房颤",
            way=way, at=None, cron="", author="user:1", now=line.clock(),
        ).id  # fmt: skip
    carry(line, campaign_id)
    return campaign_id


def carry(line: Line, campaign_id: int) -> None:
    """A run of a push, begun now."""
    with line.parts.db.transaction() as session:
        run_id = campaigns.run_now(session, campaign_id, line.clock())
        assert carry_out(session, run_id, line.parts.settings, line.clock())


@pytest.mark.parametrize("barred", ["not_mine", "not_connected"])
def test_the_account_is_no_side_door_for_what_is_barred_for_the_rep(
    line: Line, barred: str
) -> None:
    publish(line, "房颤抗凝新进展", ["af"])
    line.do("add_contact", userid="rep01", person="wang")
    line.do("edit_contact", userid="rep01", person="wang", tag_ids=["et1"])
    line.do("follow", person="wang")
    line.do("oa_says", person="wang", text="您好")
    (row,) = suggest(line)
    with line.parts.db.transaction() as session:
        session.get_one(Suggestion, row.id).way = By.ACCOUNT
        if barred == "not_mine":
            feedback.claims.claim(session, row.rep_id, row.identifier_id, row.id, line.clock())
        else:
            (relation,) = session.scalars(select(RepContact))
            relation.state = RelationState.REMOVED_BY_PHYSICIAN
    before = len(line.person("wang").oa_chat)
    line.do("tap_card", task_id=card_of(line)["task_id"], key="adopt")
    assert line.person("wang").oa_chat[before:] == []
    assert rows_of(line)[0].state == State.CANCELLED


def test_whom_the_content_is_barred_for_is_not_handled_together_with_others(
    line: Line, two: list[Suggestion]
) -> None:
    client = enter(line, "rep01")
    assert "相似沟通" in client.get("/rep/").text
    with line.parts.db.transaction() as session:
        last = two[1]
        feedback.claims.claim(session, last.rep_id, last.identifier_id, last.id, line.clock())
    assert "相似沟通" not in client.get("/rep/").text, "one alone is no group"
