"""What the phones page is made of; the browser test plays with it."""

from __future__ import annotations

import re
from pathlib import Path

import httpx
import pytest

from app.sandbox.phones import FILES
from tests.sandbox.fixtures import Sandbox

SCRIPTS = sorted(FILES.glob("*.js"))


def test_the_page_runs_only_its_own_scripts_and_frames_only_the_product(sandbox: Sandbox) -> None:
    answer = httpx.get(f"{sandbox.base}/", follow_redirects=True)
    policy = answer.headers["content-security-policy"]
    assert answer.url.path == "/phones/"
    assert "default-src 'none'; script-src 'self'; style-src 'self'" in policy
    assert policy.endswith("frame-src 'self' http://localhost:8000")
    assert not re.search(r"<script(?![^>]* src=)|\son[a-z]+=|\sstyle=", answer.text)


def test_its_files_are_cached_for_ever_under_the_name_of_their_content(sandbox: Sandbox) -> None:
    page = httpx.get(f"{sandbox.base}/phones/").text
    names = re.findall(r'(?:src|href)="(/phones/static/[^"]+)"', page)
    assert len(names) == 4
    for name in names:
        answer = httpx.get(sandbox.base + name)
        assert (answer.status_code, "immutable" in answer.headers["cache-control"]) == (200, True)
    old = re.sub(r"static/\w+/", "static/000/", names[0])
    assert httpx.get(sandbox.base + old).headers["cache-control"] == "no-store"
    for wrong in ("phones.html", "..%2Fconsole%2Fconsole.css", ".hidden"):
        assert httpx.get(f"{sandbox.base}/phones/static/000/{wrong}").status_code == 404


def test_the_view_shows_both_phones_and_costs_nothing_while_nothing_changes(
    sandbox: Sandbox,
) -> None:
    url = f"{sandbox.base}/phones/view"
    sandbox.add_contact(userid="rep01", person="wang")
    sandbox.chat(userid="rep01", person="wang", text="您好")
    first = httpx.get(url)
    view = first.json()
    assert (view["rep"]["userid"], view["person"]["key"]) == ("Rep01", "wang")
    assert view["rep"]["contacts"][0]["chat"] == view["person"]["reps"][0]["chat"]
    assert [(line["kind"], line["who"], line["status"]) for line in view["journal"]] == [
        ("callback", "王某某", "200")
    ]
    again = {"If-None-Match": first.headers["etag"]}
    assert httpx.get(url, headers=again).status_code == 304
    sandbox.chat(userid="rep01", person="wang", text="在吗")
    assert httpx.get(url, headers=again).status_code == 200
    other = httpx.get(url, params={"rep": "rep02", "person": "li"})
    assert (other.json()["rep"]["name"], other.json()["person"]["name"]) == ("林致远", "李某某")
    assert other.cookies["sandbox_rep"] == "rep02"


def test_who_holds_the_phone_is_who_logs_in(sandbox: Sandbox) -> None:
    with httpx.Client() as phone:
        asked = httpx.URL(
            f"{sandbox.open_base}/connect/oauth2/authorize",
            params={"appid": "wwtestcorp", "redirect_uri": "https://x.test/"},
        )
        nobodys = phone.get(asked)
        assert (nobodys.status_code, "/phones/" in nobodys.text) == (400, True)
        phone.get(f"{sandbox.base}/phones/view", params={"rep": "rep02", "person": "li"})
        back = phone.get(asked)
    code = httpx.URL(back.headers["location"]).params["code"]
    assert sandbox.wecom("auth/getuserinfo", code=code)["userid"] == "rep02"


def test_people_are_found_by_name_and_hospital_own_contacts_first(sandbox: Sandbox) -> None:
    url = f"{sandbox.base}/phones/people"
    sandbox.add_contact(userid="rep01", person="li")
    found = httpx.get(url, params={"rep": "rep01"}).json()
    assert [(p["name"], p["is_contact"]) for p in found] == [("李某某", True), ("王某某", False)]
    assert [p["key"] for p in httpx.get(url, params={"q": "第一医院"}).json()] == ["wang"]
    assert [p["key"] for p in httpx.get(url, params={"kind": "rep", "q": "林"}).json()] == ["rep02"]


def test_a_line_opens_to_the_plain_text_and_what_was_really_sent(sandbox: Sandbox) -> None:
    sandbox.follow(person="wang")
    line = httpx.get(f"{sandbox.base}/phones/view").json()["journal"][-1]
    assert "body" not in line
    whole = httpx.get(f"{sandbox.base}/phones/journal/{line['id']}").json()
    assert "<Event><![CDATA[subscribe]]></Event>" in whole["body"]
    assert "<Encrypt>" in whole["envelope"]
    assert "subscribe" not in whole["envelope"]
    assert httpx.get(f"{sandbox.base}/phones/journal/999999").status_code == 404


def test_an_invented_physician_is_new_each_time(sandbox: Sandbox) -> None:
    made = [sandbox.invent_person()["key"] for _at in range(3)]
    assert len(set(made)) == 3
    assert {sandbox.world.persons[key].external_userid for key in made} == {""}


def test_codes_are_real_qr_codes(sandbox: Sandbox) -> None:
    answer = httpx.get(f"{sandbox.base}/phones/code.svg", params={"text": "渠道"})
    assert (answer.headers["content-type"], b"<path" in answer.content) == (
        "image/svg+xml; charset=utf-8", True,
    )  # fmt: skip


def test_every_chinese_word_of_the_page_has_its_english() -> None:
    english = (FILES / "english.js").read_text()
    known = set(re.findall(r'"((?:[^"\\]|\\.)*)":', english))
    said = {
        text
        for script in SCRIPTS
        if script.name != "english.js"
        for text in re.findall(r'\bt\(\s*"((?:[^"\\]|\\.)*)"', script.read_text())
    }
    traffic = (FILES / "traffic.js").read_text()
    names = traffic[traffic.index("const NAMES") : traffic.index("};")]
    said |= set(re.findall(r':\s*"([^"]+)"', names))
    assert len(said) > 200
    assert said - known == set()
    assert known - said == set(), "no longer said"


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_scripts_build_no_markup_from_text(script: Path) -> None:
    forbidden = r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function"
    assert not re.search(forbidden, script.read_text())
