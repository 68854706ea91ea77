"""The front door of the platforms: verify, decrypt, write down, commit, ring, answer.

Nothing else happens here. Anything invalid gets one and the same 403 without a hint.
"""

from __future__ import annotations

from datetime import datetime
from typing import cast

from flask import Blueprint, Response, current_app, request
from flask.blueprints import BlueprintSetupState
from prometheus_client import Counter
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.exceptions import RequestEntityTooLarge

from app.connectors.callback_crypto import MAX_BODY_BYTES, Rejected
from app.inbox import Arrival, Intake
from app.infra import log, queue
from app.web.callbacks.doors import Door, Doors, doors_of
from app.web.context import parts
from app.web.policy import Policy, default_policy

DRAIN = "workers.jobs.inbox.drain"
EXTENSION = "yishu_callbacks"

bp = Blueprint("callbacks", __name__, url_prefix="/callbacks")
default_policy(bp, Policy(protected_by="signature, receive id and time window of each callback"))

_accepted = Counter("yishu_callbacks_accepted_total", "Callbacks written down", ["source"])
_rejected = Counter("yishu_callbacks_rejected_total", "Callbacks refused", ["source", "reason"])
_log = log.get(__name__)


@bp.record
def _open(state: BlueprintSetupState) -> None:
    here = state.app.extensions["yishu"]
    state.app.extensions[EXTENSION] = doors_of(here.settings), Intake(here.db.engine)


@bp.get("/<source>/<key>")
def check_url(source: str, key: str) -> Response:
    """The platform asks whether this address is ours."""
    doors, _ = _house()
    door = doors.get((source, key))
    if door is None:
        return _refuse(source, "address")
    here = parts()
    window = here.settings.yishu_callback_window_s
    try:
        echo = door.receiver.check_url(request.args, here.clock(), window)
    except Rejected as rejection:
        return _refuse(source, rejection.reason)
    return Response(echo, mimetype="text/plain")


@bp.post("/<source>/<key>")
def receive(source: str, key: str) -> Response:
    """An event: 200 only after it is committed, 503 when it cannot be."""
    doors, intake = _house()
    door = doors.get((source, key))
    if door is None:
        return _refuse(source, "address")
    request.max_content_length = MAX_BODY_BYTES
    try:
        body = request.get_data(cache=False)
    except RequestEntityTooLarge:
        return _refuse(source, "size", 413)
    here = parts()
    now = here.clock()
    try:
        plain = door.receiver.open(request.args, body, now, here.settings.yishu_callback_window_s)
    except Rejected as rejection:
        return _refuse(source, rejection.reason)
    arrival = _arrival(door, plain, now)
    try:
        intake.write(arrival)
    except SQLAlchemyError as problem:
        _log.error("callback not stored", source=source, error=type(problem).__name__)
        return Response(status=503)
    here.db.bell.ring(DRAIN, lane=queue.FAST if arrival.urgent else queue.NORMAL)
    _accepted.labels(source).inc()
    return Response(door.thanks, mimetype="text/plain")


def _house() -> tuple[Doors, Intake]:
    return cast("tuple[Doors, Intake]", current_app.extensions[EXTENSION])


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


def _refuse(source: str, reason: str, status: int = 403) -> Response:
    known = source if source in ("wecom", "oa") else "other"
    _rejected.labels(known, reason).inc()
    _log.info("callback refused", source=known, reason=reason)
    return Response(b"", status=status, mimetype="text/plain")
