"""Sending what the outbox holds: claim and commit, call the platform, record and commit.

Claims and records are made by one thread, many at a time when many are ready; the calls between
them run side by side, as many as the platform takes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from datetime import datetime
from functools import cache

from sqlalchemy.orm import Session

from app import delivery
from app.bootstrap import Parts
from app.delivery import Dispatch, State, Way
from app.delivery.channels import Delivered, Platforms, deliver, knock
from app.flows.sending.sent import after_sent
from app.infra import log
from app.infra.crashpoint import crashpoint
from app.infra.errors import YishuError
from workers.claiming import Claimed, claim_some, limits_of, sends, tidy
from workers.keeping import Keeper

AT_ONCE = 16  # calls of one process; the platforms' own limits are in the gates
PIECE = 10  # messages claimed in one transaction
LOOK_S = 1.0  # claim again after so long although no call has been answered
GATHER_S = 0.005  # wait so long for other answers, to record them with those that are there
RECORD_TRIES = 3

_log = log.get(__name__)


@dataclass(frozen=True, slots=True)
class Answered:
    """What the platform said to a message."""

    claimed: Claimed
    answer: Delivered | Exception


def send_due(parts: Parts, limit: int = 100, stop: Callable[[], bool] = lambda: False) -> int:
    """Send what is due; returns how many messages were sent, given up or put off.

    Ends when nothing may go now, after about `limit` messages, or when `stop` says so.
    """
    handled = tidy(parts)
    flying: dict[Future[Answered], Claimed] = {}
    with Keeper(parts.db, parts.clock, {"send": delivery.extend_leases}) as keeper:
        try:
            while True:
                room = min(PIECE, limit - handled - len(flying), AT_ONCE - len(flying))
                settled = _start(parts, keeper, flying, room) if room > 0 and not stop() else 0
                handled += settled
                if not flying:
                    if settled:
                        continue
                    return handled
                wait(flying, timeout=GATHER_S)
                done, _ = wait(flying, timeout=LOOK_S, return_when=FIRST_COMPLETED)
                if done:
                    _record_all(parts, [future.result() for future in done])
                for future in done:
                    _let_go(keeper, flying.pop(future))
                handled += len(done)
        finally:
            for claimed in flying.values():
                _let_go(keeper, claimed)


@log.about(dispatch_id="dispatch_id")
def send_one(parts: Parts, dispatch_id: int) -> None:
    """Send one message if it is due, permitted, and fits the limits."""
    claimed, _ = claim_some(parts, 1, dispatch_id)
    with Keeper(parts.db, parts.clock, {"send": delivery.extend_leases}) as keeper:
        for one in claimed:
            with keeper.holding("send", (one.id, one.turn)):
                _record_all(parts, [_call(parts, one)])


def _start(parts: Parts, keeper: Keeper, flying: dict[Future[Answered], Claimed], room: int) -> int:
    """Claim up to `room` messages and let their calls begin; returns how many need no call."""
    claimed, settled = claim_some(parts, room)
    for one in claimed:
        keeper.take("send", (one.id, one.turn))
        flying[_pool().submit(_call, parts, one)] = one
    return settled


def _let_go(keeper: Keeper, claimed: Claimed) -> None:
    keeper.let_go("send", (claimed.id, claimed.turn))


def _call(parts: Parts, claimed: Claimed) -> Answered:
    crashpoint("send.claimed")
    platforms = Platforms(parts.outside.wecom, parts.outside.official_accounts)
    answer: Delivered | Exception
    try:
        if claimed.knock:
            knock(platforms, claimed.message)
        answer = deliver(platforms, claimed.message)
    except Exception as problem:  # whatever happened must be recorded
        answer = problem
    crashpoint("send.called")
    return Answered(claimed, answer)


def _record_all(parts: Parts, answered: Sequence[Answered]) -> None:
    """Together in one transaction; if that fails, each on its own, several times."""
    if _recorded(parts, answered):
        return
    for one in answered:
        # If all tries fail its lease ends, and then its outcome is unknown.
        any(_recorded(parts, [one]) for _ in range(RECORD_TRIES))


def _recorded(parts: Parts, answered: Sequence[Answered]) -> bool:
    try:
        with parts.db.transaction() as session:
            _record(session, sorted(answered, key=_in_order), parts)
            crashpoint("send.recorded")
        crashpoint("send.committed")
    except Exception as problem:  # one message's trouble must not take the others along
        _log.error("answer not recorded", error=type(problem).__name__, number=len(answered))
        return False
    return True


def _record(session: Session, answered: Sequence[Answered], parts: Parts) -> None:
    now = parts.clock()
    rows = delivery.awaiting(session, {one.claimed.id: one.claimed.turn for one in answered})
    outcomes = {one.claimed.id: delivery.record(rows[one.claimed.id], one.answer, now)
                for one in answered if one.claimed.id in rows}  # fmt: skip
    session.flush()
    for one in answered:
        claimed, answer = one.claimed, one.answer
        if claimed.id not in rows:  # a person, or a worker after the lease, has decided meanwhile
            _log.warning("late answer left aside", dispatch_id=claimed.id, turn=claimed.turn)
            continue
        dispatch, outcome = rows[claimed.id], outcomes[claimed.id]
        stopped_until = delivery.note_answer(
            session, claimed.account, Way(dispatch.way), answer,
            began=claimed.at, now=now, limits=limits_of(parts),
        )  # fmt: skip
        if stopped_until is not None and outcome.state is State.QUEUED and outcome.counted:
            delivery.uncount(dispatch)
        _report(dispatch, answer, outcome.errcode, stopped_until)
        after_sent(session, dispatch, now)


def _in_order(answered: Answered) -> tuple[str, int]:
    """Accounts always in the same order, as where they are claimed."""
    return answered.claimed.account, answered.claimed.id


def _report(
    dispatch: Dispatch, answer: Delivered | Exception, errcode: int | None, until: datetime | None
) -> None:
    if dispatch.state in (State.FAILED, State.UNKNOWN):
        _log.warning(
            "message not delivered", dispatch_id=dispatch.id, way=dispatch.way,
            outcome=dispatch.state, errcode=errcode,
        )  # fmt: skip
    elif not isinstance(answer, Delivered | YishuError):
        _log.error("sending is broken", dispatch_id=dispatch.id, error=type(answer).__name__)
    if until is not None:
        _log.warning("platform stopped us", way=dispatch.way, errcode=errcode, until=until)
    sends.labels(dispatch.way, dispatch.state).inc()


@cache
def _pool() -> ThreadPoolExecutor:
    """The threads for calls, shared by all that send in this process."""
    return ThreadPoolExecutor(2 * AT_ONCE, thread_name_prefix="send")
