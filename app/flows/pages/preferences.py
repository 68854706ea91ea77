"""What a physician decides on a content page: pause, resume, in which way, a word to the rep."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from app import consent, content
from app.flows.pages.stop_or_resume import stop_or_resume
from app.flows.sending.tell_rep import tell_rep
from app.identity import Identifier
from app.infra.clock import local
from app.links import TrackedLink
from app.recommend.day.way import Wished


def set_paused(session: Session, link: TrackedLink, paused: bool, now: datetime) -> None:
    """Stop or resume everything for the reader; stopping is as easy as resuming.

    Nothing is done where nobody knows who reads: one moment has one link for all.
    """
    row = session.get(Identifier, link.identifier_id) if link.identifier_id else None
    if row is None:
        return
    stop_or_resume(
        session, row, paused, source="content_page", evidence=f"link:{link.id}",
        ref=f"link:{link.id}:{now.isoformat()}", channel="page", at=now, now=now,
    )  # fmt: skip


def is_paused(session: Session, link: TrackedLink) -> bool:
    """Whether the reader has stopped us."""
    row = session.get(Identifier, link.identifier_id) if link.identifier_id else None
    if row is None:
        return False
    return consent.standing(session, [row.one_id], "any")[row.one_id][1]


def set_wish(session: Session, link: TrackedLink, wished: Wished, now: datetime) -> bool:
    """How the reader wishes to be reached from now on; False where nobody knows who reads."""
    if link.identifier_id is None:
        return False
    consent.wish(session, link.identifier_id, wished, source="content_page", at=now)
    return True


def wish_of(session: Session, link: TrackedLink) -> Wished:
    """What the reader said last, through whichever page."""
    row = session.get(Identifier, link.identifier_id) if link.identifier_id else None
    if row is None:
        return Wished.ANY
    return Wished(consent.wishes(session, [row.one_id]).get(row.one_id, Wished.ANY))


def call_rep(session: Session, link: TrackedLink, now: datetime) -> bool:
    """Ask the reader's rep to get in touch, at most once a day and link; False without a rep."""
    row = session.get(Identifier, link.identifier_id) if link.identifier_id else None
    if row is None:
        return False
    version = content.get_version(session, link.content_version_id)
    return tell_rep(
        session, row.one_id, f"【请联系】{{name}}在阅读《{version.title}》时请您联系。",
        key=f"call:{link.id}:{local(now):%Y%m%d}", now=now,
    )  # fmt: skip
