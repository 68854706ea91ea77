"""One suggestion as the list and the sidebar show it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from app import content, identity, tagging
from app.consent import Verdict
from app.content import ContentVersion
from app.flows.still_allowed import still_allowed
from app.identity import Identifier, Physician
from app.recommend import State, Suggestion
from app.reps import Rep

OPEN = (State.PLANNED, State.DELIVERED, State.LATER)


@dataclass(frozen=True, slots=True)
class Line:
    """`open`: an answer is still possible; `beside`: the contact's id, for the sidebar; `reasons`:
    those that a rep may read; `verdict`: whether it may still be adopted."""

    row: Suggestion
    person: Physician
    title: str
    minutes: int
    open: bool
    beside: str
    reasons: list[str]
    verdict: Verdict


def lines_of(session: Session, rep: Rep, rows: Sequence[Suggestion], now: datetime) -> list[Line]:
    """These suggestions, those that can be answered first."""
    verdicts = still_allowed(session, rep, rows, now)
    lines = [_line_of(session, row, verdicts[row.id]) for row in rows]
    return sorted(lines, key=lambda line: not line.open)


def _line_of(session: Session, row: Suggestion, verdict: Verdict) -> Line:
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
        verdict,
    )


def minutes(version: ContentVersion) -> int:
    """How long reading takes, at least one."""
    return max(1, round(content.reading_seconds(version.body) / 60))
