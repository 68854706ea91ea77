"""Writing messages down, claiming them for sending, taking them back.

Claiming is a conditional update, so two workers never send one message. The claim is committed
before the platform is called and the answer is recorded afterwards (`outcome.py` says what an
answer means): a crash in between leaves a message in `sending`, which becomes `unknown` when its
lease ends.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from app.delivery.models import Dispatch, State, Way
from app.infra.db import insert_once, ring_after_commit
from app.infra.errors import NotFound, Refused
from app.infra.queue import FAST, NORMAL

SEND = "workers.jobs.sends.send"
LEASE = timedelta(seconds=60)


def queue(
    session: Session,
    *,
    way: Way,
    dedupe_key: str,
    payload: dict[str, Any],
    now: datetime,
    rep_id: int | None = None,
    identifier_id: int | None = None,
    content_version_id: int | None = None,
    suggestion_id: int | None = None,
    campaign_id: int | None = None,
    task_id: str | None = None,
    counts_as_contact: bool = False,
    not_before: datetime | None = None,
    not_after: datetime | None = None,
    verdict: dict[str, Any] | None = None,
) -> Dispatch | None:
    """Write a message down; None when one with this key exists. Rings after commit."""
    values: dict[str, Any] = {
        "way": way, "dedupe_key": dedupe_key, "payload": payload, "rep_id": rep_id,
        "identifier_id": identifier_id, "content_version_id": content_version_id,
        "suggestion_id": suggestion_id, "campaign_id": campaign_id, "task_id": task_id,
        "counts_as_contact": counts_as_contact, "not_before": not_before or now,
        "not_after": not_after, "verdict": verdict, "app_key": "main", "state": State.QUEUED,
        "attempts": 0, "maybe_sent": False, "provider_id": "", "error": "", "created_at": now,
    }  # fmt: skip
    if not insert_once(session, Dispatch, values, "dedupe_key"):
        return None
    dispatch = session.scalars(select(Dispatch).where(Dispatch.dedupe_key == dedupe_key)).one()
    if not_before is None or not_before <= now:
        lane = FAST if way == Way.WELCOME else NORMAL
        ring_after_commit(session, SEND, dispatch.id, lane=lane)
    return dispatch


def due(session: Session, now: datetime, limit: int = 100) -> Sequence[int]:
    """Messages that may be sent now, welcomes first."""
    return session.scalars(
        select(Dispatch.id)
        .where(Dispatch.state == State.QUEUED, Dispatch.not_before <= now)
        .order_by((Dispatch.way == Way.WELCOME).desc(), Dispatch.not_before, Dispatch.id)
        .limit(limit)
    ).all()


def claim(session: Session, dispatch_id: int, now: datetime) -> Dispatch | None:
    """Take a message for sending; None when it is not due, or another worker was faster."""
    taken = session.execute(
        update(Dispatch)
        .where(
            Dispatch.id == dispatch_id,
            Dispatch.state == State.QUEUED,
            Dispatch.not_before <= now,
        )
        .values(
            state=State.SENDING,
            attempts=Dispatch.attempts + 1,
            lease_until=now + LEASE,
            first_attempt_at=func.coalesce(Dispatch.first_attempt_at, now),
        )
        .execution_options(synchronize_session=False)
    )
    if not taken.rowcount:  # type: ignore[attr-defined]
        return None
    return session.get(Dispatch, dispatch_id, populate_existing=True)


def postpone(
    session: Session, dispatch: Dispatch, until: datetime, why: str, now: datetime
) -> None:
    """Put a claimed message back, unsent: waiting is not an attempt."""
    if dispatch.not_after is not None and until > dispatch.not_after:
        cancel(session, dispatch, why)
        return
    dispatch.attempts -= 1
    if dispatch.attempts == 0:
        dispatch.first_attempt_at = None
    dispatch.state, dispatch.lease_until = State.QUEUED, None
    dispatch.not_before, dispatch.error = max(until, now), why
    session.flush()


def cancel(session: Session, dispatch: Dispatch, reason: str) -> None:
    """Do not send, or not again; what an earlier attempt may have sent becomes unknown."""
    if dispatch.state in (State.QUEUED, State.SENDING):
        dispatch.state = State.UNKNOWN if dispatch.maybe_sent else State.CANCELLED
        dispatch.error, dispatch.lease_until = reason, None
        session.flush()


def cancel_for(
    session: Session,
    reason: str,
    *,
    identifier_ids: Iterable[int] | None = None,
    rep_id: int | None = None,
    campaign_id: int | None = None,
    content_version_id: int | None = None,
) -> int:
    """Cancel everything still queued for these persons, this rep, campaign or content."""
    chosen = update(Dispatch).where(Dispatch.state == State.QUEUED, Dispatch.maybe_sent.is_(False))
    if identifier_ids is not None:
        chosen = chosen.where(Dispatch.identifier_id.in_(list(identifier_ids)))
    if rep_id is not None:
        chosen = chosen.where(Dispatch.rep_id == rep_id)
    if campaign_id is not None:
        chosen = chosen.where(Dispatch.campaign_id == campaign_id)
    if content_version_id is not None:
        chosen = chosen.where(Dispatch.content_version_id == content_version_id)
    done = session.execute(chosen.values(state=State.CANCELLED, error=reason))
    return int(done.rowcount)  # type: ignore[attr-defined]


def settle(
    session: Session, dispatch_id: int, decision: str, now: datetime, *, actor: str = ""
) -> Dispatch:
    """A person decides about an unknown message: sent, failed or resend."""
    dispatch = get(session, dispatch_id)
    if dispatch.state != State.UNKNOWN:
        raise Refused("只有结果未知的消息需要处理。")
    by = f"（{actor}）" if actor else ""
    if decision == "sent":
        dispatch.state, dispatch.sent_at = State.SENT, dispatch.first_attempt_at or now
        dispatch.error = f"人工确认已送达{by}"
    elif decision == "failed":
        dispatch.state, dispatch.error = State.FAILED, f"人工确认未送达{by}"
    elif decision == "resend":
        dispatch.state, dispatch.not_before, dispatch.attempts = State.QUEUED, now, 0
        dispatch.error = f"人工重新发送{by}"
        ring_after_commit(session, SEND, dispatch.id)
    else:
        raise Refused("请选择：已送达、未送达或重新发送。")
    session.flush()
    return dispatch


def get(session: Session, dispatch_id: int) -> Dispatch:
    """The message. Raises NotFound."""
    dispatch = session.get(Dispatch, dispatch_id)
    if dispatch is None:
        raise NotFound("没有这条消息。")
    return dispatch


def find_by_task(session: Session, task_id: str) -> Dispatch | None:
    """The card with this task id."""
    return session.scalar(select(Dispatch).where(Dispatch.task_id == task_id))


def count_by_state(session: Session) -> dict[str, int]:
    """How many messages are in each state; every state is named."""
    number = func.count().label("number")
    rows = session.execute(select(Dispatch.state, number).group_by(Dispatch.state))
    found = {row.state: row.number for row in rows}
    return {state.value: found.get(state.value, 0) for state in State}


def listing(
    session: Session, *, state: State | None = None, limit: int = 100
) -> Sequence[Dispatch]:
    """Messages, newest first."""
    chosen = select(Dispatch).order_by(Dispatch.id.desc()).limit(limit)
    if state:
        chosen = chosen.where(Dispatch.state == state)
    return session.scalars(chosen).all()
