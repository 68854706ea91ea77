"""Everything that is kept about one physician, for the physician: what the own page downloads.

Tags that only staff may see, and reasons that name one, are left out as they are everywhere else.
What reps wrote about the physician in their own words is personal data of the physician, and is
given: the remark in their contacts, and why a suggestion did not suit.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app import consent, content, feedback, identity, journey, reps, tagging
from app.consent import ContactWish
from app.flows.pages.own_page import own_page
from app.identity import Identifier
from app.identity.models import ProfileValue
from app.journey import MeetingAnswer
from app.links import PageView, TrackedLink
from app.recommend import Suggestion

ALL = 100_000  # lines of a journey
ABOUT = ("name", "title", "specialty", "department", "hospital", "city", "province", "verified")
Rows = list[dict[str, Any]]


def own_record(session: Session, row: Identifier, now: datetime) -> dict[str, Any]:
    """As plain values for JSON; times are ISO 8601."""
    page = own_page(session, row, now)
    mine = [one.id for one in identity.identifiers_of(session, row.one_id)]
    return {
        "made_at": now.isoformat(),
        "physician": {name: getattr(page.person, name) for name in ABOUT},
        "identifiers": _identifiers(session, row.one_id),
        "attributes": _attributes(session, mine),
        "tags": [{"name": one.name, "said_by": list(one.sources)} for one in page.tags],
        "tags_deleted": list(page.deleted.values()),
        "topics_off": [one.name for one in page.topics if one.off],
        "at_most_once_in_days": page.own.days,
        "wished_ways": _wishes(session, mine),
        "reps": _reps(session, row.one_id, page.own.reps),
        "consents": _consents(session, row.one_id),
        "journey": _journey(session, row.one_id),
        "contents": _contents(session, mine),
        "meetings": _meetings(session, mine),
        "suggestions": _suggestions(session, mine),
    }


def _identifiers(session: Session, one_id: str) -> Rows:
    return [
        {"kind": one.kind, "value": one.value, "first_seen_at": one.first_seen_at.isoformat()}
        for one in identity.identifiers_of(session, one_id)
    ]


def _attributes(session: Session, mine: Sequence[int]) -> Rows:
    rows = session.scalars(select(ProfileValue).where(ProfileValue.identifier_id.in_(mine)))
    return [
        {"attribute": one.attribute, "value": one.value, "source": one.source,
         "at": one.at.isoformat()}
        for one in rows
    ]  # fmt: skip


def _wishes(session: Session, mine: Sequence[int]) -> Rows:
    rows = session.scalars(select(ContactWish).where(ContactWish.identifier_id.in_(mine)))
    return [{"way": one.way, "source": one.source, "at": one.at.isoformat()} for one in rows]


def _reps(session: Session, one_id: str, off: frozenset[int]) -> Rows:
    return [
        {"name": rep.name, "state": contact.state, "since": contact.since.isoformat(),
         "may_write": rep.id not in off, "remark": contact.remark or ""}
        for contact, rep in reps.relations_of(session, one_id)
    ]  # fmt: skip


def _consents(session: Session, one_id: str) -> Rows:
    return [
        {"purpose": one.purpose, "channel": one.channel, "action": one.action,
         "source": one.source, "at": one.at.isoformat()}
        for one in consent.ledger(session, one_id)
    ]  # fmt: skip


def _journey(session: Session, one_id: str) -> Rows:
    entries = journey.timeline(session, one_id, limit=ALL)
    titles = content.titles(session, [one.content_version_id for one in entries])
    return [
        {"at": one.at.isoformat(), "kind": one.kind, "channel": one.channel,
         "title": titles.get(one.content_version_id or 0), "detail": one.detail}
        for one in entries
    ]  # fmt: skip


def _contents(session: Session, mine: Sequence[int]) -> Rows:
    rows = session.execute(
        select(
            TrackedLink.content_version_id, TrackedLink.channel, TrackedLink.created_at,
            func.min(PageView.opened_at).label("opened_at"),
            func.min(PageView.read_at).label("read_at"),
            func.coalesce(func.max(PageView.visible_s), 0.0).label("seconds"),
        )
        .join(PageView, PageView.link_id == TrackedLink.id, isouter=True)
        .where(TrackedLink.identifier_id.in_(mine))
        .group_by(TrackedLink.id)
        .order_by(TrackedLink.id)
    ).all()  # fmt: skip
    titles = content.titles(session, [one.content_version_id for one in rows])
    return [
        {"title": titles[one.content_version_id], "channel": one.channel,
         "at": one.created_at.isoformat(),
         "opened_at": one.opened_at and one.opened_at.isoformat(),
         "read_at": one.read_at and one.read_at.isoformat(), "seconds": round(one.seconds)}
        for one in rows
    ]  # fmt: skip


def _meetings(session: Session, mine: Sequence[int]) -> Rows:
    rows = session.scalars(select(MeetingAnswer).where(MeetingAnswer.identifier_id.in_(mine)))
    return [
        {"content": one.content_id, "coming": one.coming, "attended": one.attended,
         "at": one.at.isoformat()}
        for one in rows
    ]  # fmt: skip


def _suggestions(session: Session, mine: Sequence[int]) -> Rows:
    rows = session.scalars(
        select(Suggestion).where(Suggestion.identifier_id.in_(mine)).order_by(Suggestion.id)
    ).all()
    titles = content.titles(session, [one.content_version_id for one in rows])
    words = feedback.rules.words_about(session, mine)
    return [
        {"day": one.day.isoformat(), "title": titles[one.content_version_id], "state": one.state,
         "reasons": tagging.without_hidden(session, one.reasons),
         "rep_wrote": words.get(one.id, "")}
        for one in rows
    ]  # fmt: skip
