"""The console: every page for every role, and the work that people do there."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from app import accounts, campaigns, consent, content, delivery, identity, links, reps
from app.accounts.models import AuditEntry, Role
from app.content import ContentVersion
from app.delivery import Dispatch
from app.web.policy import policy_of
from tests.scenarios.conftest import Line, publish, spare
from tests.scenarios.test_content_page import one_id
from tests.segments.test_index import ONE_DATABASE
from workers.sweeping import begin_versions

PASSWORD = "a-long-password"
PAGES = (
    "/console/", "/console/physicians/", "/console/tags/", "/console/segments/", "/console/segments/overlap", "/console/segments/lists",
    "/console/contents/", "/console/campaigns/", "/console/insights/", "/console/governance/",
    "/console/governance/sends", "/console/governance/limits", "/console/governance/reps",
    "/console/governance/judgements", "/console/governance/desk", "/console/governance/operations", "/console/governance/completeness", "/console/governance/users", "/console/governance/audit",
    "/console/governance/channels", "/console/contents/new",
    "/console/campaigns/new", "/console/password",
)  # fmt: skip


class Browser:
    """A person with a session, who fills in forms."""

    def __init__(self, line: Line) -> None:
        self.client: FlaskClient = line.web.application.test_client()

    def get(self, path: str) -> Any:
        return self.client.get(path)

    def send(self, page: str, path: str, **fields: Any) -> Any:
        """Post a form found on `page`, with its token."""
        token = re.search(r'name="csrf_token" value="([^"]+)"', self.get(page).text)
        assert token, page
        data = {"csrf_token": token.group(1), **fields}
        return self.client.post(path, data=data, follow_redirects=True)

    def login(self, name: str, password: str = PASSWORD, **more: str) -> Any:
        return self.send("/console/login", "/console/login", login=name, password=password, **more)


@pytest.fixture
def people(line: Line) -> dict[str, Browser]:
    """A logged-in person of each role; the rep is rep01."""
    line.do("add_contact", userid="rep01", person="wang")
    line.do("add_contact", userid="rep02", person="li")
    with line.parts.db.transaction() as session:
        rep = reps.find_rep(session, "wwtestcorp", "rep01")
        assert rep
        for role in Role:
            accounts.create_user(
                session, role.value, name=f"{role.value} 示例", password=PASSWORD, role=role,
                rep_id=rep.id if role is Role.REP else None, now=line.clock(),
            )  # fmt: skip
    found = {}
    for role in Role:
        found[role.value] = Browser(line)
        assert found[role.value].login(role.value).status_code == 200
    return found


def test_every_page_opens_for_whom_it_is_meant_and_for_nobody_else(
    line: Line, people: dict[str, Browser]
) -> None:
    app = line.web.application
    for path in PAGES:
        endpoint = app.url_map.bind("").match(path)[0]
        policy = policy_of(app, endpoint)
        assert policy is not None
        for role, browser in people.items():
            answer = browser.get(path)
            expected = 200 if Role(role) in policy.roles else 403
            assert answer.status_code == expected, (path, role)
            assert "<script>" not in answer.text
        assert line.web.get(path).status_code == 302


def test_a_wrong_password_and_an_unknown_login_sound_alike(line: Line) -> None:
    browser = Browser(line)
    told = [browser.login(name, "wrong-password") for name in ("admin", "nobody")]
    assert [answer.status_code for answer in told] == [401, 401]
    assert all("登录名或密码不正确" in answer.text for answer in told)


def test_guessing_is_slowed_down(line: Line, people: dict[str, Browser]) -> None:
    browser = Browser(line)
    answers = [browser.login("marketer", "wrong-password") for _ in range(12)]
    slowed = next(answer.text for answer in answers if answer.status_code == 429)
    assert "请等一分钟后再试" in slowed
    assert "per 1 minute" not in slowed


def test_after_the_login_nobody_is_sent_elsewhere(line: Line, people: dict[str, Browser]) -> None:
    for target in ("//evil.example", "https://evil.example/console/", "/\\evil.example"):
        browser = Browser(line)
        data = browser.send(
            "/console/login", "/console/login", login="admin", password=PASSWORD, next=target
        )
        assert data.request.path == "/console/"


def test_forms_without_their_token_are_refused(line: Line, people: dict[str, Browser]) -> None:
    answer = people["admin"].client.post("/console/tags/", data={"name": "x", "key": "x"})
    assert answer.status_code == 400


def test_a_rep_sees_only_the_own_physicians(line: Line, people: dict[str, Browser]) -> None:
    listed = people["rep"].get("/console/physicians/").text
    assert "王某某" in listed
    assert "李某某" not in listed
    mine = one_id(line)
    assert people["rep"].get(f"/console/physicians/{mine}").status_code == 200
    other = line.api_says(q="李某某")["items"][0]["one_id"]
    assert people["rep"].get(f"/console/physicians/{other}").status_code == 404
    assert people["admin"].get(f"/console/physicians/{other}").status_code == 200
    assert "没有找到" in people["rep"].get("/console/physicians/?q=李某某").text


def test_staff_read_which_list_spares_a_physician(line: Line, people: dict[str, Browser]) -> None:
    where = f"/console/physicians/{one_id(line)}"
    with line.parts.db.reading() as session:
        person = identity.get_physician(session, one_id(line))
        assert person.anchor_id is not None
    spare(line, person.anchor_id, "投诉过我司的医生")
    assert "医生在排除名单里：投诉过我司的医生" in people["marketer"].get(where).text
    seen = people["rep"].get(where).text
    assert "医生在排除名单里" in seen
    assert "投诉" not in seen
    english = {"Accept-Language": "en"}
    assert "投诉" in people["marketer"].client.get(where, headers=english).text
    assert "投诉" not in people["rep"].client.get(where, headers=english).text


def test_the_physician_page_says_who_why_and_what(line: Line, people: dict[str, Browser]) -> None:
    line.do("edit_contact", userid="rep01", person="wang", tag_ids=["et1"], phones=["19912345678"])
    line.do("follow", person="wang")
    page = people["marketer"].get(f"/console/physicians/{one_id(line)}").text
    for text in ("王某某", "企业微信联系人", "公众号粉丝", "手机号", "房颤", "添加了代表", "关注了公众号",
                 "同时出现", "可联系", "rep01"):  # fmt: skip
        assert text in page, text
    assert "19912345678" not in page


def test_content_is_written_by_one_and_approved_by_another(
    line: Line, people: dict[str, Browser]
) -> None:
    writer, reviewer = people["marketer"], people["reviewer"]
    with line.parts.db.reading() as session:
        from app import tagging

        tag = tagging.by_key(session, "af")
        assert tag
    form = {"title": "新内容", "summary": "摘要", "body": "治愈率很高", "kind": "article",
            "purpose": "safety"}  # fmt: skip
    made = writer.send("/console/contents/new", "/console/contents/new", **form, tags=str(tag.id))
    assert "合规提示" in made.text
    path = made.request.path
    assert "安全性信息" in made.text
    assert "安全性信息" in reviewer.get("/console/contents/").text
    assert "待审批" in writer.send(path, f"{path}/submit").text
    asked = reviewer.get(path).text
    assert re.search(r'name="valid_until"[^>]* min="\d{4}-', asked), "asked for before it is sent"
    assert re.search(r'id="back-note" name="note"[^>]* required', asked)
    assert reviewer.send(path, f"{path}/approve", approval_no="").status_code in (200, 400)
    approval = {"approval_no": "示例 2", "valid_from": "2026-11-01", "valid_until": "2027-11-01"}
    assert writer.send(path, f"{path}/approve", **approval).status_code == 403
    done = reviewer.send(path, f"{path}/approve", **approval)
    assert "已批准" in done.text
    with line.parts.db.reading() as session:
        trail = accounts.audit_trail(session, "content", content.listing(session)[0].content_id)
        said = {entry.action: entry.detail.get("purpose") for entry in trail}
        assert said["content.submitted"] == said["content.approved"] == "safety"
    without = {name: text for name, text in form.items() if name != "purpose"}
    kept = writer.send(f"{path}/edit", f"{path}/edit", **without, tags=str(tag.id))
    assert "用途变了" not in kept.text, "a form that does not ask for it changes nothing"
    changed = writer.send(f"{path}/edit", f"{path}/edit", **without, purpose="usual")
    assert "用途变了：这一版是“一般内容”，已批准的第 1 版是“安全性信息或召回通知”" in changed.text
    gone = reviewer.send(path, f"{path}/withdraw", reason="说明书更新")
    assert "已撤回" in gone.text


@ONE_DATABASE
def test_pages_say_which_version_goes_until_when(line: Line, people: dict[str, Browser]) -> None:
    old, reviewer = publish(line, "房颤抗凝新进展", ["af"]), people["reviewer"]
    with line.parts.db.transaction() as session:
        new = content.edit(
            session, old.id, author="user:1", fields={"title": "房颤抗凝（更正）"},
            tags=content.tags_of(session, old.id), now=line.clock(),
        )  # fmt: skip
        content.submit(session, new.id, now=line.clock())
        push = campaigns.create(
            session, name="房颤月", content_id=old.content_id, expression="企微好友",
            way="suggestion", at=None, cron="5 10 1 3 *", author="user:1", now=line.clock(),
        )  # fmt: skip
        link = links.create_link(session, old.id, channel="wecom", now=line.clock())
    path, pushed = f"/console/contents/{new.id}", f"/console/campaigns/{push.id}"
    approval = {"approval_no": "2", "valid_from": "2026-11-30", "valid_until": "2027-11-01"}
    assert "到下次执行（2027年3月1日 周一 10:05）时，内容不在有效期内" in reviewer.get(pushed).text
    done = reviewer.send(path, f"{path}/approve", **approval).text
    assert "不在有效期内" not in reviewer.get(pushed).text
    assert "第 2 版 · 2 · 有效期 11月30日 至 2027年11月1日" in done
    over = "用到 11月30日 周一 00:00，之后由第 2 版替换"
    shown = reviewer.get(f"/console/contents/{old.id}").text
    assert over in shown
    assert "第 2 版仍会在 11月30日 周一 00:00 生效。" in shown, "whoever withdraws the old one"
    assert "11月30日 起生效" in reviewer.get("/console/contents/").text
    with line.parts.db.transaction() as session:
        third = content.edit(
            session, old.id, author="user:1", fields={"title": "房颤抗凝（再更正）"},
            tags=content.tags_of(session, old.id), now=line.clock(),
        )  # fmt: skip
        content.submit(session, third.id, now=line.clock())
        session.get_one(ContentVersion, old.id).valid_until = line.clock() + timedelta(days=1)
    asked = reviewer.get(f"/console/contents/{third.id}").text
    assert "不晚于 11月30日 时，等待生效的第 2 版会撤回。" in asked
    gap = "第 2 版到 11月30日 周一 00:00 才生效，在那之前会有一段时间没有可用的版本"
    assert gap in reviewer.get(f"/console/contents/{old.id}").text
    assert gap in reviewer.get(pushed).text
    with line.parts.db.transaction() as session:
        session.get_one(ContentVersion, old.id).valid_until = old.valid_until
    assert over in reviewer.get(pushed).text
    assert people["marketer"].get("/console/campaigns/new").text.count("房颤抗凝") == 1
    assert line.web.get(f"/t/{link.token}").status_code == 200
    line.clock.now = datetime(2026, 11, 29, 16, tzinfo=UTC)
    assert "《房颤抗凝（更正）》" in line.web.get(f"/t/{link.token}").text, "at once"
    assert begin_versions(line.parts) == 1
    assert begin_versions(line.parts) == 0
    assert "由第 2 版替换" in reviewer.get(f"/console/contents/{old.id}").text
    assert "《房颤抗凝（更正）》" in line.web.get(f"/t/{link.token}").text
    assert "房颤抗凝（更正）" in reviewer.get(pushed).text
    with line.parts.db.transaction() as session:
        link = links.create_link(session, new.id, channel="wecom", now=line.clock())
    assert "有效期至 2027年11月1日" in line.web.get(f"/t/{link.token}").text, "the last day"


def test_an_admin_cannot_approve_the_own_content(line: Line, people: dict[str, Browser]) -> None:
    with line.parts.db.transaction() as session:
        from app import tagging

        user = accounts.user_by_login(session, "admin")
        tag = tagging.by_key(session, "af")
        assert user
        assert tag
        version = content.draft(
            session, author=f"user:{user.id}", fields={"title": "x", "body": "y"},
            tags={tag.id: 1.0}, now=line.clock(),
        )  # fmt: skip
        content.submit(session, version.id, now=line.clock())
    page = f"/console/contents/{version.id}"
    approval = {"approval_no": "1", "valid_from": "2026-11-01", "valid_until": "2027-11-01"}
    assert "不能审批自己的内容" in people["admin"].send(page, f"{page}/approve", **approval).text


def test_a_push_is_planned_run_and_counted(line: Line, people: dict[str, Browser]) -> None:
    version = publish(line, "房颤抗凝新进展", ["af"])
    marketer = people["marketer"]
    count = marketer.get("/console/segments/count?expression=企微好友").text
    assert "王某某" in count
    assert "第" in marketer.get("/console/segments/count?expression=标签:房颤 且").text
    why = marketer.get("/console/segments/why?who=王某某&expression=企微好友 且 非 标签:肺癌").text
    assert ("不在人群中" in why, "在人群中" in why, why.count("✓")) == (False, True, 3)
    assert "没有这个标签" not in why
    wrong = marketer.send(
        "/console/campaigns/new", "/console/campaigns/new", name="x", expression="房颤",
        content_id=str(version.content_id),
    )  # fmt: skip
    assert "标签要写成" in wrong.text
    made = marketer.send(
        "/console/campaigns/new", "/console/campaigns/new", name="房颤月",
        expression="企微好友", content_id=str(version.content_id), way="suggestion",
    )  # fmt: skip
    path = made.request.path
    ran = marketer.send(path, f"{path}/run")
    assert "已执行" in ran.text
    line.clock.tick(minutes=3)
    line.work()
    assert any(m["kind"] == "card" for m in line.inbox("rep01"))
    assert "内容没有发出，也不会自动补发" not in marketer.get(path).text
    with line.parts.db.transaction() as session:
        for card in session.scalars(select(Dispatch).where(Dispatch.campaign_id.is_not(None))):
            card.state, card.error = delivery.State.CANCELLED, "代表已离职或停用"
    assert "位医生的代表已离职、停用或不再是好友，内容没有发出" in marketer.get(path).text
    assert "已暂停" in marketer.send(path, f"{path}/pause").text


def test_a_code_is_made_and_tags_who_comes_through_it(
    line: Line, people: dict[str, Browser]
) -> None:
    page = "/console/governance/channels"
    form = {"name": "高血压海报", "kind": "oa", "scene": "poster-bp", "tags": "hypertension"}
    made = people["marketer"].send(page, page, **form, welcome_text="欢迎来到展台")
    assert "data:image/svg" in made.text
    assert "已经使用" in people["marketer"].send(page, page, **form).text
    line.do("follow", person="li", scene="poster-bp")
    assert "欢迎来到展台" in line.person("li").oa_chat[-1]["text"]
    found = line.api_says(kind="openid", namespace="wxtestaccount", value=line.person("li").openid)
    assert {tag["name"] for tag in found["items"][0]["tags"]} >= {"高血压"}
    assert "已更新" in people["marketer"].send(page, f"{page}/menu").text
    assert line.world.menu[0]["key"] == "recommended"


def test_a_dead_letter_is_explained_and_replayed(line: Line, people: dict[str, Browser]) -> None:
    line.world.trouble = {"errcodes": {"externalcontact/get": {"errcode": 40058, "times": 9}}}
    line.do("edit_contact", userid="rep01", person="wang", remark="王主任")
    line.world.trouble = {}
    admin = people["admin"]
    listed = admin.get("/console/governance/?state=dead").text
    assert "errcode 40058" in listed
    assert "edit_external_contact" in listed
    admin.send("/console/governance/?state=dead", "/console/governance/inbox/replay", state="dead")
    line.work()
    assert "死信 0" in admin.get("/console/governance/").text
    assert "记录完整" in admin.get("/console/governance/audit").text
    first = admin.get("/console/governance/audit?before=2").text
    assert first.count("<code>user.") == 1


def test_an_event_is_given_up_with_a_reason_and_found_again(
    line: Line, people: dict[str, Browser]
) -> None:
    line.world.trouble = {"errcodes": {"externalcontact/get": {"errcode": 40058, "times": 9}}}
    line.do("edit_contact", userid="rep01", person="wang", remark="王主任")
    line.world.trouble = {}
    admin, duty = people["admin"], "/console/governance/operations"
    error = re.search(r'name="error" value="([^"]+)"', admin.get(duty).text)
    assert error
    assert (
        admin.send(duty, f"{duty}/drop", error=unescape(error.group(1)), why=" ").status_code == 409
    )
    gone = admin.send(duty, f"{duty}/drop", error=unescape(error.group(1)), why="测试数据")
    assert "已放弃 " in gone.text
    assert 'id="dead"' not in gone.text
    listed = admin.get("/console/governance/?state=dropped").text
    assert "已放弃：测试数据（" in listed
    event = re.search(r"/console/governance/inbox/(\d+)", listed)
    assert event
    admin.send(event.group(), "/console/governance/inbox/replay", id=event.group(1))
    line.work()
    assert "死信 0" in admin.get("/console/governance/").text


def test_a_changed_password_ends_other_sessions(line: Line, people: dict[str, Browser]) -> None:
    other = Browser(line)
    other.login("reviewer")
    fields = {"current": PASSWORD, "new": "another-password", "again": "another-password"}
    people["reviewer"].send("/console/password", "/console/password", **fields)
    assert people["reviewer"].get("/console/").status_code == 200
    assert other.get("/console/").status_code == 302


@ONE_DATABASE
def test_no_rep_is_woken_by_the_daily_list(line: Line, people: dict[str, Browser]) -> None:
    path, marketer = "/console/governance/reps", people["marketer"]
    with line.parts.db.reading() as session:
        rep = reps.active_reps(session)[0]
    told = marketer.send(path, path, id=rep.id, daily_at="03:00", daily_limit=3).text
    assert "每日建议的时间请选在 07:00 到 20:00 之间" in told
    told = marketer.send(path, path, id=rep.id, daily_at="08:30", daily_limit=25).text
    assert "每日建议的数量：请选 0 到 20" in told
    with line.parts.db.transaction() as session:
        saved = reps.get_rep(session, rep.id)
        saved.daily_at_minute, saved.daily_limit = 6 * 60, 30  # from before there were bounds
    told = marketer.send(
        path, path, id=rep.id, daily_at="06:00", daily_limit=30, prefers_group_task="on"
    ).text
    assert "已保存" in told
    with line.parts.db.reading() as session:
        saved = reps.get_rep(session, rep.id)
        now = (saved.daily_at_minute, saved.daily_limit, saved.prefers_group_task)
        assert now == (360, 30, True)


@ONE_DATABASE
def test_the_record_says_which_limits_held_from_when(
    line: Line, people: dict[str, Browser]
) -> None:
    path = "/console/governance/limits"
    people["admin"].send(path, path, cap_contacts=5, cap_days=7, quiet_from="22:00")
    with line.parts.db.reading() as session:
        newest = select(AuditEntry).order_by(AuditEntry.id.desc()).limit(1)
        entry = session.scalars(newest).one()
    assert (entry.action, entry.detail["cap_contacts"]) == ("limits.changed", 5)
    assert (entry.detail["cap_days"], entry.detail["quiet_from_minute"]) == (7, 22 * 60)
    for fields, said in (
        ({"cap_contacts": "99999999999"}, "每位医生最多联系次数：请选 0 到 50 的整数"),
        ({"cap_contacts": "-1"}, "请选 0 到 50 的整数"),
        ({"cap_contacts": "4", "cap_days": "0"}, "在多少天内：请选 1 到 365 的整数"),
        ({"quiet_from": ""}, "请填写时间"),
    ):
        assert said in people["admin"].send(path, path, **fields).text
    with line.parts.db.reading() as session:
        assert consent.rules(session).cap_contacts == 5


def test_names_that_outsiders_choose_cannot_run(line: Line, people: dict[str, Browser]) -> None:
    line.world.persons["wang"].name = '<img src=x onerror=alert(1)>"autofocus onfocus='
    line.do("edit_contact", userid="rep01", person="wang")
    for path in ("/console/physicians/", f"/console/physicians/{one_id(line)}"):
        assert "<img src=x" not in people["admin"].get(path).text


def test_pages_speak_the_language_that_is_asked_for(line: Line) -> None:
    english = line.web.get("/console/login", headers={"Accept-Language": "en-GB,en;q=0.9"}).text
    assert "Log in" in english
    assert not re.search("[\u4e00-\u9fff]", english.replace(">中文</a>", ""))
    chinese = line.web.get("/console/login", headers={"Accept-Language": "zh-CN"}).text
    assert "登录名" in chinese
    line.web.get("/console/login?lang=en")
    assert "Log in" in line.web.get("/console/login", headers={"Accept-Language": "zh-CN"}).text


def test_a_rep_who_left_is_out_at_once(line: Line, people: dict[str, Browser]) -> None:
    rep = people["rep"]
    assert rep.get("/console/physicians/").status_code == 200
    with line.parts.db.transaction() as session:
        who = reps.find_rep(session, "wwtestcorp", "rep01")
        assert who
        reps.leave(session, who, line.clock())
    assert rep.get("/console/physicians/").status_code == 302
    assert rep.login("rep").status_code == 401
