"""What people do with policies, from the console, the API and the command line: with audit."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy.orm import Session

from app import accounts
from app.flows.learning import trial
from app.infra.errors import Refused
from app.recommend.policy import policies
from app.recommend.policy.policies import Settings
from app.recommend.policy.policy_models import Policy

KIND = "plan_policy"  # of the audit; `policy` are the rules of contact
ANEW = "policy.begun_anew"  # a trial, since `because` is no longer what it is compared with


class Act(StrEnum):
    """What may be done with a policy; which of them now, says its state."""

    GATE = "gate"
    TRY = "try"
    LIVE = "live"
    BACK = "back"
    DISCARD = "discard"


DONE = {
    Act.GATE: "policy.asked", Act.TRY: "policy.tried", Act.LIVE: "policy.live",
    Act.BACK: "policy.rolled_back", Act.DISCARD: "policy.discarded",
}  # fmt: skip


def draft(session: Session, settings: Settings, *, by: str, now: datetime) -> Policy:
    """A new version. Raises Refused."""
    row = policies.draft(session, settings, by=by, now=now)
    accounts.audit(session, by, "policy.created", KIND, row.version, now=now)
    return row


def hold_out(
    session: Session, share: float, start: int, *, by: str, reason: str, now: datetime
) -> Policy:
    """Another holdout, from the next plans on. Raises Refused."""
    row = policies.hold_out(session, share, start, by=by, reason=reason, now=now)
    accounts.audit(session, by, "policy.holdout", KIND, row.version, now=now, share=share)
    return row


def act(
    session: Session, version: int, what: Act, *, by: str, now: datetime, reason: str = ""
) -> Policy:
    """Do it. Raises Refused, NotFound."""
    if what is Act.GATE:
        row = policies.ask_gate(session, version)
    elif what is Act.TRY:
        row = trial.start(session, version, now)
    elif what is Act.LIVE:
        row = policies.go_live(session, version, by=by, now=now)
    elif what is Act.DISCARD:
        row = policies.discard(session, version, by=by, now=now)
    else:
        if not reason.strip():
            raise Refused("请写明为什么停止或退回，其他人会看到。")
        why = {"code": "person", "text": reason.strip()[:300]}
        row, anew = policies.roll_back(session, version, why, by=by, now=now)
        if anew is not None:
            accounts.audit(session, by, ANEW, KIND, anew.version, now=now, because=version)
    accounts.audit(session, by, DONE[what], KIND, version, now=now)
    return row
