"""An invitation: sent like any content, answered on its page, and who came is noted afterwards."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from app import content, identity, journey, links, reps
from app.content import ContentVersion
from app.flows.campaigns.withdraw_content import withdraw_content
from app.flows.pages.meetings import answers_to, attend_from_file
from app.identity import Id, Identifier, Kind
from app.infra.errors import Refused
from app.journey import Happened
from app.links import TrackedLink
from tests.company import renew
from tests.scenarios.conftest import Line, publish
from tests.scenarios.test_main_line import suggest
from tests.scenarios.test_rep_page import enter, send
from tests.scenarios.test_suggestion_line import card_of, texts
from tests.segments.test_index import ONE_DATABASE

WECHAT = {"User-Agent": "Mozilla/5.0 MicroMessenger/8.0"}


@pytest.fixture
def invited(line: Line) -> str:
    """The path of the invitation that Dr Wang got; the meeting is in two days at 14:00."""
    publish(
        line, "房颤病例讨论会", ["af"], kind="meeting", starts_at="2026-11-26T14:00",
        place="示例市会议中心 3 楼",
    )  # fmt: skip
    line.do("add_contact", userid="rep01", person="wang")
    line.do("edit_contact", userid="rep01", person="wang", tag_ids=["et1"])
    suggest(line)
    line.do("tap_card", task_id=card_of(line)["task_id"], key="adopt")
    return "/t/" + texts(line)[-1].rpartition("/t/")[2].split()[0]


def kinds(line: Line) -> list[Happened]:
    with line.parts.db.reading() as session:
        external = line.person("wang").external_userid
        row = identity.find(session, Id(Kind.WECOM_EXTERNAL_USERID, "wwtestcorp", external))
        assert row is not None
        return [entry.kind for entry in journey.timeline(session, row.one_id)]


def version_of(line: Line) -> ContentVersion:
    with line.parts.db.reading() as session:
        return content.listing(session, limit=1)[0]


def test_an_invitation_is_answered_on_its_page_and_the_rep_hears_of_it(
    line: Line, invited: str
) -> None:
    assert "邀请您参加会议" in texts(line)[-1]
    assert "11月26日 14:00 · 示例市会议中心 3 楼" in texts(line)[-1]
    page = line.web.get(invited, headers=WECHAT).text
    for text in ("11月26日", "14:00", "示例市会议中心 3 楼", "您能参加吗", "不能参加"):
        assert text in page, text
    for coming in ("yes", "yes", "no", "yes"):
        line.clock.tick(minutes=1)
        line.web.post(f"{invited}/meeting", data={"coming": coming})
    line.work()
    told = [text for text in texts(line) if text.startswith("【会议回复】")]
    assert sorted(told) == sorted(  # several that are due leave side by side
        f"【会议回复】王某某{said}《房颤病例讨论会》（11月26日 14:00），12:{minute:02} 回复。"
        for said, minute in (("将参加", 6), ("不能参加", 8), ("将参加", 9))
    )
    assert "您已答应参加" in line.web.get(invited, headers=WECHAT).text
    assert kinds(line).count(Happened.MEETING_ACCEPTED) == 2


def test_who_came_is_noted_by_the_rep_or_from_a_file_and_not_before(
    line: Line, invited: str, tmp_path: Path
) -> None:
    line.web.post(f"{invited}/meeting", data={"coming": "yes"})
    client = enter(line, "rep01")
    page = client.get("/rep/meetings").text
    assert "王某某" in page
    assert "将参加" in page
    assert "未到场" not in page, "it has not begun"
    number = version_of(line).content_id
    file = f"外部联系人,备注\n{line.person('wang').external_userid},\nwmNobody,\n".encode()
    with line.parts.db.transaction() as session, pytest.raises(Refused, match="还没有开始"):
        attend_from_file(session, number, "a.csv", file, corp_id="wwtestcorp", by="file",
                         now=line.clock())  # fmt: skip
    line.clock.tick(days=2, hours=3)
    client = enter(line, "rep01")
    assert "未到场" in client.get("/rep/meetings").text
    assert "已记录" in send(client, "/rep/meetings/1/missed", "/rep/meetings").text
    assert Happened.MEETING_ATTENDED not in kinds(line)
    for _ in range(2):
        with line.parts.db.transaction() as session:
            figures, report = attend_from_file(
                session, number, "a.csv", file, corp_id="wwtestcorp", by="file", now=line.clock()
            )
    assert (figures["found"], [one["line"] for one in report]) == (1, [3])
    assert kinds(line).count(Happened.MEETING_ATTENDED) == 1
    for came, often in (("missed", 0), ("missed", 0), ("came", 1)):
        send(client, f"/rep/meetings/1/{came}", "/rep/meetings")
        assert kinds(line).count(Happened.MEETING_ATTENDED) == often, "a wrong word is taken back"
    line.do("add_contact", userid="rep02", person=line.do("invent_person")["key"])
    other = enter(line, "rep02")
    assert "王某某" not in other.get("/rep/meetings").text
    assert send(other, "/rep/meetings/1/came", "/rep/meetings").status_code in (400, 404)
    assert line.web.get(invited, headers=WECHAT).status_code == 410, "nobody is invited any more"


def test_an_invitation_needs_a_time_and_a_place_and_they_are_sealed(line: Line) -> None:
    now = line.clock()
    for fields, why in (
        ({}, "开始时间"),
        ({"starts_at": "2026-11-26T14:00"}, "地点"),
        ({"starts_at": "2026-11-26T14:00", "ends_at": "2026-11-26T13:00", "place": "x"}, "晚于"),
        ({"starts_at": "soon", "place": "x"}, "看不懂"),
        ({"starts_at": "2026-11-23T14:00", "place": "x"}, "已经结束"),
    ):
        with pytest.raises(Refused, match=why):
            publish(line, "会", ["af"], kind="meeting", **fields)
    version = publish(line, "会", ["af"], kind="meeting", starts_at="2026-11-26T14:00", place="x")
    with line.parts.db.transaction() as session:
        row = session.get_one(ContentVersion, version.id)
        assert row.valid_until == row.ends_at
        assert content.problem(session, row, now) == ""
        row.place = "elsewhere"
        session.flush()
        assert "改动" in content.problem(session, row, now)
        row.place, row.starts_at = "x", (row.starts_at or now) + timedelta(hours=1)
        assert "改动" in content.problem(session, row, now)


def test_whoever_the_account_has_invited_is_on_the_page_of_the_rep_who_hears(
    line: Line, invited: str
) -> None:
    line.do("follow", person="wang")
    with line.parts.db.transaction() as session:
        openid = Id(Kind.OPENID, "wxtestaccount", line.person("wang").openid)
        row = identity.find(session, openid)
        assert row is not None
        link = links.create_link(
            session, version_of(line).id, identifier_id=row.id, channel="oa", now=line.clock()
        )
    line.web.post(f"/t/{link.token}/meeting", data={"coming": "yes"})
    line.work()
    assert "将参加" in texts(line)[-1]
    page = enter(line, "rep01").get("/rep/meetings").text
    assert "王某某" in page
    assert "将参加" in page


@ONE_DATABASE
def test_who_has_invited_hears_the_answer_and_another_rep_only_in_their_place(
    line: Line, invited: str
) -> None:
    line.do("add_contact", userid="rep02", person="wang")  # the newest relation
    line.do("follow", person="wang")
    line.clock.tick(minutes=1)
    line.web.post(f"{invited}/meeting", data={"coming": "yes"})
    line.work()
    assert "将参加" in texts(line)[-1]
    with line.parts.db.transaction() as session:
        row = identity.find(session, Id(Kind.OPENID, "wxtestaccount", line.person("wang").openid))
        assert row is not None
        link = links.create_link(
            session, version_of(line).id, identifier_id=row.id, channel="oa", now=line.clock()
        )
    line.do("delete_contact", userid="rep01", person="wang", by="physician")
    line.clock.tick(minutes=1)
    line.web.post(f"/t/{link.token}/meeting", data={"coming": "no"})
    line.work()
    assert "不能参加" in texts(line, "rep02")[-1]
    page = enter(line, "rep02").get("/rep/meetings").text
    assert page.count("王某某") == 1, "the newest word, not both"
    assert "不能参加" in page
    assert "王某某" not in enter(line, "rep01").get("/rep/meetings").text
    assert "邀请已撤回" not in page
    with line.parts.db.transaction() as session:
        withdraw_content(session, version_of(line).id, reason="改期", now=line.clock())
    assert "邀请已撤回" in enter(line, "rep02").get("/rep/meetings").text


@ONE_DATABASE
def test_a_yes_to_the_time_before_is_asked_for_again_and_not_counted_as_sure(
    line: Line, invited: str
) -> None:
    line.web.post(f"{invited}/meeting", data={"coming": "yes"})
    line.work()
    first, times = (
        version_of(line),
        {"starts_at": "2026-11-27T15:00", "ends_at": "2026-11-27T16:00"},
    )
    with line.parts.db.transaction() as session:
        newer = renew(session, first, line.clock.tick(minutes=5), **times)
        link = session.scalars(select(TrackedLink).order_by(TrackedLink.id.desc())).first()
        assert link is not None
        row = session.get_one(Identifier, link.identifier_id)
    client = enter(line, "rep01")
    stale = "将参加（答复的是原来的时间 11月26日 周四 14:00）"
    assert stale in client.get("/rep/meetings").text
    beside = f"/rep/sidebar?external_userid={row.value}"
    assert "原定 11月26日 周四 14:00" in client.get(beside).text
    line.work()
    assert texts(line)[-1].startswith(
        "【会议有变】王某某答应参加《房颤病例讨论会》（11月26日 14:00 · 示例市会议中心 3 楼），"
        "现在改为：11月27日 15:00 · 示例市会议中心 3 楼。"
    ), "somebody has to say so"
    page = line.web.get(invited, headers=WECHAT).text
    assert "会议时间改了，您之前答应参加" in page, "nobody gets another link"
    assert page.count('name="coming"') == 2, "both may be said"
    for shown in ({}, {"version": first.id}, {"version": "x"}):  # on a page of the time before
        line.web.post(f"{invited}/meeting", data={"coming": "yes"} | shown)
    assert stale in client.get("/rep/meetings").text
    line.web.post(f"{invited}/meeting", data={"coming": "yes", "version": newer.id})
    page = client.get("/rep/meetings").text
    assert "将参加" in page
    assert "原来的时间" not in page
    assert "您已答应参加" in line.web.get(invited, headers=WECHAT).text
    line.work()
    assert any("将参加《更正》（11月27日 15:00）" in text for text in texts(line))
    with line.parts.db.transaction() as session:
        withdraw_content(session, newer.id, reason="取消", now=line.clock())
    line.work()
    assert texts(line)[-1].startswith("【会议取消】王某某答应参加《更正》（11月27日 15:00 · ")
    assert line.web.get(invited, headers=WECHAT).status_code == 410


@ONE_DATABASE
def test_nobody_hears_of_other_words_for_the_same_meeting_or_of_a_no(
    line: Line, invited: str
) -> None:
    line.web.post(f"{invited}/meeting", data={"coming": "yes"})
    line.work()
    before, first = texts(line), version_of(line)
    with line.parts.db.transaction() as session:
        newer = renew(session, first, line.clock.tick(minutes=5))
    line.work()
    assert texts(line) == before
    line.web.post(f"{invited}/meeting", data={"coming": "no", "version": newer.id})
    with line.parts.db.transaction() as session:
        withdraw_content(session, newer.id, reason="取消", now=line.clock.tick(minutes=5))
    line.work()
    assert "不能参加" in texts(line)[-1]


def test_a_meeting_that_was_to_be_later_and_is_not_stays_when_it_is(
    line: Line, invited: str
) -> None:
    now, times = line.clock(), {"starts_at": "2026-11-27T15:00", "ends_at": "2026-11-27T16:00"}
    line.web.post(f"{invited}/meeting", data={"coming": "yes"})
    with line.parts.db.transaction() as session:
        first = version_of(line)
        newer = renew(session, first, now, begins=now + timedelta(days=1), **times)
        withdraw_content(session, newer.id, reason="不改了", now=now)
    page = enter(line, "rep01").get("/rep/meetings").text
    assert "11月26日" in page
    assert "邀请已撤回" not in page
    assert "原来的时间" not in page


@ONE_DATABASE
def test_answers_to_meetings_that_are_long_over_are_not_read(line: Line, invited: str) -> None:
    line.web.post(f"{invited}/meeting", data={"coming": "yes"}, headers=WECHAT)
    since = version_of(line).starts_at
    assert since is not None
    with line.parts.db.reading() as session:
        rep = reps.find_rep(session, "wwtestcorp", "rep01")
        assert rep is not None
        assert len(answers_to(session, rep, since)) == 1
        assert not answers_to(session, rep, since + timedelta(seconds=1))
    for days, shown in ((61, True), (2, False)):
        line.clock.tick(days=days)
        assert ("王某某" in enter(line, "rep01").get("/rep/meetings").text) is shown


@ONE_DATABASE
def test_nobody_hears_that_another_meeting_is_off_of_who_came_to_the_one_before(
    line: Line, invited: str
) -> None:
    line.web.post(f"{invited}/meeting", data={"coming": "yes"})
    line.work()
    line.clock.tick(days=4)
    with line.parts.db.transaction() as session:
        times = {"starts_at": "2026-12-27T15:00", "ends_at": "2026-12-27T16:00"}
        newer = renew(session, version_of(line), line.clock(), **times)
        withdraw_content(session, newer.id, reason="取消", now=line.clock.tick(minutes=5))
    line.work()
    assert not [text for text in texts(line) if "【会议取消】" in text]


@ONE_DATABASE
def test_a_time_that_reps_have_heard_of_is_off_before_its_version_has_begun(
    line: Line, invited: str
) -> None:
    line.web.post(f"{invited}/meeting", data={"coming": "yes"})
    line.work()
    now, times = line.clock(), {"starts_at": "2026-11-27T15:00", "ends_at": "2026-11-27T16:00"}
    with line.parts.db.transaction() as session:
        first = version_of(line)
        newer = renew(session, first, now, begins=now + timedelta(days=1), **times)
        withdraw_content(session, first.id, reason="改期", now=now)
    line.work()
    assert "现在改为：11月27日 15:00" in texts(line)[-1]
    with line.parts.db.transaction() as session:
        withdraw_content(session, newer.id, reason="取消", now=line.clock.tick(minutes=5))
    line.work()
    assert texts(line)[-1].startswith("【会议取消】王某某答应参加《更正》（11月27日 15:00 · ")


@ONE_DATABASE
def test_reps_hear_of_a_meeting_that_goes_online_and_of_another_link(
    line: Line, invited: str
) -> None:
    line.web.post(f"{invited}/meeting", data={"coming": "yes"})
    line.work()
    for link, told in (
        ("https://meeting.example/1", "现在改为：11月26日 14:00 · 线上。请尽快转告。"),
        (
            "https://meeting.example/2",
            "（11月26日 14:00 · 线上），现在换了线上会议的链接。请尽快转告。",
        ),
    ):
        with line.parts.db.transaction() as session:
            now = line.clock.tick(minutes=5)
            renew(session, version_of(line), now, place="", url=link)
        line.work()
        assert texts(line)[-1].endswith(told)
    assert "您已答应参加" in line.web.get(invited, headers=WECHAT).text, "nothing is asked again"
