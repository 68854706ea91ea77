"""The tracked page: opened, read, measured, stopped, and clear when it is over."""

from __future__ import annotations

import re

import pytest
from sqlalchemy import select

from app import content, identity, journey, links
from app.flows.tagging import vocabulary
from app.identity import Id, Kind
from app.infra.errors import Refused
from app.journey import Happened
from app.links import PageView
from app.recommend import Suggestion
from app.tagging import editing
from tests.scenarios.conftest import Line, publish
from tests.scenarios.test_main_line import suggest, tag_names

CHROME = {"User-Agent": "Mozilla/5.0 MicroMessenger/8.0"}


@pytest.fixture
def token(line: Line) -> str:
    """The link that a rep got for Wang after adopting a suggestion."""
    publish(line, "房颤抗凝新进展", ["af", "anticoagulation"])
    line.do("add_contact", userid="rep01", person="wang")
    line.do("edit_contact", userid="rep01", person="wang", tag_ids=["et1"])
    suggest(line)
    card = next(m for m in line.inbox("rep01") if m["kind"] == "card")
    line.do("tap_card", task_id=card["task_id"], key="adopt")
    found = re.search(r"/t/([\w-]+)", line.inbox("rep01")[-1]["text"])
    assert found
    return found.group(1)


def one_id(line: Line) -> str:
    with line.parts.db.reading() as session:
        external = line.person("wang").external_userid
        row = identity.find(session, Id(Kind.WECOM_EXTERNAL_USERID, "wwtestcorp", external))
        assert row is not None
        return row.one_id


def happened(line: Line) -> list[Happened]:
    with line.parts.db.reading() as session:
        return [entry.kind for entry in journey.timeline(session, one_id(line))]


def read_for(line: Line, token: str, seconds: int, depth: int) -> int:
    page = line.web.get(f"/t/{token}", headers=CHROME).text
    visit = re.search(r'data-visit="([\w-]+)"', page)
    assert visit
    line.clock.tick(seconds=seconds)
    body = {"visit": visit.group(1), "visible_s": seconds, "depth_pct": depth}
    return line.web.post(f"/t/{token}/progress", json=body).status_code


def test_opening_and_reading_flow_back(line: Line, token: str) -> None:
    page = line.web.get(f"/t/{token}", headers=CHROME)
    assert page.status_code == 200
    for text in ("房颤抗凝新进展", "示例批准 2026-001", "仅供医疗卫生专业人士", "为什么推荐给我"):
        assert text in page.text
    assert Happened.CONTENT_OPENED in happened(line)
    assert Happened.CONTENT_READ not in happened(line)
    assert read_for(line, token, 40, 90) == 204
    assert Happened.CONTENT_READ in happened(line)
    assert "抗凝" in tag_names(line, one_id(line))
    with line.parts.db.reading() as session:
        assert session.scalars(select(Suggestion)).one().forwarded_at is not None


def test_a_short_look_is_not_reading(line: Line, token: str) -> None:
    assert read_for(line, token, 3, 95) == 204
    assert read_for(line, token, 60, 20) == 204
    assert Happened.CONTENT_READ not in happened(line)


def test_progress_never_exceeds_the_clock_and_never_shrinks(line: Line, token: str) -> None:
    page = line.web.get(f"/t/{token}", headers=CHROME).text
    visit = re.search(r'data-visit="([\w-]+)"', page).group(1)  # type: ignore[union-attr]
    for visible, depth in ((99999, 500), (1, 1)):
        body = {"visit": visit, "visible_s": visible, "depth_pct": depth}
        assert line.web.post(f"/t/{token}/progress", json=body).status_code == 204
    with line.parts.db.reading() as session:
        view = session.scalars(select(PageView)).one()
    assert view.visible_s <= 15
    assert view.depth_pct == 100


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"{", b'{"visit":"x"}', b'{"visit":"../../etc","visible_s":1,"depth_pct":1}'],
)
def test_bad_progress_is_refused(line: Line, token: str, body: bytes) -> None:
    assert line.web.post(f"/t/{token}/progress", data=body).status_code == 400


@pytest.mark.parametrize("agent", ["SomeBot/1.0", "Mozilla/5.0 wxwork/4.1 MicroMessenger"])
def test_robots_and_the_reps_own_preview_do_not_count(line: Line, token: str, agent: str) -> None:
    assert line.web.get(f"/t/{token}", headers={"User-Agent": agent}).status_code == 200
    assert line.web.head(f"/t/{token}", headers=CHROME).status_code == 200
    assert Happened.CONTENT_OPENED not in happened(line)


def test_withdrawn_content_is_gone_with_the_next_request(line: Line, token: str) -> None:
    with line.parts.db.transaction() as session:
        version = content.listing(session)[0]
        content.withdraw(session, version.id, reason="说明书更新", now=line.clock())
    page = line.web.get(f"/t/{token}", headers=CHROME)
    assert page.status_code == 410
    assert "已经下线" in page.text
    assert "正文" not in page.text


def test_expired_content_says_so(line: Line, token: str) -> None:
    line.clock.tick(days=100)
    page = line.web.get(f"/t/{token}", headers=CHROME)
    assert page.status_code == 410
    assert "已过期" in page.text


def test_an_unknown_token_is_404(line: Line, token: str) -> None:
    for other in ("x" * 16, "short", token[:-1] + ("A" if token[-1] != "A" else "B")):
        assert line.web.get(f"/t/{other}").status_code == 404


def test_stopping_is_as_easy_as_resuming(line: Line, token: str) -> None:
    asked = line.web.get(f"/t/{token}/pause").text
    assert "每周、每两周或每月最多一次" in asked, "less is not nothing"
    assert f'action="/t/{token}/me"' in asked
    line.web.post(f"/t/{token}/pause", data={"action": "stop"})
    assert "恢复推送" in line.web.get(f"/t/{token}/pause").text
    line.clock.tick(days=40)
    assert len(suggest(line)) == 1
    line.web.post(f"/t/{token}/pause", data={"action": "resume"})
    assert "停止推送" in line.web.get(f"/t/{token}/pause").text


def test_a_reader_can_call_the_rep_once_a_day(line: Line, token: str) -> None:
    before = len(line.inbox("rep01"))
    for _ in range(2):
        assert "尽快与您联系" in line.web.post(f"/t/{token}/rep").text
    line.work()
    assert [m["text"][:5] for m in line.inbox("rep01")[before:]] == ["【请联系】"]


def test_what_authors_write_cannot_run(line: Line) -> None:
    evil = "<script>alert(1)</script> [x](javascript:alert(1)) <img src=x onerror=alert(1)>"
    version = publish(
        line, "题目<script>", ["af"], body=evil + "正文" * 50, author_name="<b>甲</b>"
    )
    with line.parts.db.transaction() as session:
        link = links.create_link(session, version.id, channel="wecom", now=line.clock())
    page = line.web.get(f"/t/{link.token}", headers=CHROME).text
    body = page.split("</head>")[1]
    assert "<script>alert" not in body
    assert 'href="javascript:' not in body
    assert "<img" not in body
    assert "<b>甲" not in body


def test_a_link_content_names_its_host_and_must_be_https(line: Line) -> None:
    version = publish(line, "外部资料", ["af"], kind="link", url="https://example.org/a")
    with line.parts.db.transaction() as session:
        link = links.create_link(session, version.id, channel="wecom", now=line.clock())
    assert "example.org" in line.web.get(f"/t/{link.token}", headers=CHROME).text
    for url in ("http://example.org", "//evil", "https://a@b.example", "javascript:1"):
        fields = {"title": "x", "kind": "link", "url": url}
        with line.parts.db.transaction() as session, pytest.raises(Refused):
            content.draft(session, author="user:1", tags={}, now=line.clock(), fields=fields)


def test_an_edited_approval_is_void(line: Line, token: str) -> None:
    with line.parts.db.transaction() as session:
        content.listing(session)[0].body = "偷偷改过"
    assert line.web.get(f"/t/{token}", headers=CHROME).status_code == 410


def test_the_reader_sees_the_own_doing_as_the_reason(line: Line, token: str) -> None:
    assert read_for(line, token, 40, 90) == 204
    with line.parts.db.transaction() as session:
        row = session.scalars(select(Suggestion)).one()
        row.reasons = ["读过「抗凝」内容（昨天）", "CRM 记录关注「房颤」", "上次互动 昨天",
                       "读过《抗凝新知》的医生也常读这一篇"]  # fmt: skip
    page = line.web.get(f"/t/{token}/why", headers=CHROME).text
    assert "您读过「抗凝」内容" in page
    assert "抗凝新知" in page
    assert "昨天" not in page
    assert "CRM" not in page
    with line.parts.db.transaction() as session:
        vocabulary.edit(
            session, lambda d: editing.revised(d, "anticoagulation", {"sensitivity": "staff"}),
            actor="t", now=line.clock(),
        )  # fmt: skip
    page = line.web.get(f"/t/{token}/why", headers=CHROME).text
    assert "「抗凝」" not in page
    assert "抗凝新知" not in page
