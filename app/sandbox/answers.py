"""Answering like the platforms: errcode 0, or a code with its text; tokens; trouble on demand."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from functools import wraps
from typing import Any

from flask import Response, jsonify, request

from app.sandbox.world import Json, World

TOKEN_LIFE_S = 7200
TEXTS = {
    40001: "invalid credential", 40014: "invalid access_token", 42001: "access_token expired",
    40003: "invalid userid", 40096: "invalid external userid", 84061: "not external contact",
    41050: "welcome code expired or invalid", 41051: "chat started", 42014: "taskid has existed",
    60140: "invalid response code", 81013: "user & party & tag all invalid", 47001: "data format",
    45015: "response out of time limit", 45047: "out of response count limit",
    43004: "require subscribe", 41048: "no customer to send", 40058: "invalid parameter",
    40029: "invalid code", 40068: "invalid tagid", 45035: "concurrent update",
}  # fmt: skip

View = Callable[..., Any]
Route = Callable[..., Callable[[View], View]]


class Code(Exception):
    """Answer with this errcode."""

    def __init__(self, code: int, text: str = "") -> None:
        super().__init__(code)
        self.code = code
        self.text = text or TEXTS.get(code, "error")


def ok(**more: Any) -> Json:
    """Success."""
    return {"errcode": 0, "errmsg": "ok", **more}


def new_token(world: World, owner: str) -> str:
    """The living token of an app secret, or a new one."""
    now = world.now()
    for token, end in world.tokens.items():
        if token.startswith(f"{owner}.") and end - now > TOKEN_LIFE_S / 2:
            return token
    token = f"{owner}.{secrets.token_urlsafe(24)}"
    world.tokens[token] = now + TOKEN_LIFE_S
    return token


def endpoint(world: World, platform: str, *, token: bool = True) -> Callable[[View], View]:
    """Wrap a view: token check, trouble, journal, JSON answer."""

    def decorate(view: View) -> View:
        @wraps(view)
        def wrapped(**path: str) -> Response:
            started = time.monotonic()
            name = request.path.rsplit("cgi-bin/", 1)[-1]
            trouble = _trouble(world, name)
            if isinstance(trouble, Response):
                return trouble
            body = request.get_json(silent=True, force=True) if request.data else {}
            try:
                if trouble:
                    raise Code(trouble)
                if token:
                    check_token(world, platform, request.args.get("access_token", ""))
                if request.data and not isinstance(body, dict):
                    raise Code(47001, "Warning: wrong json format.")
                with world.lock:
                    answer = view(body or {}, **path)
            except Code as code:
                answer = {"errcode": code.code, "errmsg": code.text}
            _journal(world, platform, name, body, answer, started)
            if world.trouble.pop("cut_after_effect", None):
                return Response(status=502)
            return jsonify(answer)

        return wrapped

    return decorate


def check_token(world: World, platform: str, token: str) -> None:
    """Raises the platform's code for a missing, foreign or expired token."""
    end = world.tokens.get(token)
    if end is None or not token.startswith(f"{platform}."):
        raise Code(40014 if platform == "wecom" else 40001)
    if end <= world.now():
        raise Code(42001)


def _trouble(world: World, name: str) -> Response | int:
    if world.trouble.get("outage"):
        return Response(status=503)
    codes = world.trouble.get("errcodes", {})
    planned = codes.get(name)
    if planned and planned["times"] > 0:
        planned["times"] -= 1
        return int(planned["errcode"])
    return 0


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
    world: World, platform: str, name: str, body: Any, answer: Json, started: float
) -> None:
    took = round((time.monotonic() - started) * 1000)
    shown = {k: ("…" if "token" in k or "ticket" in k else v) for k, v in answer.items()}
    with world.lock:
        world.note(
            "call", name, platform=platform, about=_about(body), status=answer.get("errcode", 0), ms=took,
            request=body, answer=shown,
        )  # fmt: skip
