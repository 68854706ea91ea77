"""The physician's own page: asked for in the chat, opened, changed, and what follows from it."""

from __future__ import annotations

import json
import re
from datetime import timedelta

import pytest
from sqlalchemy import select

from app import accounts, consent, delivery, identity, journey, reps, tagging
from app.accounts.models import AuditEntry, Role
from app.consent import OwnChoice
from app.content import Purpose
from app.delivery import Dispatch
from app.flows.allowed import permission
from app.flows.followers import own_link
from app.flows.tagging import vocabulary
from app.identity import Id, Identifier, Kind
from app.recommend import DailyPlan, Suggestion
from app.tagging import Source, editing
from app.tagging.models import TagAssertion
from tests.scenarios.conftest import Line, publish
from tests.scenarios.test_console import PASSWORD, Browser
from tests.scenarios.test_main_line import suggest, tag_names
from tests.scenarios.test_rep_page import beside, enter, send

URL = re.compile(r"http\S+/me/([\w-]+)")


@pytest.fixture
def known(line: Line) -> Line:
    """Wang is a contact of rep01 with a tag, and follows the account."""
    line.do("add_contact", userid="rep01", person="wang")
    line.do("edit_contact", userid="rep01", person="wang", tag_ids=["et1"])
    line.do("follow", person="wang")
    return line


def ask(line: Line, person: str = "wang", text: str = "我的信息") -> str:
    """The token that the account answers with."""
    line.do("oa_says", person=person, text=text)
    found = URL.search(line.person(person).oa_chat[-1]["text"])
    assert found, line.person(person).oa_chat[-1]
    return found.group(1)


def row_of(line: Line, person: str = "wang") -> Identifier:
    with line.parts.db.reading() as session:
        row = identity.find(session, Id(Kind.OPENID, "wxtestaccount", line.person(person).openid))
        assert row is not None
        return session.get_one(Identifier, row.id)


def page(line: Line, token: str) -> str:
    answer = line.web.get(f"/me/{token}")
    assert answer.status_code == 200
    return answer.text


def change(line: Line, token: str, path: str, **form: str) -> str:
    answer = line.web.post(f"/me/{token}/{path}", data=form, follow_redirects=True)
    assert answer.status_code == 200, answer.text
    return answer.text


def tag_id(line: Line, key: str) -> int:
    with line.parts.db.reading() as session:
        tag = tagging.by_key(session, key)
        assert tag is not None
        return tag.id


def next_plan(line: Line) -> DailyPlan:
    line.clock.tick(days=1)
    suggest(line)
    with line.parts.db.reading() as session:
        return session.scalars(select(DailyPlan).order_by(DailyPlan.id.desc())).first()


def test_from_the_chat_to_the_next_days_plan(known: Line) -> None:
    line, af = known, tag_id(known, "af")
    publish(line, "房颤抗凝新进展", ["af"])
    publish(line, "抗凝药物的选择", ["anticoagulation"])
    with line.parts.db.transaction() as session:
        tagging.assert_tag(
            session, row_of(line).id, tag_id(line, "anticoagulation"), source=Source.CRM,
            ref="test", evidence="CRM", at=line.clock(),
        )  # fmt: skip
    token = ask(line)
    text = page(line, token)
    for told in (
        "王某某",
        "房颤",
        "专科与疾病 · 代表在企业微信里的标签",
        "公司的客户资料",
        "rep01",
    ):
        assert told in text, told
    text = change(line, token, f"tags/{af}", action="delete")
    assert "任何来源都不会再给您加上它" in text
    assert "您已删除" in text
    text = change(line, token, f"topics/{tag_id(line, 'anticoagulation')}", action="off")
    assert "除安全性信息外" in text
    assert re.search(r'value="30" checked', change(line, token, "pace", pace="30"))
    plan = next_plan(line)
    assert plan.suggested == 0
    assert plan.left_out == {"unwanted_topic": 1}
    client = enter(line, "rep01")
    told = client.get(beside(line, "wang")).text
    for wish in ("医生希望每月最多一次", "医生不希望收到：抗凝"):
        assert wish in told, wish
    with line.parts.db.reading() as session:
        audit = session.scalars(select(AuditEntry).where(AuditEntry.actor == "physician")).all()
        assert [one.action for one in audit] == ["own.tag_deleted", "own.topic_off", "own.pace"]
        assert accounts.verify_audit(session) is None


def test_a_month_is_counted_over_everything_and_the_rep_reads_from_when(known: Line) -> None:
    line = known
    publish(line, "房颤抗凝新进展", ["af"])
    publish(line, "房颤的射频消融", ["af"])
    suggest(line)
    card = next(m for m in line.inbox("rep01") if m["kind"] == "card")
    line.do("tap_card", task_id=card["task_id"], key="adopt")
    sent = line.clock()
    change(line, ask(line), "pace", pace="30")
    line.clock.tick(days=8)  # the company's own cap would allow it
    plan = next_plan(line)
    assert plan.left_out == {"wished_pace": 1}
    told = enter(line, "rep01").get(beside(line, "wang")).text
    assert "医生希望每月最多一次" in told
    with line.parts.db.reading() as session:
        known_of = permission.standings(
            session, [row_of(line).one_id], consent.Through.REP, line.clock()
        )
        assert known_of[row_of(line).one_id].own.days == 30
    line.clock.tick(days=22)
    assert line.clock() > sent + timedelta(days=30)
    assert next_plan(line).suggested == 1


def test_a_rep_who_may_not_write_gets_no_suggestion_and_reads_why(known: Line) -> None:
    line = known
    publish(line, "房颤抗凝新进展", ["af"])
    token, (rep_id,) = ask(line), _reps(line)
    assert "不能通过我们发送" in change(line, token, f"reps/{rep_id}", action="off")
    assert next_plan(line).left_out == {"unwanted": 1}
    assert "医生不希望由这位代表联系" in enter(line, "rep01").get(beside(line, "wang")).text
    token = ask(line)
    change(line, token, f"reps/{rep_id}", action="on")
    assert next_plan(line).suggested == 1


def _reps(line: Line) -> list[int]:
    with line.parts.db.reading() as session:
        return list(reps.reps_by_id(session))


def test_what_is_deleted_no_source_brings_back_and_only_the_physician_does(known: Line) -> None:
    line, af = known, tag_id(known, "af")
    token, one_id = ask(line), row_of(known).one_id
    change(line, token, f"tags/{af}", action="delete")
    change(line, token, f"tags/{af}", action="delete")  # tapped twice
    line.clock.tick(days=400)
    for key in ([], ["et1"]):
        line.do("edit_contact", userid="rep01", person="wang", tag_ids=key)
    with line.parts.db.transaction() as session:
        for source in (Source.RULE, Source.MARKETING, Source.PERSON, Source.VERDICT):
            tagging.assert_tag(
                session, row_of(line).id, af, source=source, ref="later", evidence="再次",
                at=line.clock(),
            )  # fmt: skip
    assert "房颤" not in tag_names(line, one_id)
    token = ask(line)
    assert "已撤销删除" in change(line, token, f"tags/{af}", action="restore")
    assert "房颤" in tag_names(line, one_id)


def test_a_forwarded_article_opens_no_personal_page(known: Line) -> None:
    line = known
    publish(line, "房颤抗凝新进展", ["af"])
    suggest(line)
    card = next(m for m in line.inbox("rep01") if m["kind"] == "card")
    line.do("tap_card", task_id=card["task_id"], key="adopt")
    found = re.search(r"/t/([\w-]+)", line.inbox("rep01")[-1]["text"])
    assert found
    assert line.web.get(f"/me/{found[1]}").status_code == 404
    told = line.web.post(f"/t/{found[1]}/me").text  # a colleague presses it
    assert "/me/" not in told
    assert "发送“我的信息”" in told
    line.do("oa_says", person="wang", text="您好")
    before = len(line.person("wang").oa_chat)
    for _ in range(2):
        told = line.web.post(f"/t/{found[1]}/me").text
        assert "链接已发到您与公众号的对话里" in told
        assert "/me/" not in told
    line.work()
    (sent,) = line.person("wang").oa_chat[before:]
    token = URL.search(sent["text"])
    assert token
    assert "王某某" in page(line, token[1])
    with line.parts.db.transaction() as session:
        delivery.erase_marked(session)
        kept = session.scalars(select(Dispatch.payload).where(Dispatch.way == "oa_text"))
        assert not any(token[1] in json.dumps(one) for one in kept)


def test_a_key_is_over_after_a_day_and_unknown_ones_say_what_to_do(known: Line) -> None:
    line = known
    token = ask(line)
    answer = line.web.get(f"/me/{token}")
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert answer.headers["Cache-Control"] == "no-store"
    line.clock.tick(hours=24)
    for one in (token, token[:-1], "x" * 24, "x"):
        for path in ("", "/download", "/leave"):
            answer = line.web.get(f"/me/{one}{path}")
            assert answer.status_code == 404
            assert "发送“我的信息”" in answer.text
            assert "王某某" not in answer.text
    for path in ("tags/1", "topics/1", "reps/1", "pace", "leave"):
        assert line.web.post(f"/me/{token}/{path}", data={"pace": "7"}).status_code == 404
    assert page(line, ask(line)) != ""


def test_each_sees_only_what_is_theirs_also_after_a_merge_and_a_split(known: Line) -> None:
    line = known
    line.do("add_contact", userid="rep01", person="li")
    line.do("follow", person="li")
    wang, li = ask(line), ask(line, "li")
    assert "李某某" in page(line, li)
    assert "王某某" not in page(line, li)
    change(line, wang, f"topics/{tag_id(line, 'af')}", action="off")
    one, other = row_of(line), row_of(line, "li")
    with line.parts.db.transaction() as session:
        judged = identity.merge(
            session, one.one_id, other.one_id, actor="user:1", reason="同一人", now=line.clock()
        )
    assert "已关闭" in page(line, li)  # the stricter choice holds for both
    with line.parts.db.transaction() as session:
        identity.retract(session, judged.id, actor="user:1", now=line.clock())
    assert "李某某" in page(line, li)
    assert "王某某" not in page(line, li)
    assert "已关闭" not in page(line, li)
    assert "已关闭" in page(line, wang)


def test_a_mistyped_phone_opens_nobodys_page_to_a_stranger(known: Line) -> None:
    line, wang = known, ask(known)
    line.do("edit_contact", userid="rep01", person="wang", phones=["19912345678"])
    line.do("add_contact", userid="rep02", person="li")
    line.do("follow", person="li")
    li = ask(line, "li")
    line.do("edit_contact", userid="rep02", person="li", phones=["19912345678"])
    one = row_of(line, "li")
    assert one.one_id == row_of(line).one_id  # so it is known of both
    assert [line.web.get(f"/me/{token}").status_code for token in (wang, li)] == [404, 404]
    line.do("oa_says", person="li", text="我的信息")
    told = line.person("li").oa_chat[-1]["text"]
    assert "同事核对之后" in told
    assert "/me/" not in told
    with line.parts.db.transaction() as session:
        assert not own_link.send_own(session, one.id, "http://here", line.clock())
        phone = identity.find(session, identity.make_id(Kind.PHONE, "19912345678"))
        assert phone is not None
        identity.block(session, phone, actor="user:1", reason="打错", now=line.clock())
    assert "王某某" not in page(line, li)
    assert "王某某" in page(line, wang)


def test_who_leaves_is_stopped_at_once_and_staff_hear_of_the_request(known: Line) -> None:
    line = known
    token, one_id = ask(line), row_of(known).one_id
    asked = line.web.get(f"/me/{token}/leave").text
    assert "确认离开" in asked
    line.web.head(f"/me/{token}/leave")
    with line.parts.db.reading() as session:
        assert not consent.own(session, [one_id])
        assert not consent.standing(session, [one_id], "wecom")[one_id][1]  # looking does nothing
    assert "已停止全部联系" in change(line, token, "leave", action="leave")
    with line.parts.db.reading() as session:
        assert consent.standing(session, [one_id], "wecom")[one_id][1]
        assert consent.own(session, [one_id])[one_id].leaves
        kinds = [entry.kind for entry in journey.timeline(session, one_id)]
        assert journey.Happened.CONSENT_CHANGED in kinds
    assert "已撤回删除请求" in change(line, token, "leave", action="stay")
    change(line, token, "pace", pace="")
    with line.parts.db.reading() as session:
        assert not consent.standing(session, [one_id], "wecom")[one_id][1]


def test_everything_is_downloaded_and_nothing_that_staff_keep_to_themselves(known: Line) -> None:
    line = known
    publish(line, "房颤抗凝新进展", ["af"])
    line.do("edit_contact", userid="rep01", person="wang", remark="王主任 周三门诊")
    (row,) = suggest(line)
    send(
        enter(line, "rep01"), f"/rep/suggestions/{row.id}/refuse_reason", reason="other",
        note="他说这个月不看抗凝",
    )  # fmt: skip
    with line.parts.db.transaction() as session:
        vocabulary.edit(
            session, lambda d: editing.revised(d, "stage-trial", {"sensitivity": "staff"}),
            actor="t", now=line.clock(),
        )  # fmt: skip
        tagging.assert_tag(
            session, row_of(line).id, tag_id(line, "stage-trial"), source=Source.CRM, ref="t", evidence="CRM",
            at=line.clock(),
        )  # fmt: skip
    answer = line.web.get(f"/me/{ask(line)}/download")
    assert "attachment" in answer.headers["Content-Disposition"]
    record = json.loads(answer.data)
    assert record["physician"]["name"] == "王某某"
    assert [one["name"] for one in record["tags"]] == ["房颤"]
    assert {one["kind"] for one in record["identifiers"]} >= {"openid", "wecom_external_userid"}
    (told,) = record["suggestions"]
    assert (told["title"], told["rep_wrote"]) == ("房颤抗凝新进展", "他说这个月不看抗凝")
    assert record["reps"][0]["remark"] == "王主任 周三门诊"
    assert "我的信息" in answer.text


def test_what_is_chosen_outlives_the_account_and_the_key_does_not(known: Line) -> None:
    line, af = known, tag_id(known, "af")
    token = ask(line)
    change(line, token, f"tags/{af}", action="delete")
    change(line, token, "pace", pace="14")
    line.do("unfollow", person="wang")
    assert line.web.get(f"/me/{token}").status_code == 404
    with line.parts.db.reading() as session:
        row = identity.find(
            session,
            Id(Kind.WECOM_EXTERNAL_USERID, "wwtestcorp", line.person("wang").external_userid),
        )
        assert row is not None
        assert consent.own(session, [row.one_id])[row.one_id].days == 14
    assert tag_names(line, row.one_id) == set()


def test_what_is_chosen_is_handed_on_to_what_became_known_later(line: Line) -> None:
    af = tag_id(line, "af")
    line.do("follow", person="wang")
    line.do("oa_says", person="wang", text="房颤")
    token = ask(line)
    change(line, token, f"tags/{af}", action="delete")
    change(line, token, "pace", pace="14")
    line.do("add_contact", userid="rep01", person="li")  # another WeChat of the same physician
    line.do("edit_contact", userid="rep01", person="li", tag_ids=["et1"])
    contact = Id(Kind.WECOM_EXTERNAL_USERID, "wwtestcorp", line.person("li").external_userid)
    with line.parts.db.transaction() as session:
        row = identity.find(session, contact)
        assert row is not None
        identity.merge(
            session, row_of(line).one_id, row.one_id, actor="user:1", reason="同一人",
            now=line.clock(),
        )  # fmt: skip
    line.do("unfollow", person="wang")
    with line.parts.db.reading() as session:
        row = identity.find(session, contact)
        assert row is not None
        assert consent.own(session, [row.one_id])[row.one_id].days == 14
        assert tagging.weights(session, [row.one_id], line.clock())[row.one_id] == {}


def test_whom_nobody_else_knows_leaves_nothing_of_the_choices_behind(line: Line) -> None:
    line.do("follow", person="wang")
    token, af = ask(line), tag_id(line, "af")
    line.do("oa_says", person="wang", text="房颤")
    for path, action in ((f"tags/{af}", "delete"), (f"topics/{af}", "off"), ("leave", "leave")):
        change(line, token, path, action=action)
    line.do("unfollow", person="wang")
    with line.parts.db.reading() as session:
        assert consent.leaving(session) == []  # what was asked for is done
        for model in (OwnChoice, TagAssertion):
            assert session.scalars(select(model)).all() == []


def test_staff_see_what_the_physician_chose_and_close_a_request(known: Line) -> None:
    line, af = known, tag_id(known, "af")
    token, one_id = ask(line), row_of(known).one_id
    change(line, token, f"tags/{af}", action="delete")
    change(line, token, "leave", action="leave")
    with line.parts.db.transaction() as session:
        accounts.create_user(
            session, "admin", name="示例", password=PASSWORD, role=Role.ADMIN, now=line.clock()
        )
    admin = Browser(line)
    admin.login("admin")
    assert f"/console/physicians/{one_id}" in admin.get("/console/").text
    told = admin.get(f"/console/physicians/{one_id}").text
    for text in ("医生本人删除", "医生请求删除资料", "结束请求"):
        assert text in told, text
    told = admin.send(f"/console/physicians/{one_id}", f"/console/physicians/{one_id}/erasure").text
    assert "删除资料的请求已结束" in told
    assert "结束请求" not in told.replace("删除资料的请求已结束", "")
    sends = admin.get("/console/governance/sends").text
    assert token not in sends


def test_a_safety_notice_reaches_who_has_switched_its_topic_off(known: Line) -> None:
    line = known
    publish(line, "房颤用药的安全性信息", ["af"], purpose=Purpose.SAFETY)
    change(line, ask(line), f"topics/{tag_id(line, 'af')}", action="off")
    assert next_plan(line).suggested == 1


def test_what_waits_is_judged_by_what_was_chosen_meanwhile(known: Line) -> None:
    line = known
    publish(line, "房颤抗凝新进展", ["af"])
    suggest(line)
    change(line, ask(line), f"topics/{tag_id(line, 'af')}", action="off")
    assert "医生不希望收到该主题" in enter(line, "rep01").get("/rep/").text
    card = next(m for m in line.inbox("rep01") if m["kind"] == "card")
    line.do("tap_card", task_id=card["task_id"], key="adopt")
    assert not any("/t/" in one.get("text", "") for one in line.inbox("rep01"))
    with line.parts.db.reading() as session:
        assert session.scalars(select(Suggestion)).one().forwarded_at is None
