"""The front door of the platforms: verify, decrypt, write down, commit, ring, answer.

It stands before Flask on purpose: nothing of the web application (sessions, cookies, language,
limits) runs for an unverified request, and an answer costs little more than its commit. Anything
invalid gets one and the same 403 without a hint.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from flask import Flask
from prometheus_client import Counter

from app.connectors.callback_crypto import MAX_BODY_BYTES, Rejected
from app.inbox import Arrival, Intake, NotWritten
from app.infra import log, queue
from app.infra.crashpoint import crashpoint
from app.web.callbacks.doors import Door, doors_of

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

    from app.bootstrap import Parts

PREFIX = "/callbacks/"
DRAIN = "workers.jobs.inbox.drain"
MAX_FIELDS = 20
TELL_EVERY = timedelta(seconds=10)
LONG_AGO = datetime.min.replace(tzinfo=UTC)
STATUS = {
    200: "200 OK",
    403: "403 Forbidden",
    413: "413 Content Too Large",
    500: "500 Internal Server Error",
    503: "503 Service Unavailable",
}
HEADERS = [
    ("Content-Type", "text/plain; charset=utf-8"),
    ("Cache-Control", "no-store"),
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "same-origin"),
    ("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'"),
]

_accepted = Counter("yishu_callbacks_accepted_total", "Callbacks written down", ["source"])
_rejected = Counter("yishu_callbacks_rejected_total", "Callbacks refused", ["source", "reason"])
_log = log.get(__name__)


def init_app(app: Flask, parts: Parts) -> None:
    """Put the front door before the application. Raises Misconfigured for unusable secrets."""
    app.wsgi_app = FrontDoor(app.wsgi_app, parts)  # type: ignore[method-assign, assignment]


class Refusal(Exception):
    """The answer is `status` with an empty body; `reason` is for the counter and the log."""

    def __init__(self, reason: str, status: int = 403) -> None:
        super().__init__(reason)
        self.reason, self.status = reason, status


class FrontDoor:
    """GET and POST /callbacks/<source>/<key>; everything else goes on to the application."""

    def __init__(self, inside: WSGIApplication, parts: Parts) -> None:
        self._inside = inside
        self._parts = parts
        self._doors = doors_of(parts.settings)
        self._intake = Intake(parts.db.engine)
        self._told: dict[tuple[str, str], datetime] = {}

    def __call__(self, environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        """See WSGI."""
        path: str = environ.get("PATH_INFO", "")
        if not path.startswith(PREFIX):
            return self._inside(environ, start)
        status, body = self._answer(path.removeprefix(PREFIX), environ)
        start(STATUS[status], [*HEADERS, ("Content-Length", str(len(body)))])
        return [body]

    def _answer(self, address: str, environ: WSGIEnvironment) -> tuple[int, bytes]:
        source, _, key = address.partition("/")
        door = self._doors.get((source, key))
        source = door.source if door else "other"
        try:
            if door is None:
                raise Refusal("address")
            return 200, self._admit(door, environ)
        except Refusal as refusal:
            return self._refuse(source, refusal.reason, refusal.status)
        except Rejected as rejection:
            return self._refuse(source, rejection.reason, 403)
        except NotWritten as problem:
            _log.error("callback not stored", source=source, error=str(problem))
            return 503, b""  # the platform tries again
        except Exception as problem:
            reference = secrets.token_hex(4)
            _log.error("callback failed", source=source, reference=reference, exc_info=problem)
            return 500, b""

    def _admit(self, door: Door, environ: WSGIEnvironment) -> bytes:
        now, window = self._parts.clock(), self._parts.settings.yishu_callback_window_s
        method = environ["REQUEST_METHOD"]
        if method == "GET":
            return door.receiver.check_url(_query(environ), now, window)
        if method != "POST":
            raise Refusal("method")
        plain = door.receiver.open(_query(environ), _body(environ), now, window)
        crashpoint("ack.opened")
        arrival = _arrival(door, plain, now)
        self._intake.write(arrival)
        crashpoint("ack.committed")
        self._parts.db.bell.ring(DRAIN, lane=queue.FAST if arrival.urgent else queue.NORMAL)
        crashpoint("ack.rung")
        _accepted.labels(door.source).inc()
        return door.thanks

    def _refuse(self, source: str, reason: str, status: int) -> tuple[int, bytes]:
        _rejected.labels(source, reason).inc()
        now = self._parts.clock()
        if now - self._told.get((source, reason), LONG_AGO) > TELL_EVERY:
            self._told[source, reason] = now  # strangers must not be able to fill the log
            _log.info("callback refused", source=source, reason=reason)
        return status, b""


def _query(environ: WSGIEnvironment) -> dict[str, str]:
    try:
        pairs = parse_qsl(
            environ.get("QUERY_STRING", ""), keep_blank_values=True, max_num_fields=MAX_FIELDS
        )
    except ValueError:
        raise Refusal("form") from None
    return dict(reversed(pairs))  # the first of several counts


def _body(environ: WSGIEnvironment) -> bytes:
    told = environ.get("CONTENT_LENGTH") or ""
    if told and not (told.isascii() and told.isdecimal()):
        raise Refusal("form")
    if told and int(told) > MAX_BODY_BYTES:
        raise Refusal("size", 413)
    if not told and not environ.get("wsgi.input_terminated"):
        return b""
    body: bytes = environ["wsgi.input"].read(int(told) if told else MAX_BODY_BYTES + 1)
    if len(body) > MAX_BODY_BYTES:
        raise Refusal("size", 413)
    return body


def _arrival(door: Door, plain: bytes, now: datetime) -> Arrival:
    seen = door.glance(plain)
    return Arrival(
        source=door.source,
        receiver=door.receiver_id,
        body=plain,
        event_type=seen.event_type,
        partition=seen.partition,
        occurred_at=seen.at,
        urgent=seen.urgent,
        received_at=now,
    )
