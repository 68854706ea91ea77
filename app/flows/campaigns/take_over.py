"""A version of a content takes the place of the one before it: when it is approved, or later, when
it begins."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import update
from sqlalchemy.orm import Session

from app import campaigns, content
from app.content import ContentVersion
from app.flows.pages.meeting_changed import tell_of_change
from app.flows.planning.card_text import renew_waiting
from app.flows.sending.stop_sending import stop_sending
from app.recommend import State, Suggestion

OPEN = (State.PLANNED, State.DELIVERED, State.LATER)


def begin(session: Session, replaced_id: int, now: datetime) -> bool:
    """The successor of this version has begun; False when somebody else has seen it first."""
    version = content.give_way(session, replaced_id, now=now)
    if version is not None:
        take_over(session, version, now)
    return version is not None


def take_over(session: Session, replaced: ContentVersion, now: datetime) -> None:
    """Cards of daily plans that wait, and reps who are still to answer, are about the new one; all
    else that waits with the old one is taken back, and pushes that are under way go on with it."""
    newer = content.usable_version(session, replaced.content_id, now)
    if newer is not None:
        renew_waiting(session, replaced.id, newer)
    stop_sending(session, replaced.withdraw_reason, now, content_version_id=replaced.id)
    if newer is not None:
        waiting = Suggestion.content_version_id == replaced.id, Suggestion.state.in_(OPEN)
        session.execute(update(Suggestion).where(*waiting).values(content_version_id=newer.id))
    campaigns.go_on(session, replaced, now)
    tell_of_change(session, replaced, now)
