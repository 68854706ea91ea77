"""A policy asked for the gate: judged by what was decided before."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.orm import Session

from app.flows.learning.decided import Known, decided
from app.recommend.policy import gate, policies
from app.recommend.policy.gate import Verdict
from app.recommend.policy.policy_models import DecisionKind, Policy


def judge(session: Session, policy: Policy, now: datetime) -> Verdict:
    """Beside the one that is live, by the log where contents were drawn; before that, by how little
    the policy changes. What was drawn may be of a trial that ended, and of few reps."""
    known = decided(session, policy.worth, now)
    knobs = policies.knobs(policy)
    drawn = [one for one in known if one.kind == DecisionKind.EXACT]
    if len(drawn) < gate.EFFECTIVE and len(drawn) <= len(known) / 2:
        return gate.bounded(*_both(known, policy), knobs.floor, knobs.alpha)
    usual = policies.knobs(policies.current(session, now))
    logged, new = [one.logged for one in drawn], [one.under(knobs) for one in drawn]
    return gate.by_logs(logged, new, [one.under(usual) for one in drawn])


def _both(
    known: Sequence[Known], policy: Policy
) -> tuple[list[Sequence[float]], list[Sequence[float]]]:
    knobs = policies.knobs(policy)
    return [one.logged.chances for one in known], [one.under(knobs) for one in known]
