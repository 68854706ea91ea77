"""The rep's list inside WeCom: who it is, what it shows, and that answers are the card's."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from flask.testing import FlaskClient
from sqlalchemy import select, update

from app import reps
from app.delivery import Dispatch
from app.facts import CardAnswered
from app.flows import Received, card_answered
from app.flows.suggestion_card import task_id
from app.recommend import State, Suggestion
from tests.scenarios.conftest import Line, publish
from tests.scenarios.test_main_line import suggest


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


def send(client: FlaskClient, path: str, **fields: str) -> Any:
    token = re.search(r'name="csrf_token" value="([^"]+)"', client.get("/rep/").text)
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
    line.work()
    assert "/t/" in line.inbox("rep01")[-1]["text"]
    card = next(m for m in line.inbox("rep01") if m["kind"] == "card")
    assert line.world.cards[card["task_id"]]["replaced"].startswith("已采用")


def test_a_refusal_from_the_list_is_recorded(line: Line, suggestion: Suggestion) -> None:
    client = enter(line, "rep01")
    send(client, f"/rep/suggestions/{suggestion.id}/refuse_reason", reason="timing")
    with line.parts.db.reading() as session:
        row = session.get_one(Suggestion, suggestion.id)
        assert (row.state, row.refusal) == (State.REFUSED, "timing")


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


def test_the_sidebar_shows_only_whom_this_rep_follows(line: Line, suggestion: Suggestion) -> None:
    mine, other = (line.person(key).external_userid for key in ("wang", "li"))
    client = enter(line, "rep01")
    page = client.get(f"/rep/sidebar?external_userid={mine}").text
    for text in ("王某某", "房颤", "房颤抗凝新进展", "添加了代表"):
        assert text in page
    assert client.get(f"/rep/sidebar?external_userid={other}").status_code == 404
    assert client.get("/rep/sidebar?external_userid=").status_code == 404


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
