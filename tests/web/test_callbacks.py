"""The front door: what is stored, what is refused, and what the platform is told."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app import inbox
from app.bootstrap import Parts, build, build_web
from app.connectors.callback_crypto import MAX_BODY_BYTES, Secrets, seal
from app.inbox.models import InboxEvent, State
from app.infra.settings import Settings
from tests.conftest import AES_KEY, SetClock, make_settings
from tests.connectors.test_translate import contact_event
from workers.drain import drain_inbox

WECOM = Secrets("wecomtoken", AES_KEY, "wwtestcorp")
OA = Secrets("oatoken", AES_KEY, "wxtestaccount")


@pytest.fixture
def parts(settings: Settings, clock: SetClock) -> Iterator[Parts]:
    built = build(settings, clock=clock)
    yield built
    built.db.engine.dispose()


@pytest.fixture
def web(parts: Parts) -> Flask:
    return build_web(parts)


@pytest.fixture
def client(web: Flask) -> FlaskClient:
    return web.test_client()


def post(
    client: FlaskClient, plain: bytes, clock: SetClock, source: str = "wecom", **kw: str
) -> int:
    secrets = WECOM if source == "wecom" else OA
    made = seal(secrets, plain, timestamp=int(clock().timestamp()), nonce="n")
    query = {"timestamp": made.timestamp, "nonce": made.nonce, "msg_signature": made.signature}
    body = (
        made.json(secrets.receive_id) if kw.get("form") == "json" else made.xml(secrets.receive_id)
    )
    answer = client.post(f"/callbacks/{source}/main", query_string=query, data=body)
    return answer.status_code


def events(parts: Parts) -> list[InboxEvent]:
    with parts.db.reading() as session:
        return list(inbox.listing(session))


def test_an_event_is_stored_before_the_answer(
    client: FlaskClient, parts: Parts, clock: SetClock
) -> None:
    assert post(client, contact_event("add_external_contact"), clock) == 200
    (event,) = events(parts)
    assert event.body == contact_event("add_external_contact")
    assert event.event_type == "change_external_contact/add_external_contact"


@pytest.mark.parametrize("form", ["xml", "json"])
def test_the_same_bytes_are_stored_once_however_they_are_wrapped(
    client: FlaskClient, parts: Parts, clock: SetClock, form: str
) -> None:
    for _ in range(4):
        assert post(client, contact_event("edit_external_contact"), clock, form=form) == 200
    assert len(events(parts)) == 1


def test_two_contacts_in_the_same_second_are_two_events(
    client: FlaskClient, parts: Parts, clock: SetClock
) -> None:
    plain = contact_event("add_external_contact")
    post(client, plain, clock)
    post(client, plain.replace(b"wmABC", b"wmXYZ"), clock)
    assert len(events(parts)) == 2


def test_every_relevant_body_is_accepted_once_and_translated_or_kept(
    client: FlaskClient, parts: Parts, clock: SetClock, shared: Path
) -> None:
    index = json.loads((shared / "fixtures/index.json").read_text())
    relevant = [e for e in index if e["relevant"] and e["kind"].startswith("xml-")]
    bodies = set()
    for entry in relevant:
        plain = (shared / "fixtures" / entry["path"]).read_bytes()
        bodies.add((entry["platform"], plain))
        for _ in range(2):
            assert post(client, plain, clock, entry["platform"]) == 200
    assert len(bodies) > 80
    with parts.db.reading() as session:
        assert inbox.count_by_state(session)["pending"] == len(bodies)


def test_the_body_is_encrypted_at_rest(client: FlaskClient, parts: Parts, clock: SetClock) -> None:
    post(client, contact_event("add_external_contact"), clock)
    with parts.db.engine.connect() as connection:
        stored = connection.exec_driver_sql("select body from inbox_event").scalar_one()
    assert b"wmABC" not in bytes(stored)


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("/callbacks/wecom/main", {}),
        ("/callbacks/wecom/main", {"timestamp": "1", "nonce": "n", "msg_signature": "x"}),
        ("/callbacks/wecom/nobody", {}),
        ("/callbacks/other/main", {}),
        ("/callbacks/oa/main", {"signature": "0" * 40}),
    ],
)
def test_everything_invalid_gets_one_and_the_same_answer(
    client: FlaskClient, parts: Parts, path: str, query: dict[str, str]
) -> None:
    for answer in (
        client.post(path, query_string=query, data=b"<xml><Encrypt>AAAA</Encrypt></xml>"),
        client.get(path, query_string=query),
    ):
        assert (answer.status_code, answer.data) == (403, b"")
    assert events(parts) == []


def test_a_body_over_the_cap_is_413(client: FlaskClient, parts: Parts) -> None:
    answer = client.post("/callbacks/wecom/main", data=b"x" * (MAX_BODY_BYTES + 1))
    assert (answer.status_code, answer.data) == (413, b"")
    assert events(parts) == []


def test_the_url_check_answers_the_bare_plain_text(client: FlaskClient, clock: SetClock) -> None:
    made = seal(WECOM, b"1616140317555161061", timestamp=int(clock().timestamp()), nonce="n")
    query = {
        "timestamp": made.timestamp,
        "nonce": made.nonce,
        "msg_signature": made.signature,
        "echostr": made.encrypt,
    }
    answer = client.get("/callbacks/wecom/main", query_string=query)
    assert (answer.status_code, answer.data) == (200, b"1616140317555161061")


def test_redis_being_away_changes_nothing_for_the_platform(
    database_url: str, clock: SetClock, tmp_path: Path
) -> None:
    settings = make_settings(database_url, f"unix://{tmp_path}/nobody.sock")
    parts = build(settings, clock=clock)
    client = build_web(parts).test_client()
    assert post(client, contact_event("add_external_contact"), clock) == 200
    assert len(events(parts)) == 1
    parts.db.engine.dispose()


def test_a_database_without_tables_is_503_so_that_the_platform_tries_again(
    valkey_url: str, clock: SetClock, tmp_path: Path
) -> None:
    parts = build(make_settings(f"sqlite:///{tmp_path}/empty.db", valkey_url), clock=clock)
    client = build_web(parts).test_client()
    assert post(client, contact_event("add_external_contact"), clock) == 503
    assert client.get("/healthz").status_code == 200
    assert client.get("/readyz").status_code == 503
    parts.db.engine.dispose()


def test_an_unknown_event_is_kept_and_can_be_replayed(
    client: FlaskClient, parts: Parts, clock: SetClock
) -> None:
    post(client, contact_event("something_new"), clock)
    drain_inbox(parts)
    (event,) = events(parts)
    assert event.state == State.UNKNOWN
    assert "something_new" in event.error
    with parts.db.transaction() as session:
        assert inbox.replay(session, clock(), ids=[event.id]) == 1
    assert events(parts)[0].state == State.PENDING
