"""One suggestion as the list and the sidebar show it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from app import content, identity, tagging
from app.content import ContentVersion
from app.flows.ways import ALONE, ways_to
from app.identity import Identifier, Physician
from app.recommend import State, Suggestion
from app.recommend.way import By, Choice
from app.reps import Rep

OPEN = (State.PLANNED, State.DELIVERED, State.LATER)


@dataclass(frozen=True, slots=True)
class Line:
    """`open`: an answer is still possible; `beside`: the contact's id, for the sidebar; `reasons`:
    those that a rep may read; `choice`: the ways to the physician now, while it is open."""

    row: Suggestion
    person: Physician
    title: str
    minutes: int
    open: bool
    beside: str
    reasons: list[str]
    choice: Choice | None = None


def lines_of(
    session: Session, rep: Rep, rows: Sequence[Suggestion], now: datetime, also: Sequence[By] = ()
) -> list[Line]:
    """The suggestions with whom and what they are about, and the ways of those that are open;
    `also`: ways that only several can take together."""
    waiting = [row for row in rows if State(row.state) in OPEN]
    found: dict[int, Choice] = {}
    for campaign_id in sorted({row.campaign_id for row in waiting}, key=lambda one: one or 0):
        contacts = [
            session.get_one(Identifier, row.identifier_id)
            for row in waiting
            if row.campaign_id == campaign_id
        ]
        ways = ways_to(session, rep, contacts, now, among=(*ALONE, *also), campaign_id=campaign_id)
        found |= {
            row.id: ways[row.identifier_id].choice
            for row in waiting
            if row.campaign_id == campaign_id
        }
    return [line_of(session, row, found.get(row.id)) for row in rows]


def line_of(session: Session, row: Suggestion, choice: Choice | None = None) -> Line:
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
        choice,
    )


def minutes(version: ContentVersion) -> int:
    """How long reading takes, at least one."""
    return max(1, round(content.reading_seconds(version.body) / 60))
