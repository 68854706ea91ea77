"""What follows from a message's outcome: the suggestion moves on, the journey gets a line."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from app import journey, reps
from app.delivery import Dispatch, Way
from app.delivery import State as Sending
from app.journey import Happened
from app.recommend import State, Suggestion

TO_PHYSICIAN = {Way.OA_TEXT: "oa", Way.OA_TEMPLATE: "oa", Way.WELCOME: "wecom"}


def after_sent(session: Session, dispatch: Dispatch, now: datetime) -> None:
    """Called in the transaction that records the outcome."""
    suggestion = session.get(Suggestion, dispatch.suggestion_id) if dispatch.suggestion_id else None
    sent = dispatch.state == Sending.SENT
    if dispatch.way == Way.REP_CARD and suggestion is not None:
        if sent and suggestion.state == State.PLANNED:
            suggestion.state, suggestion.delivered_at = State.DELIVERED, now
        elif dispatch.state in (Sending.CANCELLED, Sending.FAILED):
            suggestion.state = State.CANCELLED
    if not sent or dispatch.identifier_id is None:
        return
    if dispatch.way in TO_PHYSICIAN:
        kind = Happened.CONTENT_SENT if dispatch.content_version_id else Happened.MESSAGE_SENT
        journey.note(
            session, dispatch.identifier_id, kind, channel=TO_PHYSICIAN[Way(dispatch.way)], at=now,
            ref=f"dispatch:{dispatch.id}", rep_id=dispatch.rep_id,
            content_version_id=dispatch.content_version_id, campaign_id=dispatch.campaign_id,
        )  # fmt: skip
    elif dispatch.counts_as_contact and dispatch.way == Way.REP_TEXT and dispatch.rep_id:
        journey.note(
            session, dispatch.identifier_id, Happened.CONTENT_SENT, channel="wecom", at=now,
            ref=f"dispatch:{dispatch.id}", rep_id=dispatch.rep_id,
            content_version_id=dispatch.content_version_id, campaign_id=dispatch.campaign_id,
        )  # fmt: skip
        reps.note_chat(session, dispatch.rep_id, dispatch.identifier_id, now)
