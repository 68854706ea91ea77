"""What a broken connection means, and that no secret gets out through it."""

from __future__ import annotations

import base64
import contextlib
import logging
import secrets
import socket
import threading
import traceback
from collections.abc import Callable, Iterator

import pytest

from app.connectors import errors as e
from app.connectors.http import Http
from app.infra.errors import Permanent, Transient
from app.infra.log import QUIET
from tests.connectors.conftest import Platforms

# Answers do not depend on our database; test_tokens.py runs on both kinds.
pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

TEXT = {"msgtype": "text", "text": {"content": "您好"}}
CODE = secrets.token_hex(8)
SECRETS = ("wecom-secret-of-the-tests", "oa-secret-of-the-tests")

Behaviour = Callable[[socket.socket], None]


def hang_up(line: socket.socket) -> None:
    """Take the request and close."""
    line.recv(65536)


def reset(line: socket.socket) -> None:
    """Take the request and tear the connection down."""
    line.recv(65536)
    line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")


def answer(status: str, body: str) -> Behaviour:
    """Take the request and answer it so."""

    def behave(line: socket.socket) -> None:
        line.recv(65536)
        data = body.encode()
        head = f"HTTP/1.1 {status}\r\nContent-Length: {len(data)}\r\nConnection: close\r\n\r\n"
        line.sendall(head.encode() + data)

    return behave


@contextlib.contextmanager
def broken_platform(behave: Behaviour) -> Iterator[str]:
    """The address of a server that behaves so to everybody."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            with contextlib.suppress(OSError):
                while True:
                    line, _ = server.accept()
                    with line:
                        behave(line)

        threading.Thread(target=serve, daemon=True).start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}"
        server.shutdown(socket.SHUT_RDWR)


@contextlib.contextmanager
def nobody_listens() -> Iterator[str]:
    """An address where connections are refused."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    yield f"http://127.0.0.1:{port}"


def sends(platforms: Platforms, base: str) -> list[Callable[[], object]]:
    """A message of each client to `base`, with tokens fetched from the working platform."""
    platforms.wecom().list_follow_users()
    platforms.account().user_info("oAwang")
    wecom, account = platforms.wecom(base=base), platforms.account(base=base)
    return [
        lambda: wecom.send_app_message("rep01", TEXT),
        lambda: account.send_text("oAwang", "您好"),
    ]


def shows_secrets(platforms: Platforms, base: str) -> list[Callable[[], object]]:
    """Calls that carry a secret or a login code in their address."""
    wecom, account = platforms.wecom(base=base), platforms.account(base=base)
    stranger = platforms.wecom(base=base, secret=SECRETS[0] + "x")
    return [lambda: account.login(CODE), lambda: wecom.login(CODE), stranger.list_follow_users]


@pytest.mark.parametrize(
    "behave",
    [
        hang_up,
        reset,
        answer("502 Bad Gateway", "<html>"),
        answer("404 Not Found", ""),
        answer("200 OK", "<html>"),
        answer("200 OK", "[]"),
        answer("200 OK", '{"errcode": "many"}'),
        answer("302 Found", ""),
    ],
    ids=["hang up", "reset", "502", "404", "html", "list", "words", "redirect"],
)
def test_after_the_request_was_written_the_outcome_is_unknown(
    platforms: Platforms, behave: Behaviour
) -> None:
    with broken_platform(behave) as base:
        for send in sends(platforms, base):
            with pytest.raises(e.OutcomeUnknown):
                send()


def test_a_refused_connection_means_that_nothing_was_sent(platforms: Platforms) -> None:
    with nobody_listens() as base:
        for send in sends(platforms, base):
            with pytest.raises(e.NotSent):
                send()


def test_a_silent_platform_is_given_up_and_the_outcome_is_unknown(
    platforms: Platforms, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.connectors.http.TIMEOUT", 0.2)
    done = threading.Event()

    def silent(line: socket.socket) -> None:
        line.recv(65536)
        done.wait(3)

    for send_to in (0, 1):
        done.clear()
        with broken_platform(silent) as base:
            with pytest.raises(e.OutcomeUnknown):
                sends(platforms, base)[send_to]()
            done.set()


def test_a_proxy_that_hangs_up_after_the_request_leaves_the_outcome_unknown(
    platforms: Platforms, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken: list[bytes] = []

    def take_and_hang_up(line: socket.socket) -> None:
        taken.append(line.recv(65536))

    for send_to in (0, 1):
        with broken_platform(take_and_hang_up) as proxy:
            monkeypatch.setenv("http_proxy", proxy)
            monkeypatch.setenv("no_proxy", "127.0.0.1")
            with pytest.raises(e.OutcomeUnknown):
                sends(platforms, "http://platform.test")[send_to]()
    assert len(taken) == 2


@pytest.mark.usefixtures("database_url")
@pytest.mark.parametrize("scheme", ["http://", ""])
def test_a_proxy_may_ask_for_a_login_and_may_be_named_without_a_scheme(
    monkeypatch: pytest.MonkeyPatch, scheme: str
) -> None:
    taken: list[bytes] = []

    def answer_once(line: socket.socket) -> None:
        taken.append(line.recv(65536))
        line.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}")

    with broken_platform(answer_once) as proxy:
        monkeypatch.setenv("all_proxy", f"{scheme}ann:p%40ss@{proxy.removeprefix('http://')}")
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        assert Http("http://platform.test").send("GET", "/x").content == b"{}"
    login = base64.b64encode(b"ann:p@ss")
    assert b"GET http://platform.test/x" in taken[0]
    assert b"authorization: basic " + login.lower() in taken[0].lower()


def test_a_proxy_that_nobody_runs_means_that_nothing_was_sent(
    platforms: Platforms, monkeypatch: pytest.MonkeyPatch
) -> None:
    with nobody_listens() as proxy:
        monkeypatch.setenv("http_proxy", proxy)
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        for send in sends(platforms, "http://platform.test"):
            with pytest.raises(e.NotSent):
                send()


def test_secrets_and_tokens_stay_out_of_errors_logs_and_text_forms(
    platforms: Platforms, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    for name in (*QUIET, "werkzeug"):  # the last one is the simulated platform's own
        caplog.set_level(logging.WARNING, logger=name)
    told = ""
    for place in (broken_platform(hang_up), broken_platform(answer("502", "")), nobody_listens()):
        with place as base:
            for ask in (*sends(platforms, base), *shows_secrets(platforms, base)):
                with pytest.raises((Transient, Permanent)) as broken:
                    ask()
                told += "".join(traceback.format_exception(broken.value)) + repr(broken.value)
    platforms.fails("gettoken", 40001)
    with pytest.raises(e.BadCredential) as refused:
        platforms.wecom(secret=SECRETS[0] + "y").list_follow_users()
    told += "".join(traceback.format_exception(refused.value)) + caplog.text
    told += repr(platforms.wecom()) + repr(platforms.account())
    tokens = list(platforms.world.tokens)
    assert len(tokens) == 2
    assert told.count("OutcomeUnknown") >= 4
    for word in (*SECRETS, *tokens, CODE):
        assert word not in told
