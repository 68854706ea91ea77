"""A policy asked for the gate: judged by what was decided before."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.orm import Session

from app.flows.learning.decided import Known, decided
from app.recommend.policy import gate, policies
from app.recommend.policy.drawing import Knobs
from app.recommend.policy.gate import Verdict
from app.recommend.policy.policy_models import DecisionKind, Policy


def judge(session: Session, policy: Policy, now: datetime) -> Verdict:
    """Beside the one that is live, by the log where contents were drawn; before that, by how little
    the policy changes. What was drawn may be of a trial that ended, and of few reps."""
    known = decided(session, policy.worth, now)
    knobs, usual = policies.knobs(policy), policies.knobs(policies.current(session, now))
    drawn = [one for one in known if one.kind == DecisionKind.EXACT]
    if len(drawn) < gate.EFFECTIVE and len(drawn) <= len(known) / 2:
        return gate.bounded(_under(usual, known), _under(knobs, known), usual, knobs)
    logged = [one.logged for one in drawn]
    return gate.by_logs(logged, _under(knobs, drawn), _under(usual, drawn))


def _under(knobs: Knobs, rows: Sequence[Known]) -> list[Sequence[float]]:
    return [one.under(knobs) for one in rows]
