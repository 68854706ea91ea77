"""Sending what the outbox holds: claim and commit, call the platform, record and commit."""

from __future__ import annotations

from prometheus_client import Counter
from sqlalchemy.orm import Session

from app import delivery
from app.bootstrap import Parts
from app.connectors import errors
from app.delivery import Dispatch, State, Way
from app.delivery.channels import Delivered, Message, Platforms, deliver
from app.flows.permission import verdict_for
from app.flows.sent import after_sent
from app.infra import log
from app.infra.errors import Permanent, Transient

_sent = Counter("yishu_sends_total", "Messages by way and outcome", ["way", "outcome"])
_log = log.get(__name__)


def send_due(parts: Parts, limit: int = 100) -> int:
    """Send everything that is due; returns how many were tried."""
    with parts.db.transaction() as session:
        delivery.expire_leases(session, parts.clock())
    with parts.db.reading() as session:
        waiting = delivery.due(session, parts.clock(), limit)
    for dispatch_id in waiting:
        send_one(parts, dispatch_id)
    return len(waiting)


def send_one(parts: Parts, dispatch_id: int) -> None:
    """Send one message if it is due and still permitted."""
    with parts.db.transaction() as session:
        message = _claim(session, dispatch_id, parts)
    if message is None:
        return
    platforms = Platforms(parts.outside.wecom, parts.outside.official_accounts)
    answer: Delivered | Exception
    try:
        answer = deliver(platforms, message)
    except Exception as problem:  # whatever happened must be recorded
        answer = problem
    with parts.db.transaction() as session:
        dispatch = delivery.get(session, dispatch_id)
        if dispatch.state == State.SENDING:
            _record(session, dispatch, answer, parts)
            _sent.labels(dispatch.way, dispatch.state).inc()


def _claim(session: Session, dispatch_id: int, parts: Parts) -> Message | None:
    now = parts.clock()
    dispatch = delivery.claim(session, dispatch_id, now)
    if dispatch is None:
        return None
    if dispatch.not_after is not None and now > dispatch.not_after:
        delivery.cancel(session, dispatch, "已过有效时间")
        return None
    verdict = verdict_for(session, dispatch, now)
    if verdict is not None:
        dispatch.verdict = verdict.as_json(now)
        if not verdict.allowed:
            _hold(session, dispatch, verdict.text, parts)
            return None
    wait = delivery.wait_for_room(session, dispatch, now)
    if wait is not None:
        dispatch.attempts -= 1  # waiting for room is not an attempt
        delivery.record_retry(session, dispatch, "等待发送频率", now, wait.total_seconds())
        return None
    return Message(Way(dispatch.way), dispatch.payload, dispatch.task_id)


def _hold(session: Session, dispatch: Dispatch, why: str, parts: Parts) -> None:
    """Not permitted now: later if the only obstacle is time, else never."""
    verdict = dispatch.verdict or {}
    untils = [reason["until"] for reason in verdict.get("reasons", ())]
    soon = all(reason["code"] == "quiet_hours" for reason in verdict.get("reasons", ()))
    if soon and untils:
        from datetime import datetime

        until = datetime.fromisoformat(max(untils))
        wait_s = max(1.0, (until - parts.clock()).total_seconds())
        dispatch.attempts -= 1
        delivery.record_retry(session, dispatch, why, parts.clock(), wait_s)
        return
    delivery.cancel(session, dispatch, why)
    after_sent(session, dispatch, parts.clock())


def _record(
    session: Session, dispatch: Dispatch, answer: Delivered | Exception, parts: Parts
) -> None:
    now = parts.clock()
    if isinstance(answer, Delivered):
        if answer.refused:
            delivery.record_failed(session, dispatch, "平台没有接收这位收件人")
        else:
            delivery.record_sent(
                session, dispatch, now, provider_id=answer.provider_id,
                response_code=answer.response_code,
            )  # fmt: skip
    elif isinstance(answer, errors.OutcomeUnknown):
        delivery.record_unknown(session, dispatch, str(answer), now)
    elif isinstance(answer, Transient):
        delivery.record_retry(session, dispatch, str(answer), now, answer.retry_after_s)
    else:
        code = getattr(answer, "code", None)
        text = str(answer) if isinstance(answer, Permanent) else type(answer).__name__
        delivery.record_failed(session, dispatch, text, code)
        _log.warning("message failed", dispatch_id=dispatch.id, way=dispatch.way, error=text)
    after_sent(session, dispatch, now)
