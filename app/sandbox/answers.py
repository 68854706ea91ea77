"""Answering like the platforms: errcode 0, or a code with its text; tokens; trouble on demand."""

from __future__ import annotations

import secrets
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any

from flask import Blueprint, Response, jsonify, request

from app.sandbox.world import Json, World

TOKEN_LIFE_S = 7200
HANG_S, HANG_STEP_S = 30.0, 0.1
TEXTS = {
    -1: "system error", 40001: "invalid credential", 40003: "invalid userid",
    40008: "invalid message type", 40014: "invalid access_token", 40029: "invalid code",
    40032: "invalid userid list size", 40035: "invalid parameter", 40037: "invalid template_id",
    40056: "invalid agentid", 40058: "invalid parameter", 40063: "some parameters are empty",
    40068: "invalid tagid", 40071: "invalid tag name", 40096: "invalid external userid",
    40163: "code been used", 41001: "access_token missing", 41041: "too many users",
    41048: "no customer to send", 41050: "invalid welcome code", 41051: "chat started",
    41093: "task has been cancelled", 41094: "remind too often", 42001: "access_token expired",
    42014: "invalid task_id", 42022: "code been used", 42052: "msgid expired",
    43004: "require subscribe", 44004: "empty content", 45002: "content size out of limit",
    45008: "article count out of limit", 45009: "api freq out of limit",
    45015: "response out of time limit", 45033: "api concurrent out of limit",
    45035: "concurrent update conflict", 45047: "out of response count limit",
    46003: "menu no exist", 47001: "data format error", 48002: "api forbidden",
    60111: "userid not found", 60140: "invalid response_code",
    81013: "user & party & tag all invalid", 82001: "user & party & tag all empty",
    84061: "not external contact", 301002: "not allow operate another agent with this accesstoken",
}  # fmt: skip

View = Callable[..., Any]
Route = Callable[..., Callable[[View], View]]
Alone = Callable[[Json], str]


class Code(Exception):
    """Answer with this errcode."""

    def __init__(self, code: int, text: str = "") -> None:
        super().__init__(code)
        self.code = code
        self.text = text or TEXTS.get(code, "error")


class Broken(Exception):
    """The connection breaks instead of an answer: reset, hang, or a 5xx."""

    def __init__(self, kind: str) -> None:
        super().__init__(kind)
        self.kind = kind


def ok(**more: Any) -> Json:
    """Success."""
    return {"errcode": 0, "errmsg": "ok", **more}


def need(condition: object, code: int, text: str = "") -> None:
    """Raises the code unless the condition holds."""
    if not condition:
        raise Code(code, text)


def size(text: str) -> int:
    """Bytes, as the platforms count texts."""
    return len(text.encode())


def _nothing(_body: Json) -> str:
    return ""


@contextmanager
def _held(world: World, record: str) -> Iterator[None]:
    """The record is this request's until it is answered. Raises 45035 for the second one."""
    with world.lock:
        need(not record or record not in world.in_work, 45035)
        world.in_work.add(record)
    try:
        yield
    finally:
        with world.lock:
            world.in_work.discard(record)


def new_token(world: World, owner: str) -> str:
    """The living token of an app secret, or a new one."""
    now = world.now()
    for token, end in world.tokens.items():
        if token.startswith(f"{owner}.") and end - now > TOKEN_LIFE_S / 2:
            return token
    token = f"{owner}.{secrets.token_urlsafe(24)}"
    world.tokens[token] = now + TOKEN_LIFE_S
    return token


def check_token(world: World, platform: str, token: str) -> None:
    """Raises the platform's code for a missing, foreign or expired token."""
    need(token, 41001)
    end = world.tokens.get(token)
    if end is None or not token.startswith(f"{platform}."):
        raise Code(40014 if platform == "wecom" else 40001)
    need(end > world.now(), 42001)


def mount(bp: Blueprint, world: World, platform: str) -> Route:
    """A decorator that puts a view at a path of the platform."""

    def route(path: str, *, token: bool = True, alone: Alone = _nothing) -> Callable[[View], View]:
        def decorate(view: View) -> View:
            wrapped = endpoint(world, platform, token=token, alone=alone)(view)
            bp.add_url_rule(path, path.replace("/", "_"), wrapped, methods=["GET", "POST"])
            return view

        return decorate

    return route


def endpoint(
    world: World, platform: str, *, token: bool = True, alone: Alone = _nothing
) -> Callable[[View], View]:
    """Wrap a view: token check, trouble, journal, JSON answer. `alone` names the record of a
    request that no other may change at the same time."""

    def decorate(view: View) -> View:
        @wraps(view)
        def wrapped(**path: str) -> Response:
            started = time.monotonic()
            name = request.path.removeprefix(f"/{platform}/").removeprefix("cgi-bin/")
            body = request.get_json(silent=True, force=True) if request.data else {}
            try:
                with _held(world, alone(body) if isinstance(body, dict) else ""):
                    _trouble(world, name)
                    if token:
                        check_token(world, platform, request.args.get("access_token", ""))
                    with world.lock:
                        need(isinstance(body, dict), 47001, "Warning: wrong json format.")
                        answer = view(body, **path)
            except Code as code:
                answer = {"errcode": code.code, "errmsg": code.text}
            except Broken as broken:
                _journal(world, platform, name, body, None, started, broken.kind)
                return _break(world, broken.kind)
            cut = world.trouble.pop("cut_after_effect", None)
            _journal(world, platform, name, body, answer, started, "cut" if cut else "")
            return _break(world, "reset") if cut else jsonify(answer)

        return wrapped

    return decorate


def _trouble(world: World, name: str) -> None:
    """Raises what the trouble switches say for a call of `name`."""
    latency_ms = world.trouble.get("latency_ms")
    if latency_ms:
        time.sleep(float(latency_ms) / 1000)
    outage = world.trouble.get("outage")
    if outage:
        raise Broken(outage if outage in ("reset", "hang") else "503")
    with world.lock:
        planned = world.trouble.get("errcodes", {}).get(name)
        if planned and planned["times"] > 0:
            planned["times"] -= 1
            world.revision += 1
            raise Code(int(planned["errcode"]))


def _break(world: World, kind: str) -> Response:
    if kind == "hang":
        waited = 0.0
        while world.trouble.get("outage") == "hang" and waited < HANG_S:
            time.sleep(HANG_STEP_S)
            waited += HANG_STEP_S
    line = request.environ.get("werkzeug.socket")
    if kind != "503" and line is not None:
        line.shutdown(socket.SHUT_RDWR)
    return Response(status=503)


def _about(body: Any) -> str:
    """Whom a request names, in its query or its body."""
    named = body if isinstance(body, dict) else {}
    for field in ("external_userid", "openid", "touser", "userid", "sender"):
        value = request.args.get(field) or named.get(field) or ""
        if isinstance(value, list):
            value = value[0] if len(value) == 1 else ""
        if value:
            return str(value)
    return ""


def _journal(
    world: World,
    platform: str,
    name: str,
    body: Any,
    answer: Json | None,
    started: float,
    broken: str,
) -> None:
    took = round((time.monotonic() - started) * 1000)
    shown = {k: ("…" if "token" in k or "ticket" in k else v) for k, v in (answer or {}).items()}
    asked = {k: v for k, v in request.args.items() if k not in ("access_token", "corpsecret")}
    if isinstance(body, dict):
        asked |= {k: ("…" if k == "secret" else v) for k, v in body.items()}
    with world.lock:
        world.note(
            "call", name, platform=platform, about=_about(body), ms=took, request=asked,
            status=broken or shown.get("errcode", 0), answer=shown,
        )  # fmt: skip
