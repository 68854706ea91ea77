"""Tracked links, their page views, keys of physicians' own pages, and the QR codes through which
physicians arrive."""

from __future__ import annotations

import re
import secrets
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, delete, select
from sqlalchemy.orm import Session

from app.identity import changed
from app.infra.db import insert_once
from app.links.codes import codes, create_code, find_code, retire_code
from app.links.models import ChannelCode, OwnLink, PageView, TrackedLink
from app.links.own import create_own, find_own, without_own
from app.links.reading import counts_as_read, plausible

__all__ = [
    "ChannelCode",
    "OwnLink",
    "PageView",
    "TrackedLink",
    "codes",
    "create_code",
    "create_link",
    "create_own",
    "find_code",
    "find_link",
    "find_own",
    "forget_unseen",
    "is_token",
    "open_page",
    "progress",
    "retire_code",
    "without_own",
]

LIFETIME = timedelta(days=180)
_TOKEN = re.compile(r"[A-Za-z0-9_-]{16}")
_VISIT = re.compile(r"[A-Za-z0-9_-]{8,32}")


def is_token(text: str) -> bool:
    """True for the form of our tokens: 96 random bits, base64url."""
    return bool(_TOKEN.fullmatch(text))


def create_link(
    session: Session,
    content_version_id: int,
    *,
    channel: str,
    now: datetime,
    identifier_id: int | None = None,
    rep_id: int | None = None,
    suggestion_id: int | None = None,
    campaign_id: int | None = None,
) -> TrackedLink:
    """A link for one recipient, good for 180 days (the content's own validity rules as well)."""
    link = TrackedLink(
        token=secrets.token_urlsafe(12), content_version_id=content_version_id,
        identifier_id=identifier_id, rep_id=rep_id, suggestion_id=suggestion_id,
        campaign_id=campaign_id, channel=channel, created_at=now, expires_at=now + LIFETIME,
    )  # fmt: skip
    session.add(link)
    session.flush()
    return link


def forget_unseen(session: Session, *which: ColumnElement[bool]) -> None:
    """Links in what was not sent: nobody has them, so their contents do not count as sent. One that
    somebody has opened stays."""
    seen = select(PageView.link_id).where(PageView.link_id == TrackedLink.id).exists()
    session.execute(
        delete(TrackedLink).where(*which, ~seen).execution_options(synchronize_session=False)
    )


def find_link(session: Session, token: str) -> TrackedLink | None:
    """The link behind a token."""
    if not is_token(token):
        return None
    return session.scalar(select(TrackedLink).where(TrackedLink.token == token))


def open_page(
    session: Session, link_id: int, visit_key: str, *, agent: str, now: datetime
) -> PageView | None:
    """The view of one visit, written once; None for a malformed visit key."""
    if not _VISIT.fullmatch(visit_key):
        return None
    values = {
        "link_id": link_id, "visit_key": visit_key, "opened_at": now, "visible_s": 0.0,
        "depth_pct": 0, "agent": agent,
    }  # fmt: skip
    if insert_once(session, PageView, values, "visit_key"):
        whose = select(TrackedLink.identifier_id).where(TrackedLink.id == link_id)
        changed.note(session, session.scalar(whose))
    view = session.scalar(select(PageView).where(PageView.visit_key == visit_key))
    return view if view is not None and view.link_id == link_id else None


def progress(
    session: Session,
    view: PageView,
    *,
    visible_s: float,
    depth_pct: int,
    reading_seconds: int,
    now: datetime,
) -> bool:
    """Note reading progress (never less than before); True when it counts as read just now."""
    since = (now - view.opened_at).total_seconds()
    visible, depth = plausible(visible_s, depth_pct, since)
    view.visible_s = max(view.visible_s, visible)
    view.depth_pct = max(view.depth_pct, depth)
    if view.read_at is None and counts_as_read(view.visible_s, view.depth_pct, reading_seconds):
        view.read_at = now
        session.flush()
        whose = select(TrackedLink.identifier_id).where(TrackedLink.id == view.link_id)
        changed.note(session, session.scalar(whose))
        return True
    session.flush()
    return False
