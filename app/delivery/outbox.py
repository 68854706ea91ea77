"""Writing messages down and claiming them for sending.

Claiming is a conditional update, so two workers never send one message. The claim is committed
before the platform is called and the answer is recorded afterwards (`outcome.py` says what an
answer means): a crash in between leaves a message in `sending`, which becomes `unknown` when its
lease ends.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, func, select, update
from sqlalchemy.orm import Session

from app.delivery.likely import NOBODY
from app.delivery.models import Dispatch, State, Way
from app.delivery.record import LEASE
from app.delivery.take_back import cancel
from app.delivery.ways import GOOD_FOR
from app.infra.db import insert_new, ring_after_commit
from app.infra.direct import Direct
from app.infra.errors import NotFound, Refused
from app.infra.queue import FAST, NORMAL

DRAIN = "workers.jobs.sends.drain"


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
) -> int | None:
    """Write a message down; its id, or None when one with this key exists. Rings after commit.

    Without `not_after` it is good for as long as its way says: nothing is sent late.
    """
    account = payload.get("corp_id") or payload.get("app_id") or "main"
    good_for = GOOD_FOR[way]
    values: dict[str, Any] = {
        "way": way, "dedupe_key": dedupe_key, "payload": payload, "rep_id": rep_id,
        "identifier_id": identifier_id, "content_version_id": content_version_id,
        "suggestion_id": suggestion_id, "campaign_id": campaign_id, "task_id": task_id,
        "counts_as_contact": counts_as_contact, "not_before": not_before or now,
        "not_after": not_after or (not_before or now) + good_for, "verdict": verdict,
        "app_key": str(account)[:40], "state": State.QUEUED, "attempts": 0, "turn": 0,
        "maybe_sent": False, "erase": False, "provider_id": "", "error": "", "created_at": now,
    }  # fmt: skip
    dispatch_id: int | None = insert_new(session, Dispatch, values, "dedupe_key")
    if dispatch_id is None:
        return None
    if not_before is None or not_before <= now:
        lane = FAST if way == Way.WELCOME else NORMAL
        ring_after_commit(session, DRAIN, lane=lane)
    return dispatch_id


def stale(session: Session, now: datetime, limit: int = 200) -> Sequence[Dispatch]:
    """Messages that wait and whose time is over, locked."""
    return session.scalars(
        select(Dispatch)
        .where(Dispatch.state == State.QUEUED, Dispatch.not_after < now)
        .order_by(Dispatch.not_after)
        .limit(limit)
        .with_for_update(skip_locked=True)
    ).all()


def has_stale(session: Session, now: datetime) -> bool:
    """Does a message wait whose time is over?"""
    return _LATE.first(session, {"now": now}) is not None


def claim(session: Session, ids: Sequence[int], now: datetime) -> dict[int, int]:
    """Take messages for sending; the turn of each that was due and that nobody took before."""
    if not ids:
        return {}
    taken = session.connection().execute(
        _CLAIM, {"ids": sorted(ids), "at": now, "end": now + LEASE}
    )
    return {row.id: row.turn for row in taken}


def postpone(
    session: Session, dispatch: Dispatch, until: datetime, why: str, now: datetime
) -> None:
    """Put off a message that waits; cancelled when it would be too late then."""
    if dispatch.not_after is not None and until > dispatch.not_after:
        cancel(session, dispatch, why)
        return
    dispatch.not_before, dispatch.error = max(until, now), why
    session.flush()


def readdress(session: Session, rep_id: int, userid: str) -> None:
    """What waits for this rep, or may be sent again, goes to another userid, and tasks that wait
    for the rep are asked about under it: the platform knows the old one no more."""
    asked = (
        (Dispatch.way == Way.GROUP_TASK) & (Dispatch.state == State.SENT)
        & Dispatch.receipt.is_(None)
    )  # fmt: skip
    again = Dispatch.state.in_((State.QUEUED, State.SENDING, State.UNKNOWN))
    waiting = select(Dispatch).where(Dispatch.rep_id == rep_id, again | asked)
    for row in session.scalars(waiting.order_by(Dispatch.id).with_for_update()).all():
        if "userid" in row.payload:
            row.payload = row.payload | {"userid": userid}
    session.flush()


def send_instead(
    session: Session, dispatch: Dispatch, rep_id: int, corp_id: str, userid: str, now: datetime
) -> None:
    """To this rep, as if nobody had tried it."""
    dispatch.rep_id, dispatch.app_key = rep_id, corp_id[:40]
    dispatch.payload = dispatch.payload | {"corp_id": corp_id, "userid": userid}
    dispatch.error, dispatch.turn = "", dispatch.turn + 1
    _start_again(session, dispatch, now)
    session.flush()


def leave_to_staff(session: Session, dispatch: Dispatch) -> None:
    """Nobody can be sent it: a person has to see to it, and says so where outcomes are unknown."""
    dispatch.state, dispatch.error, dispatch.turn = State.UNKNOWN, NOBODY, dispatch.turn + 1
    session.flush()


def settle(
    session: Session, dispatch_id: int, decision: str, now: datetime, *, actor: str = ""
) -> Dispatch:
    """A person decides about an unknown message: sent, failed or resend."""
    dispatch = session.get(Dispatch, dispatch_id, with_for_update=True, populate_existing=True)
    if dispatch is None:
        raise NotFound("没有这条消息。")
    if dispatch.state != State.UNKNOWN:
        raise Refused("只有结果未知的消息需要处理。")
    by = f"（{actor}）" if actor else ""
    if decision == "sent":
        dispatch.state, dispatch.sent_at = State.SENT, dispatch.first_attempt_at or now
        dispatch.error = f"人工确认已送达{by}"
    elif decision == "failed":
        dispatch.state, dispatch.error = State.FAILED, f"人工确认未送达{by}"
    elif decision == "resend":
        if not dispatch.payload:
            raise Refused("这条消息的内容已按要求删除，不能重新发送。")
        _start_again(session, dispatch, now)
        dispatch.error = f"人工重新发送{by}"
    else:
        raise Refused("请选择：已送达、未送达或重新发送。")
    dispatch.turn += 1  # the answer of a late worker changes nothing any more
    session.flush()
    return dispatch


def _start_again(session: Session, dispatch: Dispatch, now: datetime) -> None:
    """As if it had never been tried, since a person says so; good for as long as at first."""
    good_for = GOOD_FOR[Way(dispatch.way)]
    dispatch.state, dispatch.not_before, dispatch.attempts = State.QUEUED, now, 0
    dispatch.maybe_sent, dispatch.first_attempt_at = False, None
    if dispatch.not_after is None or dispatch.not_after < now:
        dispatch.not_after = now + good_for
    ring_after_commit(session, DRAIN)


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
    session: Session, *, state: State | None = None, limit: int = 100, offset: int = 0
) -> Sequence[Dispatch]:
    """Messages, newest first."""
    chosen = select(Dispatch).order_by(Dispatch.id.desc()).limit(limit).offset(offset)
    if state:
        chosen = chosen.where(Dispatch.state == state)
    return session.scalars(chosen).all()


def undecided(session: Session, limit: int, *, left: bool = False) -> Sequence[Dispatch]:
    """Messages of unknown outcome, what is left to staff first (`left`: nothing else); of the rest
    the newest."""
    chosen = select(Dispatch).where(Dispatch.state == State.UNKNOWN)
    if left:
        chosen = chosen.where(Dispatch.error == NOBODY)
    ordered = chosen.order_by(Dispatch.error != NOBODY, Dispatch.id.desc())
    return session.scalars(ordered.limit(limit)).all()


def count_left(session: Session) -> int:
    """How many messages are left to staff."""
    left = select(func.count()).where(Dispatch.state == State.UNKNOWN, Dispatch.error == NOBODY)
    return session.scalar(left) or 0


_LATE = Direct(
    select(Dispatch.id)
    .where(Dispatch.state == State.QUEUED, Dispatch.not_after < bindparam("now"))
    .limit(1),
    int,
)
_CLAIM = (
    update(Dispatch)
    .where(
        Dispatch.id.in_(bindparam("ids", expanding=True)),
        Dispatch.state == State.QUEUED,
        Dispatch.not_before <= bindparam("at"),
    )
    .values(
        state=State.SENDING,
        attempts=Dispatch.attempts + 1,
        turn=Dispatch.turn + 1,
        error="",
        lease_until=bindparam("end"),
        first_attempt_at=func.coalesce(Dispatch.first_attempt_at, bindparam("at")),
    )
    .returning(Dispatch.id, Dispatch.turn)
)
