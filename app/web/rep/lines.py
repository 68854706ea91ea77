"""One suggestion as the list and the sidebar show it."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy.orm import Session

from app import content, identity, tagging
from app.content import ContentVersion
from app.identity import Identifier, Physician
from app.recommend import State, Suggestion

OPEN = (State.PLANNED, State.DELIVERED, State.LATER)


@dataclass(frozen=True, slots=True)
class Line:
    """`open`: an answer is still possible; `beside`: the contact's id, for the sidebar; `reasons`:
    those that a rep may read."""

    row: Suggestion
    person: Physician
    title: str
    minutes: int
    open: bool
    beside: str
    reasons: list[str]


def line_of(session: Session, row: Suggestion) -> Line:
    """The suggestion with whom and what it is about."""
    identifier = session.get_one(Identifier, row.identifier_id)
    version = content.get_version(session, row.content_version_id)
    person = identity.get_physician(session, identifier.one_id)
    return Line(
        row,
        person,
        version.title,
        minutes(version),
        State(row.state) in OPEN,
        identifier.value,
        tagging.without_hidden(session, row.reasons),
    )


def minutes(version: ContentVersion) -> int:
    """How long reading takes, at least one."""
    return max(1, round(content.reading_seconds(version.body) / 60))
