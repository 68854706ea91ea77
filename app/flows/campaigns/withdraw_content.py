"""Approved content is withdrawn: its links stop, and what is queued with it is cancelled."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from app import content
from app.content import ContentVersion, Stage
from app.flows.pages.meeting_changed import tell_of_change
from app.flows.sending.stop_sending import stop_sending


def withdraw_content(
    session: Session, version_id: int, *, reason: str, now: datetime
) -> ContentVersion:
    """Stop a version at once, everywhere, with those that it has replaced."""
    content_id = content.get_version(session, version_id).content_id
    before = content.approved_versions(session, content_id)
    version = content.withdraw(session, version_id, reason=reason, now=now)
    for one in before:
        if one.stage == Stage.WITHDRAWN:
            stop_sending(session, "内容已撤回", now, content_version_id=one.id)
    tell_of_change(session, version, now)
    return version
