"""A new version of a content is approved: the old one is taken back from what waits, and pushes
that are under way go on with the new one."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from app import campaigns, content
from app.content import ContentVersion, Stage
from app.flows.sending.stop_sending import stop_sending


def approve_content(
    session: Session, version_id: int, *, approver: str, approval_no: str, valid_from: datetime,
    valid_until: datetime, now: datetime, note: str = "",
) -> ContentVersion:  # fmt: skip
    """As `content.approve`."""
    content_id = content.get_version(session, version_id).content_id
    before = [
        version
        for version in content.versions_of(session, content_id)
        if version.stage == Stage.APPROVED
    ]
    approved = content.approve(
        session, version_id, approver=approver, approval_no=approval_no, valid_from=valid_from,
        valid_until=valid_until, note=note, now=now,
    )  # fmt: skip
    for version in before:
        stop_sending(session, version.withdraw_reason, now, content_version_id=version.id)
        campaigns.go_on(session, version, now)
    return approved
