"""A meeting gets another time or place, or is off: who has said yes would come in vain, and their
reps hear of it. The physicians themselves are asked again on the page of their invitation."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from app import content, journey
from app.content import ContentVersion
from app.flows.pages.meetings import MEETING, took_place
from app.flows.sending import notices
from app.flows.sending.material import when_and_where
from app.flows.sending.tell_rep import tell_rep, tell_staff
from app.journey import MeetingAnswer


def tell_of_change(session: Session, was: ContentVersion, now: datetime) -> None:
    """`was` is no longer approved. Nobody hears of what is over, of what was for later while
    another is in force, or of other words for the same meeting; nor who came to an earlier one."""
    if was.kind != MEETING or was.starts_at is None or was.starts_at <= now:
        return
    here = content.usable_version(session, was.content_id, now)
    begun = was.valid_from is not None and was.valid_from <= now
    if here is not None and not begun:
        return
    newer = here or _next(session, was.content_id, now)
    if newer is not None and _when_and_where(newer) == _when_and_where(was):
        return
    instead = when_and_where(newer) if newer is not None else ""
    again = newer is not None and newer.starts_at != was.starts_at
    notice = notices.meeting_changed(was.title, when_and_where(was), instead, again=again)
    asked = journey.meetings.answers(session, MeetingAnswer.content_id == was.content_id)
    over = took_place(session, [given for given, _ in asked], now)
    for given, one_id in asked:
        if given.coming and given.id not in over:
            key = f"meeting:{given.id}:changed:{was.id}"
            if not tell_rep(session, one_id, notice, key=key, now=now, first=given.rep_id):
                tell_staff(session, given.identifier_id, one_id, notice, key=key, now=now)


def _when_and_where(version: ContentVersion) -> tuple[datetime | None, str | None]:
    """Who comes to a place needs no link."""
    return version.starts_at, version.place or version.url


def _next(session: Session, content_id: int, now: datetime) -> ContentVersion | None:
    """What will be in force when nothing is; None: the meeting is off."""
    later = {
        one.valid_from: one
        for one in content.approved_versions(session, content_id)
        if one.valid_from is not None and one.valid_from > now
    }
    return later[min(later)] if later else None
