"""With English asked for, no page of the product shows Chinese except what people typed in."""

from __future__ import annotations

import re
from datetime import timedelta
from html import unescape

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from app import accounts, consent, content, links, tagging
from app.accounts.models import Role
from app.consent import Action
from app.identity import Identifier
from app.reps import RepContact
from app.tagging import Source
from app.tagging.models import Tag, TagCategory
from app.web.console.segments.editor import EXAMPLES
from launcher import assets
from tests.scenarios import conftest
from tests.scenarios.conftest import Line, publish
from tests.scenarios.test_console import PAGES, PASSWORD, Browser
from tests.scenarios.test_main_line import suggest
from tests.scenarios.test_rep_page import enter

CHINESE = re.compile(r"[\u3001-\u303f\u4e00-\u9fff\uff00-\uffef]+")
MEANT = re.compile(  # the switch, the logo, data, and a message as it will be sent
    r'<a [^>]*lang="zh"[^>]*>中文</a>|>枢<|示例批准|<div class="specimen" lang="zh-CN">.*?</div>',
    re.S,
)
CODE = re.compile(r"<script.*?</script>", re.S)
AUDIENCE_LANGUAGE = set(
    CHINESE.findall(
        " ".join(EXAMPLES) + " 标签 专科 医院 科室 职称 城市 省份 代表 关注公众号 全部 或"
    )
)
ENGLISH = {"Accept-Language": "en"}
LATIN = {  # invented
    "members": [{"userid": "rep01", "name": "Rep One"}],
    "persons": [{"key": "wang", "name": "Doctor Example", "unionid": "oUwang", "phone": "19912345678"}],
    "corp_tags": [],
}  # fmt: skip


def chinese_in(page: str) -> set[str]:
    return set(CHINESE.findall(unescape(CODE.sub("", MEANT.sub("", page))))) - AUDIENCE_LANGUAGE


@pytest.fixture
def latin_people(monkeypatch: pytest.MonkeyPatch) -> None:
    assets.compile_catalogues()
    monkeypatch.setattr(conftest, "PEOPLE", LATIN)


@pytest.fixture
def latin(latin_people: None, line: Line) -> Line:
    """A line in which nobody has typed Chinese."""
    with line.parts.db.transaction() as session:
        _in_latin(session)
        accounts.create_user(
            session, "admin", name="Example", password=PASSWORD, role=Role.ADMIN,
            rep_id=None, now=line.clock(),
        )  # fmt: skip
    return line


def _in_latin(session: Session) -> None:
    for tag in session.scalars(select(Tag)):
        tag.name, tag.meaning = tag.key, ""
    for category in session.scalars(select(TagCategory)):
        category.name = category.key


def test_every_console_page(latin: Line) -> None:
    version = publish(latin, "A title", ["af"], summary="A summary", body="Text")
    latin.do("add_contact", userid="rep01", person="wang")
    browser = Browser(latin)
    browser.client.environ_base["HTTP_ACCEPT_LANGUAGE"] = "en"
    assert chinese_in(browser.get("/console/login").text) == set()
    assert chinese_in(browser.login("admin", "wrong-password").text) == set()
    browser.login("admin")
    one_id = latin.api_says()["items"][0]["one_id"]
    _mentioned_af(latin)
    (suggestion,) = suggest(latin)
    plan = f"/console/insights/plan/{suggestion.rep_id}"
    what_if = f"/console/physicians/{one_id}/what-if?ask={version.content_id}"
    made = browser.send(
        "/console/campaigns/new", "/console/campaigns/new", name="A push",
        expression="all", content_id=str(version.content_id), way="suggestion",
    )  # fmt: skip
    more = (
        f"/console/contents/{version.id}", f"/console/physicians/{one_id}", made.request.path,
        "/console/governance/inbox/1", "/console/segments/count?expression=all",
        plan, f"{plan}/left-out", f"{plan}/preview?day={latin.clock() + timedelta(days=3):%Y-%m-%d}", what_if,
        "/console/nowhere",
    )  # fmt: skip
    answers = {path: browser.get(path) for path in (*PAGES, *more)}
    assert [path for path, answer in answers.items() if answer.status_code != 200] == [more[-1]]
    found = {path: chinese_in(answer.text) for path, answer in answers.items()}
    assert {path: words for path, words in found.items() if words} == {}
    ran = browser.send(made.request.path, f"{made.request.path}/run")
    assert ran.status_code == 200
    assert chinese_in(ran.text) == set()
    with latin.parts.db.transaction() as session:
        consent.record(session, suggestion.identifier_id, action=Action.WITHDRAW, source="keyword",
                       at=latin.clock())  # fmt: skip
    shut = browser.get(what_if).text
    assert "may not be contacted now: Opted out" in shut
    assert chinese_in(shut) == set()
    _is_refused_in_english(browser)


def _is_refused_in_english(browser: Browser) -> None:
    """As the page of an error, as JSON, as a part of a page, and as what a page says above."""
    missing = browser.get("/console/tags/versions/999")
    assert (missing.status_code, "There is no version 999 of the vocabulary." in missing.text) == (
        404,
        True,
    )
    model = browser.get("/console/segments/model?expression=tag%3Anothing%20)")
    assert model.json["problem"] == "Near character 13: and, or, or the end is expected here"
    part = browser.get("/console/segments/count?expression=%3Cb%3E").text
    assert "Near character 1: “&lt;b&gt;” cannot be read" in part
    flashed = browser.send("/console/campaigns/new", "/console/campaigns/new", name="")
    assert "Give the push a name." in flashed.text
    for page in (missing.text, part, flashed.text):
        assert chinese_in(page) == set()


def test_what_a_rep_is_suggested_and_why(latin: Line) -> None:
    publish(latin, "A title", ["af"], summary="A summary", body="Text")
    latin.do("add_contact", userid="rep01", person="wang")
    _mentioned_af(latin)
    (made,) = suggest(latin)
    assert "主动提到「af」（今天）" in made.reasons, "as the card says it"
    rep = enter(latin, "rep01")
    rep.environ_base["HTTP_ACCEPT_LANGUAGE"] = "en"
    beside = f"/rep/sidebar?external_userid={latin.person('wang').external_userid}"
    for path in ("/rep/", beside):
        page = rep.get(path).text
        assert "Mentioned “af” (today) · Last contact today · Contact cap: " in page, path
        assert chinese_in(page) == set(), path


def _mentioned_af(latin: Line) -> None:
    with latin.parts.db.transaction() as session:
        row = session.scalars(select(Identifier).join(RepContact)).one()
        tag = tagging.by_key(session, "af")
        assert tag is not None
        tagging.assert_tag(session, row.id, tag.id, source=Source.MESSAGE, ref="inbox:1",
                           evidence="", at=latin.clock())  # fmt: skip


def test_what_a_physician_opens(latin: Line) -> None:
    version = publish(latin, "A title", ["af"], summary="A summary", body="Text")
    with latin.parts.db.transaction() as session:
        link = links.create_link(session, version.id, channel="wecom", now=latin.clock())
    latin.do("add_contact", userid="rep01", person="wang")
    _mentioned_af(latin)
    with latin.parts.db.transaction() as session:
        row = session.scalars(select(Identifier).join(RepContact)).one()
        own = links.create_own(session, row.id, latin.clock())
    paths = (
        f"/t/{link.token}", f"/t/{link.token}/why", f"/t/{link.token}/pause", "/t/" + "x" * 16,
        f"/me/{own}", f"/me/{own}/leave", "/me/" + "x" * 24,
    )  # fmt: skip
    for path in paths:
        page = latin.web.get(path, headers=ENGLISH)
        assert chinese_in(page.text) == set(), path
    with latin.parts.db.transaction() as session:
        content.withdraw(session, version.id, reason="Outdated", now=latin.clock())
    gone = latin.web.get(paths[0], headers=ENGLISH)
    assert gone.status_code == 410
    assert chinese_in(gone.text) == set()
