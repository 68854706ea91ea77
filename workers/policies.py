"""Policies of suggestions: the gate when somebody asks, the trial every night."""

from __future__ import annotations

from sqlalchemy.orm import Session

from app import accounts
from app.bootstrap import Parts
from app.flows.learning import decided, gating, trial
from app.infra import log
from app.recommend.policy import policies
from app.recommend.policy.policy_models import Policy, PolicyState

_log = log.get(__name__)


def gate_next(parts: Parts) -> int:
    """Judge the policy that waits longest; returns how many were judged, 0 or 1."""
    now = parts.clock()
    with parts.db.reading() as session:
        asked = policies.next_asked(session)
        if asked is None:
            return 0
        verdict = gating.judge(session, asked, now)  # outside: it may take seconds
    with parts.db.transaction() as session:
        row = policies.note_gate(session, asked.version, _dated(verdict.as_json(), parts))
        if row is None:  # taken back, or another worker was faster
            return 0
        _audit(parts, session, row)
    _log.info("policy judged", version=asked.version, passed=verdict.passed, basis=verdict.basis)
    return 1


def keep_trial(parts: Parts) -> bool:
    """True when tonight's judgement of a trial was done now."""
    now = parts.clock()
    with parts.db.reading() as session:
        due, old = trial.is_due(session, now), decided.has_old_deviations(session, now)
    if old:
        with parts.db.transaction() as session:
            decided.forget_deviations(session, now)
    if not due:
        return False
    with parts.db.transaction() as session:
        found = trial.judge_trial(session, now)
    if found is None:
        return False
    _log.info("trial judged", next=found.next.value, because=found.because, days=found.days)
    return True


def _dated(verdict: dict[str, object], parts: Parts) -> dict[str, object]:
    return verdict | {"at": parts.clock().isoformat()}


def _audit(parts: Parts, session: Session, row: Policy) -> None:
    action = "policy.gated" if row.state == PolicyState.GATED else "policy.failed"
    accounts.audit(session, policies.SYSTEM, action, "plan_policy", row.version, now=parts.clock())
