"""Reps who write to the app or use its menu."""

from __future__ import annotations

from sqlalchemy import select

from app import journey, reps, tagging
from app.delivery import Dispatch
from app.facts import RepMessaged
from app.flows import Received
from app.flows.contacts import rep_messaged
from app.flows.planning.plan_day import plan_day
from app.infra.clock import local
from app.infra.db import Database
from app.recommend import Suggestion
from tests.company import CORP, hire, meet
from tests.company import publish as put
from tests.conftest import NOON
from tests.flows.seen import all_done, contact
from tests.scenarios.conftest import Line, publish


def told(line: Line, userid: str = "rep01") -> list[str]:
    return [m["text"] for m in line.inbox(userid) if m["kind"] == "text"]


def test_today_lists_the_reps_own_suggestions(line: Line) -> None:
    line.do("rep_says", userid="rep01", text="今日")
    assert told(line) == ["今天还没有建议。到您选的时间，我会发给您。"]
    publish(line, "房颤抗凝新进展", ["af"])
    line.do("add_contact", userid="rep01", person="wang")
    line.do("edit_contact", userid="rep01", person="wang", tag_ids=["et1"])
    with line.parts.db.transaction() as session:
        rep = reps.find_rep(session, "wwtestcorp", "rep01")
        assert rep is not None
        plan_day(
            session, rep, local(line.clock()).date(), base_url="http://yishu.test", now=line.clock()
        )
    line.clock.tick(minutes=5)
    line.work()
    line.do("rep_menu", userid="rep01", key="today")
    assert told(line)[-1].splitlines()[:2] == [
        "今天的 1 条建议：", f"1. {line.person('wang').name} · 《房颤抗凝新进展》 · 待处理",
    ]  # fmt: skip
    line.do("rep_says", userid="rep02", text="今日")
    assert "还没有建议" in told(line, "rep02")[-1]
    line.clock.tick(days=4)  # a Saturday
    line.do("rep_says", userid="rep02", text="今日")
    assert told(line, "rep02")[-1].startswith("今天没有建议。下一个工作日")


def test_anything_else_is_answered_with_how_it_works(line: Line) -> None:
    line.do("rep_says", userid="Rep02", text="你是谁？")
    assert "发送“今日”" in told(line, "rep02")[-1]
    with line.parts.db.reading() as session:
        assert reps.find_rep(session, "wwtestcorp", "rep02") is not None
    assert all_done(line)


def test_what_a_rep_writes_is_no_part_of_a_physicians_journey(line: Line) -> None:
    line.do("add_contact", userid="rep01", person="wang")
    with line.parts.db.reading() as session:
        one_id = contact(line, session).one_id
    line.do("rep_says", userid="rep01", text="王医生 房颤")
    with line.parts.db.reading() as session:
        assert len(journey.timeline(session, one_id)) == 2  # added, welcomed


def test_a_long_list_ends_with_its_link(database: Database) -> None:
    with database.transaction() as session:
        tagging.seed(session, NOON)
        rep = hire(session, "rep01", NOON, daily_limit=30)
        version = put(session, "房颤抗凝新进展" * 10, ("af",), NOON)
        for number in range(30):
            row = meet(session, rep, f"n{number}", NOON)
            session.add(
                Suggestion(
                    plan_key=f"t{number}", rep_id=rep.id, identifier_id=row.id, position=number,
                    content_id=version.content_id, content_version_id=version.id,
                    day=local(NOON).date(), created_at=NOON,
                )
            )  # fmt: skip
        session.flush()
        asked = RepMessaged(
            at=NOON, corp_id=CORP, agent_id="1", rep_userid="rep01", kind="text", message_id="1",
            text="今日",
        )  # fmt: skip
        rep_messaged.apply(session, asked, "https://yishu.test", Received(1, NOON), NOON)
        (reply,) = session.scalars(select(Dispatch))
        text = reply.payload["text"]
        assert len(text.encode()) <= 2048
        assert text.splitlines()[0] == "今天的 30 条建议："
        assert text.splitlines()[-2:] == ["…", "https://yishu.test/rep/"]
