"""The front door as the web process serves it: the same answers, and no thread for who waits."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from urllib.parse import urlencode

import pytest

from app.bootstrap import Parts, build
from app.connectors.callback_crypto import MAX_BODY_BYTES, seal
from app.infra.settings import Settings
from app.web import create_asgi
from app.web.callbacks import FrontDoor, asgi
from tests.conftest import SetClock
from tests.connectors.test_translate import contact_event
from tests.web.asgi_client import Answer, Application, ask, in_a_loop
from tests.web.test_callbacks import WECOM, events

WECOM_MAIN = "/callbacks/wecom/main"


@pytest.fixture
def parts(settings: Settings, clock: SetClock) -> Iterator[Parts]:
    built = build(settings, clock=clock)
    yield built
    built.db.engine.dispose()


@pytest.fixture
def web(parts: Parts) -> Application:
    return create_asgi(parts)


def sealed(plain: bytes, clock: SetClock) -> tuple[str, bytes]:
    made = seal(WECOM, plain, timestamp=int(clock().timestamp()), nonce="n")
    query = {"timestamp": made.timestamp, "nonce": made.nonce, "msg_signature": made.signature}
    return urlencode(query), made.xml(WECOM.receive_id)


def test_an_event_in_pieces_is_stored_before_the_answer(
    web: Application, parts: Parts, clock: SetClock
) -> None:
    query, body = sealed(contact_event("add_external_contact"), clock)
    answer = ask(web, "POST", WECOM_MAIN, query, [body[:100], body[100:]])
    assert (answer.status, answer.body) == (200, b"")
    assert answer.headers["cache-control"] == "no-store"
    (event,) = events(parts)
    assert event.body == contact_event("add_external_contact")


def test_pages_are_served_behind_the_callbacks(web: Application) -> None:
    assert ask(web, "GET", "/console/").status in (302, 303)


def test_a_process_says_that_it_lives_while_all_its_pages_hang(parts: Parts) -> None:
    async def hangs(*_: object) -> None:
        raise AssertionError("no page may be needed")

    answer = ask(asgi.CallbacksFirst(hangs, FrontDoor(parts)), "GET", "/healthz")
    assert (answer.status, answer.body) == (200, b'{"status":"ok"}\n')


def test_the_address_is_checked_with_the_bare_text(web: Application, clock: SetClock) -> None:
    made = seal(WECOM, b"1616140317555161061", timestamp=int(clock().timestamp()), nonce="n")
    query = urlencode(
        {"timestamp": made.timestamp, "nonce": made.nonce, "msg_signature": made.signature,
         "echostr": made.encrypt}
    )  # fmt: skip
    assert ask(web, "GET", WECOM_MAIN, query).body == b"1616140317555161061"


@pytest.mark.parametrize(
    ("method", "path", "length"),
    [
        ("POST", WECOM_MAIN, None),
        ("POST", "/callbacks/wecom/other", None),
        ("POST", "/callbacks/", None),
        ("PUT", WECOM_MAIN, None),
        ("POST", WECOM_MAIN, "-1"),
        ("POST", WECOM_MAIN, "1e3"),
    ],
)
def test_everything_invalid_gets_one_answer(
    web: Application, parts: Parts, method: str, path: str, length: str | None
) -> None:
    headers = [("content-length", length)] if length else []
    expected = ask(web, "POST", WECOM_MAIN, "", [b"<xml></xml>"])
    answer = ask(web, method, path, "msg_signature=%ff", [b"<xml></xml>"], headers)
    assert answer == expected
    assert answer.status == 403
    assert events(parts) == []


@pytest.mark.parametrize("announced", [True, False])
def test_a_body_that_is_too_large_is_413_before_it_is_read_whole(
    web: Application, announced: bool
) -> None:
    headers = [("content-length", str(MAX_BODY_BYTES + 1))] if announced else []
    pieces: list[bytes | None] = [b"x" * MAX_BODY_BYTES, b"x", None]
    assert ask(web, "POST", WECOM_MAIN, "", pieces, headers).status == 413


def test_who_goes_away_before_the_end_stores_nothing(
    web: Application, parts: Parts, clock: SetClock
) -> None:
    query, body = sealed(contact_event("add_external_contact"), clock)
    assert ask(web, "POST", WECOM_MAIN, query, [body, None]) == Answer()
    assert events(parts) == []


def test_a_body_that_never_ends_is_refused_in_time(
    web: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.web.callbacks.asgi.BODY_WITHIN_S", 0.05)
    assert ask(web, "POST", WECOM_MAIN, "", [b"<xml>", b"..."]).status == 403


def test_many_that_wait_for_their_commit_are_all_answered(
    web: Application, parts: Parts, clock: SetClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.inbox.intake.PATIENCE_S", 30.0)  # what is late goes to the spill
    plain = contact_event("add_external_contact")
    requests = [sealed(plain.replace(b"wmABC", b"wm%03d" % n), clock) for n in range(100)]

    async def all_at_once() -> list[int]:
        return await asyncio.gather(
            *(asyncio.to_thread(status_of, web, query, body) for query, body in requests)
        )

    assert set(in_a_loop(all_at_once())) == {200}
    assert len(events(parts)) == 50  # the newest page of 100 different ones


def status_of(web: Application, query: str, body: bytes) -> int:
    return ask(web, "POST", WECOM_MAIN, query, [body]).status
