"""A physician opened or read a tracked page: the journey, the tags, the suggestion's result."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from app import content, journey, links, tagging
from app.journey import Happened
from app.links import PageView, TrackedLink
from app.recommend import Suggestion
from app.tagging import Source

CONFIDENCE_READ = 0.9


def page_opened(session: Session, link: TrackedLink, view: PageView, now: datetime) -> None:
    """The link reached its reader: note it once per visit."""
    if link.suggestion_id:
        suggestion = session.get(Suggestion, link.suggestion_id)
        if suggestion is not None and suggestion.forwarded_at is None:
            suggestion.forwarded_at = now
    if link.identifier_id is not None:
        journey.note(
            session, link.identifier_id, Happened.CONTENT_OPENED, channel="page", at=now,
            ref=f"view:{view.id}:open", rep_id=link.rep_id,
            content_version_id=link.content_version_id, campaign_id=link.campaign_id,
        )  # fmt: skip


def page_progressed(
    session: Session,
    link: TrackedLink,
    view: PageView,
    *,
    visible_s: float,
    depth_pct: int,
    now: datetime,
) -> None:
    """Reading progress; when it counts as read, the content's tags are asserted."""
    version = content.get_version(session, link.content_version_id)
    read = links.progress(
        session, view, visible_s=visible_s, depth_pct=depth_pct,
        reading_seconds=content.reading_seconds(version.body), now=now,
    )  # fmt: skip
    if not read or link.identifier_id is None:
        return
    journey.note(
        session, link.identifier_id, Happened.CONTENT_READ, channel="page", at=now,
        ref=f"view:{view.id}:read", rep_id=link.rep_id, content_version_id=version.id,
        campaign_id=link.campaign_id,
    )  # fmt: skip
    for tag_id, weight in content.tags_of(session, version.id).items():
        tagging.assert_tag(
            session, link.identifier_id, tag_id, source=Source.CONTENT_READ,
            ref=f"view:{view.id}", evidence=f"读完《{version.title}》",
            confidence=CONFIDENCE_READ * min(1.0, weight), at=now,
        )  # fmt: skip
