"""The front door: what is stored, what is refused, and what the platform is told."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app import inbox
from app.bootstrap import Parts, build, build_web
from app.connectors.callback_crypto import MAX_BODY_BYTES, Secrets, seal
from app.inbox.models import InboxEvent, State
from app.infra.errors import Misconfigured
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
        assert post(client, contact_event("add_external_contact"), clock, form=form) == 200
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
        stored = [event.body for event in inbox.listing(session, limit=1000)]
    assert sum(b"<!-- again" not in body for body in stored) == len(bodies)


def test_one_signed_request_is_read_once_more_at_most_however_often_it_is_replayed(
    client: FlaskClient, parts: Parts, clock: SetClock
) -> None:
    plain = contact_event("edit_external_contact")
    made = seal(WECOM, plain, timestamp=int(clock().timestamp()), nonce="n")
    query = {"timestamp": made.timestamp, "nonce": made.nonce, "msg_signature": made.signature}
    for _ in range(20):
        clock.tick(seconds=1)
        answer = client.post("/callbacks/wecom/main", query_string=query, data=made.xml("ww"))
        assert answer.status_code == 200
    assert len(events(parts)) == 2


def test_every_relevant_body_can_be_worked_through(
    client: FlaskClient, parts: Parts, clock: SetClock, shared: Path
) -> None:
    index = json.loads((shared / "fixtures/index.json").read_text())
    for entry in index:
        if entry["relevant"] and entry["kind"].startswith("xml-"):
            plain = (shared / "fixtures" / entry["path"]).read_bytes()
            assert post(client, plain, clock, entry["platform"]) == 200
    while drain_inbox(parts):  # nobody answers our calls here: those events are parked in a day
        clock.tick(hours=6)
    with parts.db.reading() as session:
        counts = inbox.count_by_state(session)
        dead = inbox.listing(session, state=State.DEAD, limit=500)
    assert counts["pending"] == 0
    assert counts["done"] >= 15
    assert {event.error.split(":")[0] for event in dead} <= {"NotSent", "Permanent"}


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


def vectors(shared: Path, group: str) -> list[dict[str, Any]]:
    found: dict[str, list[dict[str, Any]]] = json.loads(
        (shared / "fixtures/crypto_vectors.json").read_text()
    )
    return found[group]


def app_of(vector: dict[str, Any], database_url: str, valkey_url: str) -> tuple[Parts, FlaskClient]:
    """The product with a vector's secrets at both addresses, at the vector's time."""
    key = vector.get("encoding_aes_key", AES_KEY)
    receiver = vector.get("receive_id", "wxvector")
    settings = make_settings(
        database_url, valkey_url,
        wecom_token=vector["token"], wecom_aes_key=key, wecom_corp_id=receiver,
        oa_token=vector["token"], oa_aes_key=key, oa_app_id=receiver,
    )  # fmt: skip
    now = datetime.fromtimestamp(int(vector["timestamp"]), UTC)
    parts = build(settings, clock=SetClock(now))
    return parts, build_web(parts).test_client()


def query_of(vector: dict[str, Any]) -> dict[str, str]:
    names = ("timestamp", "nonce", "msg_signature", "signature", "echostr")
    return {name: vector[name] for name in names if name in vector}


def test_every_published_vector_is_accepted_over_http(
    shared: Path, database_url: str, valkey_url: str
) -> None:
    accepted = 0
    for vector in vectors(shared, "encrypted"):
        parts, client = app_of(vector, database_url, valkey_url)
        if vector["kind"] == "verify_url":
            query = query_of(vector) | {"echostr": vector["encrypt"]}
            answer = client.get("/callbacks/wecom/main", query_string=query)
            assert answer.text == vector["plaintext"]
        else:
            body = vector.get("http_body") or json.dumps({"encrypt": vector["encrypt"]})
            place = "/callbacks/oa/main" if "oa-" in vector["id"] else "/callbacks/wecom/main"
            answer = client.post(place, query_string=query_of(vector), data=body)
            assert answer.text == ("success" if "oa-" in vector["id"] else "")
            bodies = {event.body for event in events(parts)}
            assert vector["plaintext"].encode() in bodies
        assert answer.status_code == 200
        parts.db.engine.dispose()
        accepted += 1
    assert accepted >= 7


def test_every_negative_vector_is_refused_over_http(
    shared: Path, database_url: str, valkey_url: str
) -> None:
    for vector in vectors(shared, "negative"):
        parts, client = app_of(vector, database_url, valkey_url)
        body = f"<xml><Encrypt><![CDATA[{vector['encrypt']}]]></Encrypt></xml>"
        for place in ("/callbacks/wecom/main", "/callbacks/oa/main"):
            answer = client.post(place, query_string=query_of(vector), data=body)
            assert (answer.status_code, answer.data) == (403, b"")
        assert events(parts) == []
        parts.db.engine.dispose()


def test_the_plain_signature_opens_the_url_check_and_never_a_body(
    shared: Path, database_url: str, valkey_url: str
) -> None:
    check, plain_post = vectors(shared, "plain_signature")
    parts, client = app_of(check, database_url, valkey_url)
    answer = client.get("/callbacks/oa/main", query_string=query_of(check))
    assert (answer.status_code, answer.text) == (200, check["echostr"])
    parts.db.engine.dispose()
    parts, client = app_of(plain_post, database_url, valkey_url)
    answer = client.post(
        "/callbacks/oa/main", query_string=query_of(plain_post), data=plain_post["body"]
    )
    assert (answer.status_code, answer.data) == (403, b"")
    assert events(parts) == []
    parts.db.engine.dispose()


@pytest.mark.parametrize(("age_s", "status"), [(300, 200), (301, 403), (-300, 200), (-301, 403)])
def test_a_callback_is_accepted_inside_its_window_only(
    client: FlaskClient, parts: Parts, clock: SetClock, age_s: int, status: int
) -> None:
    made = seal(WECOM, b"<xml/>", timestamp=int(clock().timestamp()) - age_s, nonce="n")
    query = {"timestamp": made.timestamp, "nonce": made.nonce, "msg_signature": made.signature}
    answer = client.post("/callbacks/wecom/main", query_string=query, data=made.xml("ww"))
    assert answer.status_code == status
    assert len(events(parts)) == (status == 200)


def test_a_replayed_callback_changes_nothing(
    client: FlaskClient, parts: Parts, clock: SetClock
) -> None:
    post(client, contact_event("something_new"), clock)
    drain_inbox(parts)
    before = [(event.id, event.state, event.attempts) for event in events(parts)]
    clock.tick(seconds=200)
    assert post(client, contact_event("something_new"), clock) == 200
    assert [(event.id, event.state, event.attempts) for event in events(parts)] == before


@pytest.mark.parametrize("method", ["PUT", "DELETE", "HEAD", "OPTIONS", "PATCH"])
def test_other_methods_are_refused_like_everything_invalid(
    client: FlaskClient, method: str
) -> None:
    answer = client.open("/callbacks/wecom/main", method=method)
    assert (answer.status_code, answer.data) == (403, b"")


@pytest.mark.parametrize("told", ["-1", "1e3", "٣", "abc"])
def test_an_odd_length_is_refused(client: FlaskClient, told: str) -> None:
    answer = client.post(
        "/callbacks/wecom/main", data=b"x", environ_overrides={"CONTENT_LENGTH": told}
    )
    assert answer.status_code == 403


def test_a_body_without_a_length_is_capped_too(client: FlaskClient, parts: Parts) -> None:
    answer = client.post(
        "/callbacks/wecom/main",
        input_stream=io.BytesIO(b"x" * (MAX_BODY_BYTES + 1)),
        environ_overrides={"wsgi.input_terminated": True},
    )
    assert (answer.status_code, answer.data) == (413, b"")


def test_a_signed_event_of_an_impossible_time_is_still_kept(
    client: FlaskClient, parts: Parts, clock: SetClock
) -> None:
    plain = contact_event("edit_external_contact").replace(b"1403610513", b"9" * 20)
    assert post(client, plain, clock) == 200
    odd = rb'{"MsgType":"event","Event":"a\u0000\ud800b","FromUserName":"o\ud800"}'
    assert post(client, odd, clock, "oa") == 200
    drain_inbox(parts)
    assert len(events(parts)) == 2


def test_unusable_secrets_stop_the_start_with_a_sentence(
    database_url: str, valkey_url: str
) -> None:
    parts = build(make_settings(database_url, valkey_url, wecom_aes_key="too short"))
    with pytest.raises(Misconfigured, match="WECOM_AES_KEY"):
        build_web(parts)
    parts.db.engine.dispose()


def test_an_answer_gives_nothing_away_and_may_not_be_framed(client: FlaskClient) -> None:
    answer = client.get("/callbacks/wecom/main")
    assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Cache-Control"] == "no-store"
    assert "Set-Cookie" not in answer.headers


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


def test_a_database_that_is_away_changes_nothing_for_the_platform(
    valkey_url: str, clock: SetClock, tmp_path: Path
) -> None:
    parts = build(make_settings(f"sqlite:///{tmp_path}/empty.db", valkey_url), clock=clock)
    client = build_web(parts).test_client()
    assert post(client, contact_event("add_external_contact"), clock) == 200
    assert parts.spill.waiting_bytes()
    assert client.get("/healthz").status_code == 200
    assert client.get("/readyz").status_code == 503
    client.application.wsgi_app._door.intake.close()  # type: ignore[attr-defined]
    parts.db.engine.dispose()


def test_what_neither_database_nor_spill_takes_is_503_so_that_the_platform_tries_again(
    valkey_url: str, clock: SetClock, tmp_path: Path
) -> None:
    (tmp_path / "taken").write_text("a file where the folder should be")
    settings = make_settings(
        f"sqlite:///{tmp_path}/empty.db", valkey_url, yishu_spill_dir=str(tmp_path / "taken")
    )
    parts = build(settings, clock=clock)
    assert post(build_web(parts).test_client(), contact_event("x"), clock) == 503
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
