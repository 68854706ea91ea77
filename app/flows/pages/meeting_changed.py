"""A meeting gets another time or place, or is off: who has said yes would come in vain, and their
reps hear of it. The physicians themselves are asked again on the page of their invitation."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from app import content, journey
from app.content import ContentVersion
from app.flows.pages.meetings import MEETING
from app.flows.sending import notices
from app.flows.sending.material import when_and_where
from app.flows.sending.tell_rep import tell_rep, tell_staff
from app.journey import MeetingAnswer


def tell_of_change(session: Session, was: ContentVersion, now: datetime) -> None:
    """`was` is no longer in force. Nobody hears of what is over or has never begun, nor of other
    words for the same meeting."""
    begun = was.valid_from is not None and was.valid_from <= now
    if not begun or was.kind != MEETING or was.starts_at is None or was.starts_at <= now:
        return
    newer = _instead(session, was.content_id, now)
    if newer is not None and (newer.starts_at, newer.place) == (was.starts_at, was.place):
        return
    instead = when_and_where(newer) if newer is not None else ""
    notice = notices.meeting_changed(was.title, when_and_where(was), instead)
    asked = journey.meetings.answers(session, MeetingAnswer.content_id == was.content_id)
    for given, one_id in asked:
        if given.coming:
            key = f"meeting:{given.id}:changed:{was.id}"
            if not tell_rep(session, one_id, notice, key=key, now=now, first=given.rep_id):
                tell_staff(session, given.identifier_id, one_id, notice, key=key, now=now)


def _instead(session: Session, content_id: int, now: datetime) -> ContentVersion | None:
    """What is in force, or the next that will be; None: the meeting is off."""
    here = content.usable_version(session, content_id, now)
    return here or next(iter(content.approved_versions(session, content_id)), None)
