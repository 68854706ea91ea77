"""Choosing what to send: everything that is due, still wanted, permitted, and fits the limits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from prometheus_client import Counter
from sqlalchemy.orm import Session

from app import campaigns, delivery
from app.bootstrap import Parts
from app.consent import Verdict
from app.delivery import Dispatch, Gate, Limits, State, Way
from app.delivery.channels import Message
from app.flows.allowed.permission import verdict_for
from app.flows.answers import refusal
from app.flows.planning.card_text import bring_up_to_date, follow_versions
from app.flows.sending.sent import after_sent

# Obstacles that a message may sit out in the outbox.
WAITS_FOR = frozenset({"quiet_hours", "suppression_unknown"})
TOO_LATE = "已过有效时间"

sends = Counter("yishu_sends_total", "Messages by way and outcome", ["way", "outcome"])


@dataclass(frozen=True, slots=True)
class Claimed:
    """A message that this process sends now, permitted `at` that moment. `turn` proves it; `knock`:
    ask first whether the platform answers at all."""

    id: int
    turn: int
    account: str
    message: Message
    at: datetime
    knock: bool = False


def limits_of(parts: Parts) -> Limits:
    """What the settings say about the platform's limits."""
    chosen = parts.settings
    return Limits(chosen.yishu_send_concurrency, chosen.wecom_accounts)


def tidy(parts: Parts) -> int:
    """Take up what a dead worker left, give up what would come too late; returns how many."""
    with parts.db.reading() as session:
        now = parts.clock()
        if not (delivery.has_expired(session, now) or delivery.has_stale(session, now)):
            return 0
    with parts.db.transaction() as session:
        now = parts.clock()
        delivery.expire_leases(session, now)
        late = delivery.stale(session, now)
        for dispatch in late:
            _give_up(session, dispatch, TOO_LATE, now)
        return len(late)


def claim_some(parts: Parts, limit: int, only: int | None = None) -> tuple[list[Claimed], int]:
    """(what is to be sent now, how many messages were given up or put off meanwhile).

    One transaction. Messages that a limit holds back stay as they are, with the reason beside.
    """
    entered: dict[Dispatch, bool] = {}  # → is the platform to be asked first?
    settled = 0
    with parts.db.transaction() as session:
        now, gates, told = parts.clock(), dict[str, Gate](), set[str]()
        rows = delivery.pick(session, now, limit, only)
        for account in sorted({row.app_key for row in rows}):  # always in the same order
            gates[account] = Gate(session, account, now, limits_of(parts))
        follow_versions(session, rows, now)
        for row in rows:
            if not gates[row.app_key].is_open(Way(row.way)):
                continue
            if not _may_go(session, row, now):
                settled += 1
                continue
            knock = gates[row.app_key].needs_knock(Way(row.way))
            if _enters(session, gates[row.app_key], row, told, now):
                entered[row] = knock
        settled += _drop_unwanted(session, entered, gates, now)
        bring_up_to_date(session, list(entered), now)
        turns = delivery.claim(session, [row.id for row in entered], now)
        return [_claimed(row, turns[row.id], now, knock)
                for row, knock in entered.items() if row.id in turns], settled  # fmt: skip


def _may_go(session: Session, row: Dispatch, now: datetime) -> bool:
    """Is it still wanted and permitted? If not it is cancelled, put off, or left to a person."""
    if row.not_after is not None and now > row.not_after:
        _give_up(session, row, TOO_LATE, now)
        return False
    if not delivery.repeatable(row, now):
        _give_up(session, row, "可能已送达，且平台已不再查重，请人工确认", now)
        return False
    verdict = verdict_for(session, row, now)
    if verdict is None:
        return True
    if verdict.allowed or not row.maybe_sent:  # else that of the attempt is the proof
        row.verdict = verdict.as_json(now)
    if not verdict.allowed:
        _hold(session, row, verdict, now)
    return verdict.allowed


def _drop_unwanted(
    session: Session, entered: dict[Dispatch, bool], gates: Mapping[str, Gate], now: datetime
) -> int:
    """What a rep has answered since is cancelled, and its suggestion stays as the answer left it;
    what is being answered waits. Neither uses up a limit. Returns how many were cancelled."""
    why = refusal.left_alone(session, list(entered), now)
    for row in [row for row in entered if row.id in why]:
        del entered[row]
        gates[row.app_key].leave(Way(row.way), row.rep_id)
        if why[row.id]:
            delivery.cancel(session, row, why[row.id])
            sends.labels(row.way, row.state).inc()
    return sum(map(bool, why.values()))


def _enters(session: Session, gate: Gate, row: Dispatch, told: set[str], now: datetime) -> bool:
    """Is there room for it? If not, it and all like it say what they wait for."""
    wait = gate.enter(Way(row.way), row.rep_id)
    if wait is not None and wait.words not in row.error and str(wait) not in told:
        told.add(str(wait))
        session.flush()
        delivery.say_why(session, wait, now)
    return wait is None


def _claimed(row: Dispatch, turn: int, now: datetime, knock: bool) -> Claimed:
    message = Message(Way(row.way), row.payload, row.task_id)
    return Claimed(row.id, turn, row.app_key, message, now, knock)


def _hold(session: Session, dispatch: Dispatch, verdict: Verdict, now: datetime) -> None:
    """Not permitted now: later when the only obstacle is the hour, else never."""
    until = verdict.allowed_again_at
    if until is not None and {reason.code for reason in verdict.reasons} <= WAITS_FOR:
        delivery.postpone(session, dispatch, until, verdict.whole, now)
        if dispatch.state == State.CANCELLED:
            after_sent(session, dispatch, now)
    else:
        _give_up(session, dispatch, verdict.whole, now)


def _give_up(session: Session, dispatch: Dispatch, why: str, now: datetime) -> None:
    before = f"（{dispatch.error}）" if dispatch.error and why == TOO_LATE else ""
    delivery.cancel(session, dispatch, why + before)
    after_sent(session, dispatch, now)
    if dispatch.state == State.CANCELLED:  # a worker had it when a newer version began
        campaigns.go_on_soon(session, dispatch.campaign_id, dispatch.content_version_id, why, now)
    sends.labels(dispatch.way, dispatch.state).inc()
