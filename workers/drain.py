"""Working through the inbox: claim, ask the platforms, apply and finish in one transaction.

Claims are made many at a time, and what is ready is applied many at a time, so that a commit is
shared; the calls to the platforms between them run side by side. One event of a contact is in
hand at a time. An event that was tried before is applied alone, and of those whose last attempt
ended without a word a process has only one in hand: whatever kills its process costs its
neighbours one attempt at most.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from datetime import timedelta
from functools import cache

from prometheus_client import Counter
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from app import facts, inbox
from app.bootstrap import Parts
from app.flows import Flow, Received
from app.inbox import Claim
from app.infra import log
from app.infra.crashpoint import crashpoint
from app.infra.errors import Permanent, Transient, YishuError
from workers.keeping import Keeper
from workers.reading import read, why_unknown

AT_ONCE = 32  # events of one drain that ask the platforms; as many again are being applied
LOW = AT_ONCE // 2  # claim again when so few are left, so that claims are shared
GATHER_S = 0.02  # wait so long for others that can be applied with those that are ready
LOOK_S = 0.25  # claim again after so long although all that is in hand still waits for an answer
SLICE_S = 0.02  # a transaction ends after so long: SQLite lets nobody else write meanwhile
LONG_SLICE_S = 0.1  # PostgreSQL does
BUDGET = timedelta(seconds=60)  # then the next bell or poll goes on, and others get a turn

_suspect_in_hand = threading.Lock()  # of all drains of this process
_handled = Counter("yishu_inbox_handled_total", "Inbox events by outcome", ["outcome"])
for _outcome in ("done", "failed", "dead", "unknown"):
    _handled.labels(_outcome)  # 0 is told, too: what is absent alarms nobody
_log = log.get(__name__)


@dataclass(frozen=True, slots=True)
class Ready:
    """An event that is read; `prepared` is what the platform said, or why it said nothing."""

    claim: Claim
    fact: facts.Fact
    flow: Flow | None
    prepared: object = None
    problem: Exception | None = None


def drain_inbox(
    parts: Parts, *, limit: int = 1000, stop: Callable[[], bool] = lambda: False
) -> int:
    """Handle what is due; returns how many attempts were made.

    Ends when nothing is due, after `limit` attempts, after `BUDGET`, or when `stop` says so.
    """
    made, until = 0, parts.clock() + BUDGET
    flying: dict[Future[Ready], Claim] = {}
    ready: list[Ready] = []
    with Keeper(parts.db, parts.clock, {"event": inbox.extend_leases}) as keeper:
        try:
            while True:
                over = stop() or made >= limit or parts.clock() > until
                room = 0 if over or len(flying) > LOW else min(AT_ONCE - len(flying), limit - made)
                claims = _claim_some(parts, room, spare=bool(ready or flying))
                made += len(claims)
                for claim in claims:
                    keeper.take("event", (claim.id, claim.attempts))
                    flying[_pool().submit(_prepare, parts, claim)] = claim
                if not ready and not flying:
                    return made
                _apply_all(parts, ready)  # while the next ones ask the platforms
                for one in ready:
                    keeper.let_go("event", (one.claim.id, one.claim.attempts))
                _let_suspects_go(one.claim for one in ready)
                ready.clear()
                ready = _land(flying)
        finally:
            _let_suspects_go([*flying.values(), *(one.claim for one in ready)])


@cache
def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(AT_ONCE, thread_name_prefix="prepare")


def _claim_some(parts: Parts, room: int, *, spare: bool) -> list[Claim]:
    """Up to `room`; none when that fails and there is something else to do (`spare`)."""
    if room <= 0:
        return []
    claims: list[Claim] = []
    free = _suspect_in_hand.acquire(blocking=False)
    try:
        claims = _begin_some(parts, room, suspects=free)
    except SQLAlchemyError:  # what is in hand must not lose its attempt over it
        if not spare:
            raise
    finally:
        if free and not any(claim.suspect for claim in claims):
            _suspect_in_hand.release()
    return claims


def _begin_some(parts: Parts, room: int, *, suspects: bool) -> list[Claim]:
    with parts.db.reading() as session:
        found = inbox.due(session, parts.clock(), room, suspects=suspects)
    if not found:
        return []
    with parts.db.transaction() as session:
        claims = inbox.begin(session, found, parts.clock())
    crashpoint("drain.claimed")
    return claims


def _let_suspects_go(claims: Iterable[Claim]) -> None:
    if any(claim.suspect for claim in claims):
        _suspect_in_hand.release()


@log.about(event_id="claim.id")
def _prepare(parts: Parts, claim: Claim) -> Ready:
    try:
        fact, flow = read(claim)
        prepared = flow.prepare(fact, parts.outside) if flow else None
    except Exception as problem:  # any failure counts as an attempt, nothing may escape
        unread = facts.Unknown(at=claim.received_at, reason="")
        return Ready(claim, unread, None, problem=problem)
    return Ready(claim, fact, flow, prepared)


def _land(flying: dict[Future[Ready], Claim]) -> list[Ready]:
    """Those that can be applied, oldest first."""
    wait(flying, timeout=GATHER_S)
    done, _ = wait(flying, timeout=LOOK_S, return_when=FIRST_COMPLETED)
    for future in done:
        del flying[future]
    return sorted((future.result() for future in done), key=lambda ready: ready.claim.id)


def _apply_all(parts: Parts, ready: Sequence[Ready]) -> None:
    if ready:
        crashpoint("drain.prepared")
    for one in ready:
        if one.problem is not None:
            _fail(parts, one.claim, one.problem)
    sound = [one for one in ready if one.problem is None]
    fresh = [one for one in sound if one.claim.attempts == 1]
    while fresh:
        fresh = fresh[_apply_together(parts, fresh) :]
    for one in sound:
        if one.claim.attempts > 1:
            _apply_alone(parts, one)


def _apply_together(parts: Parts, ready: Sequence[Ready]) -> int:
    """Apply as many as a slice of time holds; returns how many, each alone if one cannot be."""
    outcomes: list[str] = []
    try:
        with parts.db.transaction() as session:
            for outcome in _apply(session, parts, ready):
                outcomes.append(outcome)
            crashpoint("drain.applied")
    except Exception as problem:
        tried = ready[: len(outcomes) + 1]
        if len(tried) == 1:
            _fail(parts, tried[0].claim, problem)
            return 1
        for one in tried:  # one cannot be applied, or the commit failed: that is each one's own
            _apply_alone(parts, one)
        return len(tried)
    crashpoint("drain.committed")
    for outcome in outcomes:
        _handled.labels(outcome).inc()
    return len(outcomes)


def _apply_alone(parts: Parts, one: Ready) -> None:
    try:
        with parts.db.transaction() as session:
            (outcome,) = _apply(session, parts, [one])
    except Exception as problem:  # any failure counts as an attempt, nothing may escape
        _fail(parts, one.claim, problem)
        return
    _handled.labels(outcome).inc()


def _apply(session: Session, parts: Parts, ready: Sequence[Ready]) -> Iterator[str]:
    """What became of each, for as many as a slice of time holds."""
    alone = session.get_bind().dialect.name == "sqlite"
    end = time.monotonic() + (SLICE_S if alone else LONG_SLICE_S)
    held = inbox.hold(session, [one.claim for one in ready])
    done: list[int] = []
    for one in ready:
        if one.claim.id not in held:
            yield "elsewhere"
            continue
        now = parts.clock()
        if one.flow is None:
            inbox.keep_unknown(session, one.claim.id, why_unknown(one.fact), now)
            yield "unknown"
            continue
        received = Received(one.claim.id, one.claim.received_at)
        one.flow.apply(session, one.fact, one.prepared, received, now)
        session.flush()
        session.expunge_all()  # the next one must see what others have committed since
        done.append(one.claim.id)
        yield "done"
        if time.monotonic() > end:
            break
    inbox.finish(session, done, parts.clock())


@log.about(event_id="claim.id")
def _fail(parts: Parts, claim: Claim, problem: Exception) -> None:
    error = explain(problem)
    wait_for = timedelta(seconds=getattr(problem, "retry_after_s", None) or 0)
    with parts.db.transaction() as session:
        parked = inbox.fail(
            session, claim, error, parts.clock(),
            final=isinstance(problem, Permanent), retry_after=wait_for,
            patient=isinstance(problem, Transient),
        )  # fmt: skip
    _log.warning("event failed", attempt=claim.attempts, error=error)
    _handled.labels("dead" if parked else "failed").inc()


def explain(problem: Exception) -> str:
    """What went wrong without any content: our own sentence, or type and place."""
    if isinstance(problem, YishuError):
        return f"{type(problem).__name__}: {problem}"
    trace = problem.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    place = f"{trace.tb_frame.f_code.co_name}:{trace.tb_lineno}" if trace else "?"
    return f"{type(problem).__name__} in {place}"
