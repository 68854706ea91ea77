"""The sandbox as a process: fault knobs before it, a ledger of what it really delivered behind it.

python -m faults.platform --port N --events N --seed N

POST /faults/knobs     replace the knobs (see Knobs)
GET  /faults/events    `count` more events of the workload
GET  /faults/ledger    every message that reached somebody, and what was dropped on the way
GET  /faults/ready
"""

from __future__ import annotations

import argparse
import json
import logging
import random
import signal
import socket
import sys
import threading
import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from typing import Any

from flask import Flask, Response, jsonify, request
from werkzeug.serving import make_server

from app.sandbox.server import Config, build
from app.sandbox.world import Json, Person, World
from faults import company
from faults.workload import Workload

SENDS = ("message/send", "message/update_template_card", "externalcontact/send_welcome_msg",
         "message/custom/send", "message/template/send",
         "externalcontact/add_msg_template")  # fmt: skip
WECOM_ONLY = 45033


@dataclass
class Knobs:
    """Shares of calls that go wrong, 0 … 1. `reads` scales them down for calls that only read."""

    before: float = 0.0  # HTTP 500, no effect
    busy: float = 0.0  # `busy_code` instead of the effect
    busy_code: int = 45009
    cut: float = 0.0  # the effect, then the connection is cut
    hang: float = 0.0  # the effect, then `hang_s` of silence before the answer
    hang_s: float = 2.5
    drop: float = 0.0  # answered as success, never delivered
    slow_s: float = 0.0  # every call
    reads: float = 0.25
    down: bool = False  # nobody answers
    expire_every: int = 0  # after so many calls all tokens are invalid


class Watched(World):
    """A world that finds people at once, and tells a call what it noted on account of it."""

    _noted = threading.local()
    _index: dict[str, Person] | None = None

    def begin_call(self) -> set[str]:
        """The kinds of notes that this thread makes from now on."""
        self._noted.kinds = kinds = set[str]()
        return kinds

    def note(self, kind: str, name: str, **detail: Any) -> Json:
        """See World."""
        if hasattr(self._noted, "kinds"):
            self._noted.kinds.add(kind)
        return super().note(kind, name, **detail)

    def person(self, *, external: str = "", openid: str = "", key: str = "") -> Person | None:
        """See World."""
        if self._index is None or key:
            return super().person(external=external, openid=openid, key=key)
        return self._index.get(external or openid)

    def learn(self) -> None:
        """Everybody is here: remember who has which id."""
        everybody = self.persons.values()
        self._index = {p.external_userid: p for p in everybody if p.external_userid}
        self._index |= {p.openid or company.follower_id(int(p.key[1:])): p
                        for p in everybody if p.key.startswith("f")}  # fmt: skip


class Troubled:
    """WSGI in front of the sandbox: the knobs, and the ledger."""

    def __init__(self, inside: Any, world: Watched, seed: int) -> None:
        self._inside, self._world = inside, world
        self._rng = random.Random(seed)  # repeatable on purpose
        self._lock = threading.Lock()
        self._calls = 0
        self.knobs = Knobs()
        self.ledger: list[Json] = []

    def __call__(self, environ: dict[str, Any], start: Any) -> Iterable[bytes]:
        """See WSGI."""
        path = environ.get("PATH_INFO", "")
        api = next((name for name in SENDS if path.endswith(name)), "")
        if not path.startswith(("/wecom/", "/oa/")):
            return list(self._inside(environ, start))
        fate = self._fate(api)
        time.sleep(self.knobs.slow_s)
        if fate == "down":
            return _cut(environ, start)
        if fate == "before":
            start("500 Internal Server Error", [("Content-Length", "0")])
            return [b""]
        if fate == "busy":
            known = self.knobs.busy_code != WECOM_ONLY or path.startswith("/wecom/")
            return _say({"errcode": self.knobs.busy_code if known else -1, "errmsg": "busy"}, start)
        if fate == "drop" and api:
            return self._drop(api, start)
        return self._pass_on(api, fate, environ, start)

    def _fate(self, api: str) -> str:
        knobs = self.knobs
        with self._lock:
            self._calls += 1
            roll = self._rng.random()
            if knobs.expire_every and self._calls % knobs.expire_every == 0:
                with self._world.lock:
                    self._world.tokens = dict.fromkeys(self._world.tokens, 0.0)
        if knobs.down:
            return "down"
        scale = 1.0 if api else knobs.reads
        for name in ("before", "busy", "cut", "hang", "drop"):
            share = getattr(knobs, name) * scale
            if roll < share:
                return name
            roll -= share
        return ""

    def _drop(self, api: str, start: Any) -> Iterable[bytes]:
        with self._lock:
            self.ledger.append({"at": time.time(), "api": api, "body": {}, "dropped": True})
        return _say({"errcode": 0, "errmsg": "ok", "msgid": f"lost{self._calls}"}, start)

    def _pass_on(self, api: str, fate: str, environ: dict[str, Any], start: Any) -> Iterable[bytes]:
        size = int(environ.get("CONTENT_LENGTH") or 0)
        asked = environ["wsgi.input"].read(size) if size else b""
        environ["wsgi.input"] = _Again(asked)
        said: list[Any] = []

        def begin(status: str, headers: Any, exc_info: Any = None) -> None:
            said[:] = [status, headers]

        noted = self._world.begin_call()
        repeated = api == "message/template/send" and self._knows(json.loads(asked))
        answer = b"".join(self._inside(environ, begin))
        repeated = repeated or "repeated" in noted  # the platform knew it and showed it to nobody
        if api and not repeated and b'"errcode":0' in answer.replace(b" ", b""):
            with self._lock:
                self.ledger.append({
                    "at": time.time(), "api": api, "body": json.loads(asked),
                    "dropped": "dropped" in noted,
                })  # fmt: skip
        if fate == "cut":
            return _cut(environ, start)
        if fate == "hang":
            time.sleep(self.knobs.hang_s)
        start(*said)
        return [answer]

    def _knows(self, body: Json) -> bool:
        """A template that is sent again under its client_msg_id reaches nobody."""
        with self._world.lock:
            return f"client:{body.get('client_msg_id')}" in self._world.codes


class _Again:
    """A request body that was read and can be read again."""

    def __init__(self, body: bytes) -> None:
        self._rest = body

    def read(self, size: int = -1) -> bytes:
        """Like a file."""
        size = len(self._rest) if size < 0 else size
        piece, self._rest = self._rest[:size], self._rest[size:]
        return piece


def main() -> None:
    """Serve until SIGTERM."""
    options = argparse.ArgumentParser(prog="faults.platform")
    for name in ("--port", "--events", "--seed"):
        options.add_argument(name, type=int, required=True)
    asked = options.parse_args()
    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    application = application_of(company.Size(asked.events), asked.seed)
    make_server("127.0.0.1", asked.port, application, threaded=True).serve_forever()


def application_of(size: company.Size, seed: int) -> Flask:
    """The sandbox with people, knobs and workload."""
    world = Watched()
    app = build(
        Config(
            company.CORP, company.AGENT, company.WECOM_SECRET, company.WECOM.token,
            company.AES_KEY, company.APP, company.OA_SECRET, company.ACCOUNT.token,
            company.AES_KEY,
        ),
        world, lambda _path, _query, _body: 200,
    )  # fmt: skip
    world.seed(company.world(size, time.time()))
    world.learn()
    troubled = Troubled(app.wsgi_app, world, seed)
    app.wsgi_app = troubled  # type: ignore[method-assign, assignment]
    _control(app, troubled, world, Workload(world, size, seed))
    return app


def _control(app: Flask, troubled: Troubled, world: Watched, workload: Workload) -> None:
    @app.get("/faults/ready")
    def ready() -> Response:
        return jsonify(ok=True)

    @app.get("/faults/events")
    def events() -> Response:
        with world.lock:
            made = [workload.next().as_json() for _ in range(int(request.args["count"]))]
        return jsonify(made)

    @app.post("/faults/knobs")
    def knobs() -> Response:
        known = {f.name for f in fields(Knobs)}
        given = {k: v for k, v in request.get_json(force=True).items() if k in known}
        troubled.knobs = Knobs(**given)
        return jsonify(asdict(troubled.knobs))

    @app.get("/faults/ledger")
    def ledger() -> Response:
        return jsonify(list(troubled.ledger))


def _say(answer: Json, start: Any) -> Iterable[bytes]:
    body = json.dumps(answer).encode()
    start("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
    return [body]


def _cut(environ: dict[str, Any], start: Any) -> Iterable[bytes]:
    line = environ.get("werkzeug.socket")
    if line is not None:
        line.shutdown(socket.SHUT_RDWR)
    start("503 Service Unavailable", [("Content-Length", "0")])
    return [b""]


if __name__ == "__main__":
    main()
