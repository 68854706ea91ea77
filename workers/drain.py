"""Working through the inbox: translate, prepare outside, apply and finish in one transaction."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from prometheus_client import Counter

from app import completeness, facts, inbox
from app.bootstrap import Parts
from app.connectors.official_account import translate as oa_translate
from app.connectors.wecom import translate as wecom_translate
from app.flows import Received, flow_for
from app.inbox import Claim
from app.infra import log
from app.infra.crashpoint import crashpoint
from app.infra.errors import Permanent, YishuError

BATCH = 100  # partitions looked up at a time
BUDGET = timedelta(seconds=60)  # then the next bell or poll goes on, and others get a turn

TRANSLATORS: dict[str, Callable[[bytes, str], facts.Fact]] = {
    "wecom": wecom_translate.translate,
    "oa": oa_translate.translate,
    completeness.SOURCE: completeness.translate,
}

_handled = Counter("yishu_inbox_handled_total", "Inbox events by outcome", ["outcome"])
_log = log.get(__name__)


def drain_inbox(
    parts: Parts, *, limit: int = 1000, stop: Callable[[], bool] = lambda: False
) -> int:
    """Handle what is due; returns how many attempts were made.

    Ends when nothing is due, after `limit` attempts, after `BUDGET`, or when `stop` says so.
    """
    made, until = 0, parts.clock() + BUDGET
    while True:
        with parts.db.reading() as session:
            partitions = inbox.due_partitions(session, parts.clock(), BATCH)
        before = made
        for partition in partitions:
            if stop() or made >= limit or parts.clock() > until:
                return made
            made += _attempt(parts, partition)
        if made == before:
            return made


def _attempt(parts: Parts, partition: bytes) -> bool:
    with parts.db.transaction() as session:
        claim = inbox.begin(session, partition, parts.clock())
    if claim is None:
        return False
    crashpoint("drain.claimed")
    try:
        outcome = _handle(parts, partition, claim)
    except Exception as problem:  # any failure counts as an attempt, nothing may escape
        outcome = _failed(parts, claim, problem)
    _handled.labels(outcome).inc()
    return True


@log.about(event_id="claim.id")
def _handle(parts: Parts, partition: bytes, claim: Claim) -> str:
    fact = _translate(claim)
    flow = None if isinstance(fact, facts.Unknown) else flow_for(fact)
    prepared = flow.prepare(fact, parts.outside) if flow else None
    crashpoint("drain.prepared")
    with parts.db.transaction() as session:
        event = inbox.lock(session, partition, claim)
        if event is None:
            return "elsewhere"
        now = parts.clock()
        if flow is None:
            inbox.keep_unknown(event, _why_unknown(fact), now)
            return "unknown"
        flow.apply(session, fact, prepared, Received(claim.id, claim.received_at), now)
        inbox.finish(event, now)
        crashpoint("drain.applied")
    crashpoint("drain.committed")
    return "done"


def _translate(claim: Claim) -> facts.Fact:
    translate = TRANSLATORS.get(claim.source)
    if translate is None:
        return facts.Unknown(at=claim.received_at, reason=f"no translator for {claim.source}")
    return translate(claim.body, claim.receiver)


def _why_unknown(fact: facts.Fact) -> str:
    if isinstance(fact, facts.Unknown):
        return fact.reason
    return f"no flow handles {type(fact).__name__} yet"


@log.about(event_id="claim.id")
def _failed(parts: Parts, claim: Claim, problem: Exception) -> str:
    error = explain(problem)
    wait = timedelta(seconds=getattr(problem, "retry_after_s", None) or 0)
    with parts.db.transaction() as session:
        parked = inbox.fail(
            session, claim, error, parts.clock(),
            final=isinstance(problem, Permanent), retry_after=wait,
        )  # fmt: skip
    _log.warning("event failed", event_id=claim.id, attempt=claim.attempts, error=error)
    return "dead" if parked else "failed"


def explain(problem: Exception) -> str:
    """What went wrong without any content: our own sentence, or type and place."""
    if isinstance(problem, YishuError):
        return f"{type(problem).__name__}: {problem}"
    trace = problem.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    place = f"{trace.tb_frame.f_code.co_name}:{trace.tb_lineno}" if trace else "?"
    return f"{type(problem).__name__} in {place}"
