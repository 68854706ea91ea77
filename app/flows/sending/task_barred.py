"""Why a group task that waits for its rep may not reach the physician any more.

Asked again until it is confirmed, as of moments (`moment_barred`): only what stays counts, and
neither the hour nor who chatted last does. Nor may one that was meant for last week go out.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from app import campaigns, content, delivery, reps
from app.consent import Through
from app.delivery import Dispatch
from app.flows.allowed import eligible
from app.flows.allowed.permission import asker, was_somebody_else
from app.flows.sending.moment_barred import PASSES, SPLIT
from app.identity import Identifier

LATE = "群发任务一周没有确认，已取消"


def why_barred(session: Session, dispatch: Dispatch, now: datetime) -> str:
    """In words; empty: nothing is against it."""
    row = session.get(Identifier, dispatch.identifier_id)
    if row is None or dispatch.rep_id is None or dispatch.content_version_id is None:
        return ""
    rep = reps.get_rep(session, dispatch.rep_id)
    version = content.get_version(session, dispatch.content_version_id)
    ask = asker(
        session, rep, [row], Through.REP, now, before=dispatch, campaign_id=dispatch.campaign_id
    )
    problem = content.problem(session, version, now)
    reasons = (
        *ask.verdict(row, now, content_problem=problem).reasons,
        *eligible.reasons_for(session, rep, row.one_id, version, now),
    )
    words = [campaigns.why_stopped(session, dispatch.campaign_id)]
    words += [reason.text for reason in reasons if reason.code not in PASSES]
    if delivery.is_late(dispatch, now):
        words.append(LATE)
    if was_somebody_else(dispatch, row.split_at, now):
        words.append(SPLIT)
    return "；".join(word for word in words if word)
