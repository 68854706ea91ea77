"""Sending what the outbox holds: claim and commit, call the platform, record and commit."""

from __future__ import annotations

from datetime import timedelta

from prometheus_client import Counter
from sqlalchemy.orm import Session

from app import delivery
from app.bootstrap import Parts
from app.connectors.errors import RateLimited
from app.consent import Verdict
from app.delivery import Dispatch, State, Way
from app.delivery.channels import Delivered, Message, Platforms, deliver
from app.flows.permission import verdict_for
from app.flows.sent import after_sent
from app.infra import log
from app.infra.crashpoint import crashpoint

USED_UP = frozenset({45009, 45011})  # a quota of the whole API, not of one recipient
WAITS_FOR = frozenset({"quiet_hours"})  # obstacles that a message may sit out in the outbox

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


@log.about(dispatch_id="dispatch_id")
def send_one(parts: Parts, dispatch_id: int) -> None:
    """Send one message if it is due and still permitted."""
    with parts.db.transaction() as session:
        message = _claim(session, dispatch_id, parts)
    if message is None:
        return
    crashpoint("send.claimed")
    platforms = Platforms(parts.outside.wecom, parts.outside.official_accounts)
    answer: Delivered | Exception
    try:
        answer = deliver(platforms, message)
    except Exception as problem:  # whatever happened must be recorded
        answer = problem
    crashpoint("send.called")
    with parts.db.transaction() as session:
        _record(session, dispatch_id, answer, parts)
        crashpoint("send.recorded")
    crashpoint("send.committed")


def _claim(session: Session, dispatch_id: int, parts: Parts) -> Message | None:
    now = parts.clock()
    dispatch = delivery.claim(session, dispatch_id, now)
    if dispatch is None:
        return None
    if dispatch.not_after is not None and now > dispatch.not_after:
        _give_up(session, dispatch, "已过有效时间", parts)
        return None
    wait = delivery.wait_for_room(session, dispatch, now)
    if wait is not None:
        delivery.postpone(session, dispatch, now + wait, "等待发送频率", now)
        return None
    verdict = verdict_for(session, dispatch, now)
    if verdict is not None:
        dispatch.verdict = verdict.as_json(now)
        if not verdict.allowed:
            _hold(session, dispatch, verdict, parts)
            return None
    return Message(Way(dispatch.way), dispatch.payload, dispatch.task_id)


def _hold(session: Session, dispatch: Dispatch, verdict: Verdict, parts: Parts) -> None:
    """Not permitted now: later when the only obstacle is the hour, else never."""
    until = verdict.allowed_again_at
    if until is not None and {reason.code for reason in verdict.reasons} <= WAITS_FOR:
        delivery.postpone(session, dispatch, until, verdict.text, parts.clock())
        if dispatch.state == State.CANCELLED:
            after_sent(session, dispatch, parts.clock())
    else:
        _give_up(session, dispatch, verdict.text, parts)


def _give_up(session: Session, dispatch: Dispatch, why: str, parts: Parts) -> None:
    delivery.cancel(session, dispatch, why)
    after_sent(session, dispatch, parts.clock())
    _sent.labels(dispatch.way, dispatch.state).inc()


def _record(
    session: Session, dispatch_id: int, answer: Delivered | Exception, parts: Parts
) -> None:
    now = parts.clock()
    dispatch = delivery.get(session, dispatch_id)
    if dispatch.state not in (State.SENDING, State.UNKNOWN):
        return  # an operator, or a second worker after the lease, has decided meanwhile
    outcome = delivery.record(session, dispatch, answer, now)
    if isinstance(answer, RateLimited) and answer.code in USED_UP:
        pause = timedelta(seconds=answer.retry_after_s or 60)
        delivery.pause_way(session, Way(dispatch.way), now + pause)
    if outcome.state in (State.FAILED, State.UNKNOWN):
        _log.warning(
            "message not delivered", dispatch_id=dispatch.id, way=dispatch.way,
            outcome=dispatch.state, errcode=outcome.errcode,
        )  # fmt: skip
    after_sent(session, dispatch, now)
    _sent.labels(dispatch.way, dispatch.state).inc()
