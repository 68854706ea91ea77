"""The state machine of a message: queued → sending → sent, failed or unknown.

Claiming is a conditional update, so two workers never send one message. The claim is committed
before the platform is called and the answer is recorded afterwards: a crash in between leaves a
message in `sending`, which becomes `unknown` when its lease ends. An unknown card is sent again
(its task_id makes the platform answer "exists"); an unknown text only inside the platform's
duplicate check; everything else waits for a person.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, or_, select, update
from sqlalchemy.orm import Session

from app.delivery.models import Dispatch, State, Way
from app.identity.models import Identifier
from app.infra.db import insert_once, ring_after_commit
from app.infra.errors import NotFound, Refused
from app.infra.queue import FAST, NORMAL

SEND = "workers.jobs.sends.send"
LEASE = timedelta(seconds=60)
MAX_ATTEMPTS = 8
BACKOFF_S = (2, 10, 30, 120, 300, 600, 1800)
PER_MINUTE, PER_HOUR = 25, 900  # to one member: the platform drops more than 30 and 1,000
DUPLICATE_CHECK_S = 14_400  # the platform's longest window for byte-identical requests
TEXT_RESEND = timedelta(seconds=int(DUPLICATE_CHECK_S * 0.7))
TO_MEMBER = (Way.REP_CARD, Way.REP_TEXT)


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
        "attempts": 0, "provider_id": "", "error": "", "created_at": now,
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


def wait_for_room(session: Session, dispatch: Dispatch, now: datetime) -> timedelta | None:
    """How long a message to a rep must wait so that the platform drops none; None: no wait."""
    if dispatch.way not in TO_MEMBER or dispatch.rep_id is None:
        return None
    for limit, span in ((PER_MINUTE, timedelta(minutes=1)), (PER_HOUR, timedelta(hours=1))):
        used = session.execute(
            select(
                func.count().label("n"), func.min(Dispatch.first_attempt_at).label("first")
            ).where(
                Dispatch.rep_id == dispatch.rep_id,
                Dispatch.way.in_(TO_MEMBER),
                Dispatch.id != dispatch.id,
                Dispatch.state.in_((State.SENDING, State.SENT, State.UNKNOWN)),
                Dispatch.first_attempt_at > now - span,
            )
        ).one()
        if used.n >= limit:
            return span / 4
    return None


def record_sent(
    session: Session,
    dispatch: Dispatch,
    now: datetime,
    *,
    provider_id: str = "",
    response_code: str | None = None,
) -> None:
    """The platform took it."""
    dispatch.state, dispatch.sent_at, dispatch.lease_until = State.SENT, now, None
    dispatch.provider_id = provider_id or dispatch.provider_id
    dispatch.response_code = response_code or dispatch.response_code
    dispatch.error = ""
    session.flush()


def record_retry(
    session: Session, dispatch: Dispatch, error: str, now: datetime, wait_s: float | None = None
) -> None:
    """It certainly was not sent: try later, unless its time or its attempts are over."""
    step = BACKOFF_S[min(dispatch.attempts, len(BACKOFF_S)) - 1]
    again = now + timedelta(seconds=wait_s if wait_s is not None else step)
    over = dispatch.not_after is not None and again > dispatch.not_after
    if over or dispatch.attempts >= MAX_ATTEMPTS:
        dispatch.state = State.CANCELLED if over else State.FAILED
    else:
        dispatch.state, dispatch.not_before = State.QUEUED, again
    dispatch.lease_until, dispatch.error = None, error
    session.flush()


def record_failed(
    session: Session, dispatch: Dispatch, error: str, errcode: int | None = None
) -> None:
    """It will never be sent."""
    dispatch.state, dispatch.error, dispatch.errcode = State.FAILED, error, errcode
    dispatch.lease_until = None
    session.flush()


def record_unknown(session: Session, dispatch: Dispatch, error: str, now: datetime) -> None:
    """Nobody knows whether it was sent; resend where the platform makes that harmless."""
    dispatch.error, dispatch.lease_until = error, None
    if _may_resend(dispatch, now) and dispatch.attempts < MAX_ATTEMPTS:
        step = BACKOFF_S[min(dispatch.attempts, len(BACKOFF_S)) - 1]
        dispatch.state, dispatch.not_before = State.QUEUED, now + timedelta(seconds=step)
    else:
        dispatch.state = State.UNKNOWN
    session.flush()


def expire_leases(session: Session, now: datetime) -> int:
    """Messages whose worker died in the middle become unknown."""
    rows = session.scalars(
        select(Dispatch).where(Dispatch.state == State.SENDING, Dispatch.lease_until < now)
    ).all()
    for row in rows:
        record_unknown(session, row, "发送过程中断，结果未知", now)
    return len(rows)


def cancel(session: Session, dispatch: Dispatch, reason: str) -> None:
    """Do not send; only what has not been called yet can be cancelled."""
    if dispatch.state in (State.QUEUED, State.SENDING):
        dispatch.state, dispatch.error, dispatch.lease_until = State.CANCELLED, reason, None
        session.flush()


def cancel_for(
    session: Session,
    reason: str,
    *,
    identifier_ids: Iterable[int] | None = None,
    campaign_id: int | None = None,
    content_version_id: int | None = None,
) -> int:
    """Cancel everything still queued for these persons, this campaign or this content."""
    chosen = update(Dispatch).where(Dispatch.state == State.QUEUED)
    if identifier_ids is not None:
        chosen = chosen.where(Dispatch.identifier_id.in_(list(identifier_ids)))
    if campaign_id is not None:
        chosen = chosen.where(Dispatch.campaign_id == campaign_id)
    if content_version_id is not None:
        chosen = chosen.where(Dispatch.content_version_id == content_version_id)
    done = session.execute(chosen.values(state=State.CANCELLED, error=reason))
    return int(done.rowcount)  # type: ignore[attr-defined]


def settle(session: Session, dispatch_id: int, decision: str, now: datetime) -> Dispatch:
    """A person decides about an unknown message: sent, failed or resend."""
    dispatch = get(session, dispatch_id)
    if dispatch.state != State.UNKNOWN:
        raise Refused("只有结果未知的消息需要处理。")
    if decision == "sent":
        record_sent(session, dispatch, now)
    elif decision == "failed":
        record_failed(session, dispatch, "人工确认未送达")
    elif decision == "resend":
        dispatch.state, dispatch.not_before, dispatch.attempts = State.QUEUED, now, 0
        ring_after_commit(session, SEND, dispatch.id)
    else:
        raise Refused("请选择：已送达、未送达或重新发送。")
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


def contacted_at(
    session: Session, one_ids: Iterable[str], since: datetime
) -> dict[str, list[datetime]]:
    """When physicians were contacted or are about to be, over all reps and ways."""
    wanted = list(one_ids)
    found: dict[str, list[datetime]] = {one_id: [] for one_id in wanted}
    moment = func.coalesce(Dispatch.sent_at, Dispatch.not_before)
    rows = session.execute(
        select(Identifier.one_id, moment.label("at"))
        .join(Identifier, Identifier.id == Dispatch.identifier_id)
        .where(
            Identifier.one_id.in_(wanted),
            Dispatch.counts_as_contact.is_(True),
            Dispatch.state.in_((State.QUEUED, State.SENDING, State.SENT, State.UNKNOWN)),
            or_(Dispatch.sent_at > since, Dispatch.sent_at.is_(None)),
        )
    )
    for row in rows:
        found[row.one_id].append(row.at)
    return found


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


def _may_resend(dispatch: Dispatch, now: datetime) -> bool:
    if dispatch.way == Way.REP_CARD:
        return True  # the platform refuses a task_id it has seen
    first = dispatch.first_attempt_at
    return dispatch.way == Way.REP_TEXT and first is not None and now - first < TEXT_RESEND
