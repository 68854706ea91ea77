"""SIGTERM in the middle of a piece of work: it is finished, within five seconds, nothing is lost."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import select
from werkzeug.serving import make_server

from app import delivery, inbox, operations, reps
from app.connectors.callback_crypto import Secrets, seal
from app.delivery import Dispatch, State, Way
from app.infra.clock import utc_now
from app.infra.db import Database
from app.infra.settings import Settings
from app.sandbox.__main__ import config_of
from app.sandbox.server import build as build_sandbox
from app.sandbox.world import World
from tests.conftest import AES_KEY, make_settings
from tests.workers.test_processes import PROMPT_S, ROOT, database, process, stop, until
from web import MASTER

__all__ = ["database"]  # the fixture

EVENT = b"<xml><ToUserName>wwtestcorp</ToUserName><MsgType>event</MsgType></xml>"


class SlowPlatform:
    """The sandbox, whose answers to messages come only when a test lets them."""

    def __init__(self, settings: Settings) -> None:
        world = World(clock=lambda: utc_now().timestamp())
        world.seed(
            {"members": [{"userid": "rep01", "name": "示例"}], "persons": [], "corp_tags": []}
        )
        self.world = world
        self.reached, self.go_on = threading.Event(), threading.Event()
        self._inside = build_sandbox(config_of(settings), world, lambda *_: 200)
        self._server = make_server("127.0.0.1", 0, self, threaded=True)
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        self.base = f"http://127.0.0.1:{self._server.server_port}/wecom"

    def __call__(self, environ: dict[str, Any], start: Any) -> Iterable[bytes]:
        if environ["PATH_INFO"].endswith("message/send"):
            self.reached.set()
            self.go_on.wait(60)
        return self._inside(environ, start)

    def close(self) -> None:
        self.go_on.set()
        self._server.shutdown()


@pytest.fixture
def platform(database: Database) -> Iterator[SlowPlatform]:
    slow = SlowPlatform(make_settings("sqlite:///", "unix:///nowhere.sock"))
    yield slow
    slow.close()


def queue_text(db: Database) -> None:
    now = utc_now()
    with db.transaction() as session:
        rep = reps.ensure_rep(session, "wwtestcorp", "rep01", now=now)
        delivery.queue(
            session, way=Way.REP_TEXT, dedupe_key="one", rep_id=rep.id, now=now,
            payload={"corp_id": "wwtestcorp", "userid": "rep01", "text": "你好"},
        )  # fmt: skip


def test_a_worker_finishes_the_message_that_it_is_sending(
    database: Database, platform: SlowPlatform, tmp_path: Path
) -> None:
    queue_text(database)
    url = database.engine.url.render_as_string(False)
    settings = make_settings(url, f"unix://{tmp_path}/no.sock", wecom_api_base=platform.base)
    with process("workers.worker", settings) as running:
        assert platform.reached.wait(60)
        threading.Timer(1.0, platform.go_on.set).start()
        code, took_s, errors = stop(running)
    assert code == 0
    assert took_s < PROMPT_S
    assert b"Traceback" not in errors
    with database.reading() as session:
        assert session.scalars(select(Dispatch.state)).one() == State.SENT
        assert operations.processes(session) == [], "it says goodbye"
    assert len(platform.world.members["rep01"].inbox) == 1


def test_a_worker_whose_platform_hangs_stops_in_time_and_leaves_the_message_to_its_lease(
    database: Database, platform: SlowPlatform, tmp_path: Path
) -> None:
    queue_text(database)
    url = database.engine.url.render_as_string(False)
    settings = make_settings(url, f"unix://{tmp_path}/no.sock", wecom_api_base=platform.base)
    with process("workers.worker", settings) as running:
        assert platform.reached.wait(60)
        _, took_s, _ = stop(running)
    assert took_s < PROMPT_S
    with database.reading() as session:
        row = session.scalars(select(Dispatch)).one()
        assert row.state == State.SENDING
        assert row.lease_until is not None


def test_every_line_of_a_process_says_who_wrote_it_and_what_it_is_about(
    database: Database, tmp_path: Path
) -> None:
    queue_text(database)
    url = database.engine.url.render_as_string(False)
    away = "http://127.0.0.1:9"
    settings = make_settings(
        url, f"unix://{tmp_path}/no.sock", wecom_api_base=away, yishu_log_level="INFO"
    )

    def tried() -> bool:
        with database.reading() as session:
            return session.scalars(select(Dispatch.error)).one() != ""

    with process("workers.worker", settings) as running:
        assert until(tried, within_s=60)
        _, _, errors = stop(running)
    lines = [json.loads(line) for line in errors.decode().splitlines()]
    assert lines
    assert all(line["process"] == "worker" and line["pid"] for line in lines)
    assert any("dispatch_id" in line for line in lines) or not any(
        line["event"] == "message not delivered" for line in lines
    )


def texts_of(settings: Settings) -> dict[str, str]:
    return {
        name.upper(): value
        for name, value in settings.model_dump().items()
        if isinstance(value, str)
    }


@pytest.fixture
def web(database: Database, tmp_path: Path) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """As it runs in production, with one serving process."""
    url = database.engine.url.render_as_string(False)
    settings = make_settings(url, f"unix://{tmp_path}/no.sock")
    values = texts_of(settings)
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    run = {"PORT": str(port), "WEB_HOST": "127.0.0.1", "WEB_CONCURRENCY": "1"}
    running = subprocess.Popen(
        [sys.executable, "web.py"],
        cwd=ROOT, env={**os.environ, **values, **run}, stderr=subprocess.PIPE,
    )  # fmt: skip

    def answers() -> bool:
        try:
            return httpx.get(f"http://127.0.0.1:{port}/healthz").status_code == 200
        except httpx.HTTPError:
            return False

    assert until(answers, within_s=60)
    yield running, port
    if running.poll() is None:
        running.kill()
        running.communicate()


def test_web_finishes_the_callback_that_it_is_reading(
    database: Database, web: tuple[subprocess.Popen[bytes], int]
) -> None:
    running, port = web
    now_s = int(utc_now().timestamp())
    secrets = Secrets("wecomtoken", AES_KEY, "wwtestcorp")
    sealed = seal(secrets, EVENT, timestamp=now_s, nonce="0123456789")
    body = sealed.xml("wwtestcorp", "1000002")
    query = f"msg_signature={sealed.signature}&timestamp={sealed.timestamp}&nonce={sealed.nonce}"
    head = (
        f"POST /callbacks/wecom/main?{query} HTTP/1.1\r\nHost: localhost\r\n"
        f"Content-Type: text/xml\r\nContent-Length: {len(body)}\r\nExpect: 100-continue\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", port), timeout=10) as line:
        line.sendall(head.encode())
        assert b"100 Continue" in line.recv(1024)  # the server is at it now
        running.terminate()
        line.sendall(body)
        answer = line.recv(4096)
    assert answer.startswith(b"HTTP/1.1 200 OK")
    _, errors = running.communicate(timeout=20)
    assert running.returncode == 0
    lines = [json.loads(line) for line in errors.decode().splitlines()]  # the server's own, too
    assert {line["process"] for line in lines} == {"web"}
    with database.reading() as session:
        assert sum(inbox.count_by_state(session).values()) == 1
        assert operations.processes(session) == []


def test_a_serving_process_whose_master_was_killed_while_it_started_ends(
    database: Database, tmp_path: Path
) -> None:
    """Else it would hold the port for ever, beside whoever is started instead."""
    with subprocess.Popen([sys.executable, "-c", ""]) as master:
        master.wait()
    settings = make_settings(
        database.engine.url.render_as_string(False), f"unix://{tmp_path}/no.sock"
    )
    serve = "import threading, web; web.application(); threading.Event().wait(60)"
    done = subprocess.run(
        [sys.executable, "-c", serve], cwd=ROOT, timeout=50, check=False,
        env={**os.environ, **texts_of(settings), MASTER: str(master.pid)},
    )  # fmt: skip
    assert done.returncode == 1
