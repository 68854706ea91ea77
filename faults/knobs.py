"""Fault knobs before the sandbox, and a ledger of what it really delivered behind it."""

from __future__ import annotations

import json
import random
import socket
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass
from io import BytesIO
from typing import Any

from app.sandbox.world import Json
from faults.watched import Watched

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
        size = int(environ.get("CONTENT_LENGTH") or 0)
        asked = environ["wsgi.input"].read(size) if size else b""  # also when nobody listens
        environ["wsgi.input"] = BytesIO(asked)
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
        return self._pass_on(api, fate, asked, environ, start)

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

    def _pass_on(
        self, api: str, fate: str, asked: bytes, environ: dict[str, Any], start: Any
    ) -> Iterable[bytes]:
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
