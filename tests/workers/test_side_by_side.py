"""What hangs or is many holds up nothing else: real worker, real calls, a platform that waits."""

from __future__ import annotations

import io
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from werkzeug.serving import make_server

from app import delivery, inbox
from app.bootstrap import build
from app.delivery import Dispatch, State, Way
from app.infra.clock import utc_now
from app.infra.db import Database
from app.sandbox.__main__ import config_of
from app.sandbox.server import build as build_sandbox
from app.sandbox.world import World
from tests.conftest import make_settings
from tests.connectors.test_translate import contact_event
from tests.workers.test_processes import database, process, settings_of, until
from workers.sending import send_due

__all__ = ["database"]  # the fixture

CORP = "wwtestcorp"
EVENTS = 300


class Hanging:
    """The sandbox; calls whose path or body hold `word` wait until they may go on."""

    def __init__(self, word: bytes) -> None:
        self.word = word
        self.reached, self.go_on = threading.Event(), threading.Event()
        world = World(clock=lambda: utc_now().timestamp())
        people = {"members": [{"userid": "rep01", "name": "示例"}], "persons": [], "corp_tags": []}
        world.seed(people)
        self.world = world
        config = config_of(make_settings("sqlite:///nowhere.db", "redis://nowhere"))
        self._inside = build_sandbox(config, world, lambda *_: 200)
        self._server = make_server("127.0.0.1", 0, self, threaded=True)
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        self.base = f"http://127.0.0.1:{self._server.server_port}"

    def __call__(self, environ: dict[str, Any], start: Any) -> Iterable[bytes]:
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        environ["wsgi.input"] = io.BytesIO(body)
        if self.word in body or self.word in environ["PATH_INFO"].encode():
            self.reached.set()
            self.go_on.wait(60)
        return self._inside(environ, start)

    def close(self) -> None:
        self.go_on.set()
        self._server.shutdown()


@pytest.fixture
def hanging(request: pytest.FixtureRequest) -> Iterator[Hanging]:
    made = Hanging(request.param)
    yield made
    made.close()


def write(database: Database, key: str, way: Way, **payload: str) -> int:
    with database.transaction() as session:
        made = delivery.queue(
            session, way=way, dedupe_key=key, payload={"corp_id": CORP, **payload}, now=utc_now()
        )
        assert made is not None
        return made


def state(database: Database, number: int) -> str:
    with database.reading() as session:
        return session.get_one(Dispatch, number).state


def many_edits(database: Database) -> None:
    with database.transaction() as session:
        for number in range(EVENTS):
            inbox.append(
                session, source="wecom", receiver=CORP,
                body=contact_event("edit_external_contact", f"wm{number}"),
                event_type="change_external_contact/edit_external_contact",
                partition=f"contact:wm{number}", occurred_at=None, urgent=False, now=utc_now(),
            )  # fmt: skip


@pytest.mark.parametrize("hanging", [b"externalcontact/get"], indirect=True)
def test_a_welcome_goes_out_while_hundreds_of_events_wait(
    database: Database, hanging: Hanging, tmp_path: Path
) -> None:
    """Without Redis, so only the looks at the tables are left; those for events are stuck."""
    many_edits(database)
    settings = settings_of(database, f"unix://{tmp_path}/no.sock").model_copy(
        update={"wecom_api_base": f"{hanging.base}/wecom"}
    )
    with process("workers.worker", settings):
        assert hanging.reached.wait(40)
        welcome = write(database, "welcome:1", Way.WELCOME, code="code", text="您好")
        assert until(lambda: state(database, welcome) not in (State.QUEUED, State.SENDING), 15)
        with database.reading() as session:
            assert inbox.count_by_state(session)["pending"] == EVENTS


@pytest.mark.parametrize("hanging", ["会卡住".encode()], indirect=True)
def test_a_call_that_hangs_does_not_stop_the_claims_of_others(
    database: Database, hanging: Hanging, tmp_path: Path
) -> None:
    settings = settings_of(database, f"unix://{tmp_path}/no.sock").model_copy(
        update={"wecom_api_base": f"{hanging.base}/wecom"}
    )
    parts = build(settings)
    first = write(database, "first", Way.REP_TEXT, userid="rep01", text="会卡住")
    sender = threading.Thread(target=send_due, args=(parts,))
    sender.start()
    try:
        assert hanging.reached.wait(20)
        later = write(database, "later", Way.REP_TEXT, userid="rep01", text="随后")
        assert until(lambda: state(database, later) == State.SENT, 6)  # the call gives up after 8 s
        assert state(database, first) == State.SENDING
    finally:
        hanging.go_on.set()
        sender.join(20)
        parts.db.engine.dispose()
    assert state(database, first) == State.SENT
