"""The rep's list inside WeCom: who it is, what it shows, and that answers are the card's."""

from __future__ import annotations

import re
from datetime import date
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from flask.testing import FlaskClient
from sqlalchemy import select, update

from app import content, feedback, reps
from app.connectors.wecom.cards import TITLE
from app.content import ContentVersion, Purpose
from app.delivery import Dispatch
from app.facts import CardAnswered
from app.feedback import ClaimState
from app.flows import Received
from app.flows.answers import card_answered
from app.flows.planning.suggestion_card import card, task_id
from app.identity import Physician
from app.recommend import State, Suggestion
from app.recommend.policy.policy_models import Decision
from tests.scenarios.conftest import Line, publish, spare
from tests.scenarios.test_main_line import suggest
from tests.segments.test_index import ONE_DATABASE


def enter(line: Line, userid: str) -> FlaskClient:
    """A rep opens the list: redirected to WeCom, back with a code."""
    client: FlaskClient = line.web.application.test_client()
    there = client.get("/rep/").headers["Location"].split("#")[0]
    back = httpx.get(f"{there}&as={userid}").headers["Location"]
    split = urlsplit(back)
    answer = client.get(f"{split.path}?{split.query}")
    assert answer.status_code == 302, answer.text
    return client


@pytest.fixture
def suggestion(line: Line) -> Suggestion:
    publish(line, "房颤抗凝新进展", ["af"])
    line.do("add_contact", userid="rep01", person="wang")
    line.do("add_contact", userid="rep02", person="li")
    line.do("edit_contact", userid="rep01", person="wang", tag_ids=["et1"])
    (row,) = suggest(line)
    return row


def send(client: FlaskClient, path: str, page: str = "/rep/", **fields: str) -> Any:
    token = re.search(r'name="csrf_token" value="([^"]+)"', client.get(page).text)
    data = {"csrf_token": token.group(1) if token else "", **fields}
    return client.post(path, data=data, follow_redirects=True)


def test_a_rep_adopts_from_the_list_and_the_card_follows(
    line: Line, suggestion: Suggestion
) -> None:
    client = enter(line, "rep01")
    page = client.get("/rep/").text
    assert "王某某" in page
    assert "房颤抗凝新进展" in page
    told = send(client, f"/rep/suggestions/{suggestion.id}/adopt")
    assert "已采用" in told.text
    assert "可转发的内容在您的企业微信里，转发后医生才会收到" in client.get("/rep/").text
    line.work()
    assert "/t/" in line.inbox("rep01")[-1]["text"]
    there = client.get(beside(line, "wang")).text
    assert "交给代表转发的内容" in there, "nobody knows yet whether the physician has it"
    card = next(m for m in line.inbox("rep01") if m["kind"] == "card")
    assert line.world.cards[card["task_id"]]["replaced"].startswith("已采用")


def test_a_refusal_from_the_list_is_recorded(line: Line, suggestion: Suggestion) -> None:
    client = enter(line, "rep01")
    send(client, f"/rep/suggestions/{suggestion.id}/refuse_reason", reason="timing")
    with line.parts.db.reading() as session:
        row = session.get_one(Suggestion, suggestion.id)
        assert (row.state, row.refusal) == (State.REFUSED, "timing")


@pytest.mark.parametrize("reason", ["not_mine", "other", "content"])
def test_a_refusal_is_taken_back_with_what_followed_from_it(
    line: Line, suggestion: Suggestion, reason: str
) -> None:
    client, path = enter(line, "rep01"), f"/rep/suggestions/{suggestion.id}"
    told = send(client, f"{path}/refuse_reason", reason=reason, note="这个月别再发房颤")
    assert "您写的意见市场部会看到" in told.text, "whichever button was tapped beside the words"
    with line.parts.db.reading() as session:
        assert feedback.rules.count_proposed(session) == 1
    assert "撤回，重新处理" in told.text
    assert "已撤回" in send(client, f"{path}/reopen").text
    with line.parts.db.reading() as session:
        row = session.get_one(Suggestion, suggestion.id)
        assert (row.state, row.refusal, row.hidden_until) == (State.DELIVERED, None, None)
        assert feedback.claims.count_open(session) == 0
        assert not feedback.rules.listing(session)
    stale = {"csrf_token": re.findall(r'name="csrf_token" value="([^"]+)"', told.text)[0]}
    send(client, f"{path}/adopt")
    for late, said in (("reopen", "已有别的结果"), ("refuse_reason", "之前已采用")):
        assert said in client.post(f"{path}/{late}", data=stale, follow_redirects=True).text
    with line.parts.db.reading() as session:
        assert session.get_one(Suggestion, suggestion.id).state == State.ADOPTED


def test_what_somebody_has_decided_is_not_taken_back(line: Line, suggestion: Suggestion) -> None:
    client, path = enter(line, "rep01"), f"/rep/suggestions/{suggestion.id}"
    send(client, f"{path}/refuse_reason", reason="other", note="这个月别再发房颤")
    with line.parts.db.transaction() as session:
        (rule,) = feedback.rules.listing(session)
        feedback.rules.reject(session, rule.id, by="user:1", reason="不采纳", now=line.clock())
    assert "市场部已经处理" in send(client, f"{path}/reopen").text
    line.clock.tick(minutes=1)
    send(client, f"{path}/refuse_reason", reason="not_mine")
    with line.parts.db.transaction() as session:
        (claim,) = feedback.claims.listing(session)
        feedback.claims.decide(
            session, claim.id, ClaimState.REMOVED, by="user:1", reason="已交接", now=line.clock()
        )
    assert "已经核实" in send(client, f"{path}/reopen").text
    with line.parts.db.reading() as session:
        assert session.get_one(Suggestion, suggestion.id).state == State.REFUSED


def test_a_second_answer_leaves_nothing_of_the_first(line: Line, suggestion: Suggestion) -> None:
    client, path = enter(line, "rep01"), f"/rep/suggestions/{suggestion.id}"
    send(client, f"{path}/refuse_reason", reason="discussed")
    told = send(client, f"{path}/later", page=beside(line, "wang"), when="next_week").text
    assert re.search(r"好的，\d+月\d+日 周. 再提醒", told)
    with line.parts.db.reading() as session:
        row = session.get_one(Suggestion, suggestion.id)
        assert (row.state, row.refusal) == (State.LATER, None)


def test_what_was_postponed_and_is_long_due_is_history(line: Line, suggestion: Suggestion) -> None:
    client, path = enter(line, "rep01"), f"/rep/suggestions/{suggestion.id}"
    send(client, f"{path}/later", when="next_week")
    for shown in (True, False):
        line.clock.tick(days=11)
        assert (f'action="{path}/adopt"' in client.get(beside(line, "wang")).text) is shown


def test_another_reps_suggestion_does_not_exist(line: Line, suggestion: Suggestion) -> None:
    client = enter(line, "rep02")
    assert "王某某" not in client.get("/rep/").text
    enter_token = client.get("/rep/").status_code
    assert enter_token == 200
    assert client.post(f"/rep/suggestions/{suggestion.id}/adopt").status_code in (400, 404)
    with line.parts.db.reading() as session:
        assert session.get_one(Suggestion, suggestion.id).state == State.DELIVERED


def test_a_login_needs_the_sessions_own_state(line: Line, suggestion: Suggestion) -> None:
    client: FlaskClient = line.web.application.test_client()
    there = client.get("/rep/").headers["Location"].split("#")[0]
    back = httpx.get(f"{there}&as=rep01").headers["Location"]
    query = parse_qs(urlsplit(back).query)
    code, state = query["code"][0], query["state"][0]
    assert client.get(f"/rep/login?code={code}&state={'0' * 32}").status_code == 403
    assert client.get(f"/rep/login?code={code}&state={state}").status_code == 403
    assert line.web.application.test_client().get(f"/rep/login?code={code}").status_code == 403


def test_the_phone_may_change_hands(line: Line, suggestion: Suggestion) -> None:
    client = enter(line, "rep01")
    assert client.get("/rep/").status_code == 200
    again = client.get("/rep/?login=again")
    assert again.status_code == 302
    assert "/connect/oauth2/authorize" in again.headers["Location"]


def test_a_failed_login_says_what_to_do(line: Line) -> None:
    client: FlaskClient = line.web.application.test_client()
    page = client.get("/rep/login?code=1&state=2")
    assert page.status_code == 403
    assert "请从企业微信里重新打开" in page.text
    assert 'href="/rep/?login=again"' in page.text


def beside(line: Line, person: str) -> str:
    return f"/rep/sidebar?external_userid={line.person(person).external_userid}"


def test_the_sidebar_shows_only_whom_this_rep_follows(line: Line, suggestion: Suggestion) -> None:
    client = enter(line, "rep01")
    page = client.get(beside(line, "wang")).text
    for text in ("王某某", "房颤", "房颤抗凝新进展", "添加了代表", "可以联系", "7 天内还可 2 次"):
        assert text in page
    for other in (beside(line, "li"), "/rep/sidebar?external_userid=", "/rep/sidebar"):
        answer = client.get(other)
        assert answer.status_code == 404
        assert "不在您的客户里" in answer.text
        assert "李某某" not in answer.text


def test_the_login_leads_back_to_where_the_rep_wanted_to_go(
    line: Line, suggestion: Suggestion
) -> None:
    for page in (beside(line, "wang"), "/rep/meetings"):
        client: FlaskClient = line.web.application.test_client()
        there = client.get(page).headers["Location"].split("#")[0]
        split = urlsplit(httpx.get(f"{there}&as=rep01").headers["Location"])
        answer = client.get(f"{split.path}?{split.query}")
        assert answer.headers["Location"].endswith(page)


@pytest.mark.parametrize(
    ("key", "state"), [("later", State.LATER), ("refuse_reason", State.REFUSED)]
)
def test_an_answer_in_the_sidebar_comes_back_to_it(
    line: Line, suggestion: Suggestion, key: str, state: State
) -> None:
    client = enter(line, "rep01")
    where = beside(line, "wang")
    token = line.person("wang").external_userid
    told = send(
        client, f"/rep/suggestions/{suggestion.id}/{key}", where, beside=token, reason="timing"
    )
    assert told.request.full_path.endswith(where)
    with line.parts.db.reading() as session:
        assert session.get_one(Suggestion, suggestion.id).state == state


def test_a_topic_of_the_sidebar_goes_the_way_of_a_suggestion(
    line: Line, suggestion: Suggestion
) -> None:
    fresh = publish(line, "房颤患者的随访", ["af"])
    other = publish(line, "肺癌与基因检测", ["nsclc"])
    client, where = enter(line, "rep01"), beside(line, "wang")
    page = client.get(where).text
    topics = page[page.index("现在可以聊什么") : page.index("最近")]
    assert "房颤患者的随访" in topics
    assert "企微标签「房颤」（今天）" in topics
    assert "房颤抗凝新进展" not in topics, "it is suggested above already"
    assert "肺癌与基因检测" not in topics
    me = line.person("wang").external_userid
    told = send(client, f"/rep/sidebar/topics/{fresh.id}", where, beside=me)
    assert "已采用" in told.text
    assert "7 天内还可 1 次" in told.text
    line.work()
    text = line.inbox("rep01")[-1]["text"]
    assert "《房颤患者的随访》" in text
    assert "/t/" in text
    send(client, f"/rep/sidebar/topics/{other.id}", where, beside=me)
    send(client, f"/rep/sidebar/topics/{fresh.id}", where, beside=me)
    line.work()
    assert line.inbox("rep01")[-1]["text"] == text, "neither what does not fit nor twice"


@ONE_DATABASE
def test_the_sidebar_says_until_when_nothing_is_suggested(
    line: Line, suggestion: Suggestion
) -> None:
    fresh = publish(line, "房颤患者的随访", ["af"])
    with line.parts.db.transaction() as session:
        decision = session.scalars(select(Decision)).one()
        decision.held, decision.holdout, decision.day = True, 0.2, date(2026, 11, 20)
    client, where = enter(line, "rep01"), beside(line, "wang")
    assert "到 12月3日 周四（含当天）为止除安全性信息外不推荐内容" in client.get(where).text
    english = client.get(where, headers={"Accept-Language": "en"}).text
    assert "in the holdout up to and including Thu 3 Dec" in english
    me = line.person("wang").external_userid
    told = send(client, f"/rep/sidebar/topics/{fresh.id}", where, beside=me).text
    assert "这份内容没有发出" in told
    notice = publish(line, "召回通知", ["af"], purpose="safety")
    page = client.get(where).text
    topics = page[page.index("现在可以聊什么") :]
    assert topics.index("（含当天）为止") < topics.index("安全性信息</span> 《召回通知》")
    told = send(client, f"/rep/sidebar/topics/{notice.id}", where, beside=me).text
    assert "已采用" in told
    assert "安全性信息</span> 《召回通知》" in told
    assert "安全性信息</span> 《召回通知》" in client.get("/rep/").text
    with line.parts.db.transaction() as session:
        content.withdraw(session, notice.id, reason="示例", now=line.clock())
    told = send(client, f"/rep/sidebar/topics/{notice.id}", where, beside=me).text
    assert "刚刚发过或已下线" in told, "that is not the holdout's doing"
    line.clock.tick(days=10)
    assert "为止除安全性" not in client.get(where).text


def test_a_card_says_that_it_is_a_safety_notice_where_that_cuts_nothing_away() -> None:
    who, row = Physician(name="王某某", title="主任医师"), Suggestion(id=1, position=1, reasons=[])
    for title, told in (("召回通知", "【安全性信息】召回通知"), ("长" * 25, "长" * 25)):
        version = ContentVersion(title=title, purpose=Purpose.SAFETY)
        made = card(row, who, version, total=1, list_url="http://yishu.test")
        assert made["main_title"]["title"] == f"王某某 主任医师：{told}"[:TITLE]


def test_nothing_can_be_taken_for_a_stranger(line: Line, suggestion: Suggestion) -> None:
    fresh = publish(line, "房颤患者的随访", ["af"])
    client = enter(line, "rep01")
    other = line.person("li").external_userid
    answer = send(client, f"/rep/sidebar/topics/{fresh.id}", beside(line, "wang"), beside=other)
    assert answer.status_code == 404
    with line.parts.db.reading() as session:
        assert [row.id for row in session.query(Suggestion)] == [suggestion.id]


def test_the_sidebar_says_why_not_and_from_when(line: Line, suggestion: Suggestion) -> None:
    versions = [publish(line, f"房颤随访之{n}", ["af"]) for n in "一二三"]
    client, where = enter(line, "rep01"), beside(line, "wang")
    me = line.person("wang").external_userid
    for version in versions[:2]:
        line.clock.tick(minutes=1)
        send(client, f"/rep/sidebar/topics/{version.id}", where, beside=me)
        line.work()
    page = client.get(where).text
    assert "现在不能联系" in page
    assert "7 天内已联系 2 次，达到上限" in page
    assert "12月1日 周二 12:" in page
    assert page.count("disabled") >= 2, "the buttons stay, grey"
    line.clock.tick(days=8)
    assert "可以联系" in client.get(where).text
    line.do("delete_contact", userid="rep01", person="wang", by="physician")
    assert client.get(where).status_code in (200, 404)
    assert "可以联系" not in client.get(where).text.replace("现在不能联系", "")


def test_a_card_answered_meanwhile_is_not_answered_again_by_the_page(
    line: Line, suggestion: Suggestion
) -> None:
    now = line.clock()
    with line.parts.db.transaction() as session:
        stale = session.get_one(Suggestion, suggestion.id)  # what the page has loaded
        others = update(Suggestion).values(state=State.ADOPTED)  # a worker commits the tap
        session.execute(others.execution_options(synchronize_session=False))
        assert stale.state == State.DELIVERED
        fact = CardAnswered(
            at=now, corp_id="wwtestcorp", agent_id="1000002", rep_userid="rep01",
            task_id=task_id(suggestion.id), key="adopt",
        )  # fmt: skip
        card_answered.apply(
            session, fact, card_answered.Prepared("http://here"), Received(0, now), now
        )
        sent = select(Dispatch).where(Dispatch.counts_as_contact.is_(True))
        assert session.scalars(sent).all() == []


def test_a_rep_who_left_sees_nothing_any_more(line: Line, suggestion: Suggestion) -> None:
    client = enter(line, "rep01")
    mine = line.person("wang").external_userid
    assert "王某某" in client.get(f"/rep/sidebar?external_userid={mine}").text
    with line.parts.db.transaction() as session:
        reps.leave(session, reps.get_rep(session, suggestion.rep_id), line.clock())
    for path in ("/rep/", f"/rep/sidebar?external_userid={mine}"):
        answer = client.get(path)
        assert answer.status_code == 302, path
        assert "王某某" not in answer.text
    assert send(client, f"/rep/suggestions/{suggestion.id}/adopt").status_code in (400, 404)
    with line.parts.db.reading() as session:
        assert session.get_one(Suggestion, suggestion.id).state == State.DELIVERED


def test_a_strange_state_is_refused_like_any_other(line: Line) -> None:
    client: FlaskClient = line.web.application.test_client()
    client.get("/rep/")
    assert client.get("/rep/login?code=1&state=状态").status_code == 403


def test_why_somebody_is_spared_is_told_to_a_rep_without_the_name_of_the_list(
    line: Line, suggestion: Suggestion
) -> None:
    client = enter(line, "rep01")
    spare(line, suggestion.identifier_id, "投诉过我司的医生")
    page = client.get(beside(line, "wang")).text
    assert "医生在排除名单里" in page
    told = send(client, f"/rep/suggestions/{suggestion.id}/adopt")
    line.work()
    texts = [page, told.text, *(str(message) for message in line.inbox("rep01"))]
    assert "医生在排除名单里" in texts[-1]
    assert not [text for text in texts if "投诉" in text]
