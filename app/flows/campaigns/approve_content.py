"""A new version of a content is approved: it takes the place of the old one, see `take_over`."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from app import content
from app.content import ContentVersion, Stage
from app.flows.campaigns.take_over import take_over


def approve_content(
    session: Session, version_id: int, *, approver: str, approval_no: str, valid_from: datetime,
    valid_until: datetime, now: datetime, note: str = "",
) -> ContentVersion:  # fmt: skip
    """As `content.approve`; what begins later takes over then."""
    content_id = content.get_version(session, version_id).content_id
    before = content.approved_versions(session, content_id)
    approved = content.approve(
        session, version_id, approver=approver, approval_no=approval_no, valid_from=valid_from,
        valid_until=valid_until, note=note, now=now,
    )  # fmt: skip
    for version in before:
        if version.stage == Stage.WITHDRAWN:
            take_over(session, version, now)
    return approved
