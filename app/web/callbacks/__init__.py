"""The front door of the platforms: verify, decrypt, write down, commit, ring, answer.

Nothing else happens here. Anything invalid gets one and the same 403 without a hint.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from flask import Blueprint, Response, request
from prometheus_client import Counter
from sqlalchemy.exc import SQLAlchemyError

from app import inbox
from app.connectors.callback_crypto import MAX_BODY_BYTES, Rejected, Secrets
from app.connectors.glance import Glance
from app.connectors.official_account import translate as oa_translate
from app.connectors.official_account.crypto import Receiver as OfficialAccountReceiver
from app.connectors.wecom import translate as wecom_translate
from app.connectors.wecom.crypto import Receiver as WeComReceiver
from app.infra import log, queue
from app.infra.db import ring_after_commit
from app.infra.settings import Settings
from app.web.context import parts
from app.web.policy import Policy, default_policy

DRAIN = "workers.jobs.inbox.drain"

bp = Blueprint("callbacks", __name__, url_prefix="/callbacks")
default_policy(bp, Policy(protected_by="signature, receive id and time window of each callback"))

_accepted = Counter("yishu_callbacks_accepted_total", "Callbacks written down", ["source"])
_rejected = Counter("yishu_callbacks_rejected_total", "Callbacks refused", ["source", "reason"])
_log = log.get(__name__)


@dataclass(frozen=True, slots=True)
class Door:
    """One callback address: who may knock and what we answer."""

    source: str
    receiver: WeComReceiver | OfficialAccountReceiver
    glance: Callable[[bytes], Glance]
    thanks: bytes


@bp.get("/<source>/<key>")
def check_url(source: str, key: str) -> Response:
    """The platform asks whether this address is ours."""
    door = _door(source, key)
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
    door = _door(source, key)
    if door is None:
        return _refuse(source, "address")
    if (request.content_length or 0) > MAX_BODY_BYTES:
        return _refuse(source, "size", 413)
    here = parts()
    body = request.get_data(cache=False)  # request.data is empty for form content types
    if len(body) > MAX_BODY_BYTES:
        return _refuse(source, "size", 413)
    try:
        plain = door.receiver.open(
            request.args, body, here.clock(), here.settings.yishu_callback_window_s
        )
    except Rejected as rejection:
        return _refuse(source, rejection.reason)
    try:
        _write_down(door, plain)
    except SQLAlchemyError as problem:
        _log.error("callback not stored", source=source, error=type(problem).__name__)
        return Response(status=503)
    _accepted.labels(source).inc()
    return Response(door.thanks, mimetype="text/plain")


def _write_down(door: Door, plain: bytes) -> None:
    here = parts()
    seen = door.glance(plain)
    with here.db.transaction() as session:
        added = inbox.append(
            session,
            source=door.source,
            receiver=door.receiver.secrets.receive_id,
            body=plain,
            event_type=seen.event_type,
            partition=seen.partition,
            occurred_at=seen.at,
            urgent=seen.urgent,
            now=here.clock(),
        )
        if added is not None:
            lane = queue.FAST if seen.urgent else queue.NORMAL
            ring_after_commit(session, DRAIN, lane=lane)


def _door(source: str, key: str) -> Door | None:
    return _doors(parts().settings).get((source, key))


def _doors(settings: Settings) -> dict[tuple[str, str], Door]:
    found = {}
    if settings.wecom_token and settings.wecom_aes_key and settings.wecom_corp_id:
        secrets = Secrets(settings.wecom_token, settings.wecom_aes_key, settings.wecom_corp_id)
        door = Door("wecom", WeComReceiver(secrets), wecom_translate.glance, b"")
        found["wecom", "main"] = door
    if settings.oa_token and settings.oa_aes_key and settings.oa_app_id:
        secrets = Secrets(settings.oa_token, settings.oa_aes_key, settings.oa_app_id)
        receiver = OfficialAccountReceiver(secrets)
        found["oa", "main"] = Door("oa", receiver, oa_translate.glance, b"success")
    return found


def _refuse(source: str, reason: str, status: int = 403) -> Response:
    _rejected.labels(source if source in ("wecom", "oa") else "other", reason).inc()
    return Response(b"", status=status, mimetype="text/plain")
