"""The front door of the platforms: verify, decrypt, write down, commit, ring, answer.

It stands before Flask on purpose: nothing of the web application (sessions, cookies, language,
limits) runs for an unverified request, and an answer costs little more than its commit. Anything
invalid gets one and the same 403 without a hint.

`FrontDoor` decides; `asgi.py` and `wsgi.py` bring it requests. The web process uses ASGI, where
callbacks that wait for their commit hold no thread, so that pages and callbacks cannot starve each
other.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from prometheus_client import Counter

from app import inbox
from app.connectors.callback_crypto import MAX_BODY_BYTES, Rejected
from app.inbox import Arrival, Intake, NotWritten
from app.infra import log, queue
from app.infra.crashpoint import crashpoint
from app.web.callbacks.doors import Door, doors_of

if TYPE_CHECKING:
    from app.bootstrap import Parts

PREFIX = "/callbacks/"
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
for _source in ("wecom", "oa"):
    _accepted.labels(_source)  # 0 is told, too: what is absent alarms nobody
_not_written = Counter(
    "yishu_callbacks_not_written_total", "Callbacks answered 503: nothing took them"
)
_log = log.get(__name__)


class Refusal(Exception):
    """The answer is `status` with an empty body; `reason` is for the counter and the log."""

    def __init__(self, reason: str, status: int = 403) -> None:
        super().__init__(reason)
        self.reason, self.status = reason, status


@dataclass(frozen=True, slots=True)
class Request:
    """What reached a callback address: `<source>/<key>` and the untrusted rest."""

    address: str
    method: str
    query: str
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Answer:
    """What leaves us. With `arrival`, only after that is durable."""

    status: int
    body: bytes = b""
    arrival: Arrival | None = None


class FrontDoor:
    """Answers for /callbacks/<source>/<key>."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._doors = doors_of(parts.settings)
        self.intake = Intake(parts.db, parts.spill)
        self._told: dict[tuple[str, str], datetime] = {}

    def look_at(self, request: Request) -> Answer:
        """The answer to a request; the one with an arrival needs it written first."""
        source, _, key = request.address.partition("/")
        door = self._doors.get((source, key))
        source = door.source if door else "other"
        try:
            if door is None:
                raise Refusal("address")
            return self._admit(door, request)
        except (Refusal, Rejected) as refusal:
            return self._refuse(source, refusal.reason, getattr(refusal, "status", 403))
        except Exception as problem:
            return self.failed(problem)

    def refused(self, refusal: Refusal) -> Answer:
        """The answer to a request that cannot even be read."""
        return self._refuse("other", refusal.reason, refusal.status)

    def written(self, answer: Answer) -> Answer:
        """The arrival is durable: ring."""
        arrival = answer.arrival
        if arrival is not None:
            crashpoint("ack.committed")
            self._parts.db.bell.ring(
                inbox.DRAIN, lane=queue.FAST if arrival.urgent else queue.NORMAL
            )
            crashpoint("ack.rung")
            _accepted.labels(arrival.source).inc()
        return answer

    def failed(self, problem: Exception) -> Answer:
        """503 when nothing was written: the platform tries again."""
        if isinstance(problem, NotWritten):
            _not_written.inc()
            _log.error("callback not stored", error=str(problem))
            return Answer(503)
        reference = secrets.token_hex(4)
        _log.error("callback failed", reference=reference, exc_info=problem)
        return Answer(500)

    def _admit(self, door: Door, request: Request) -> Answer:
        now, window = self._parts.clock(), self._parts.settings.yishu_callback_window_s
        query = _fields(request.query)
        if request.method == "GET":
            return Answer(200, door.receiver.check_url(query, now, window))
        if request.method != "POST":
            raise Refusal("method")
        plain = door.receiver.open(query, request.body, now, window)
        crashpoint("ack.opened")
        return Answer(200, door.thanks, _arrival(door, plain, now, query.get("msg_signature", "")))

    def _refuse(self, source: str, reason: str, status: int) -> Answer:
        _rejected.labels(source, reason).inc()
        now = self._parts.clock()
        if now - self._told.get((source, reason), LONG_AGO) > TELL_EVERY:
            self._told[source, reason] = now  # strangers must not be able to fill the log
            _log.info("callback refused", source=source, reason=reason)
        return Answer(status)


def check_length(told: str) -> int | None:
    """The announced length of a body in bytes; None when none is. Raises Refusal."""
    if told and not (told.isascii() and told.isdecimal()):
        raise Refusal("form")
    if told and int(told) > MAX_BODY_BYTES:
        raise Refusal("size", 413)
    return int(told) if told else None


def _fields(query: str) -> dict[str, str]:
    try:
        pairs = parse_qsl(query, keep_blank_values=True, max_num_fields=MAX_FIELDS)
    except ValueError:
        raise Refusal("form") from None
    return dict(reversed(pairs))  # the first of several counts


def _arrival(door: Door, plain: bytes, now: datetime, request: str) -> Arrival:
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
        reads_only=seen.reads_only,
        request=request,
    )
