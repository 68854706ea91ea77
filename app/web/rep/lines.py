"""One suggestion as the list and the sidebar show it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from app import content, identity
from app.consent import Verdict
from app.content import ContentVersion, Purpose
from app.flows.allowed.still_allowed import still_allowed
from app.flows.planning.reasons_now import reasons_now
from app.flows.sending.ways import ALONE, ways_to
from app.identity import Identifier, Physician
from app.recommend import State, Suggestion
from app.recommend.day.way import By, Choice
from app.reps import Rep

OPEN = (State.PLANNED, State.DELIVERED, State.LATER)


@dataclass(frozen=True, slots=True)
class Line:
    """`open`: an answer is still possible; `beside`: the contact's id, for the sidebar; `reasons`:
    those that hold now and that a rep may read; `choice`: the ways to the physician now, while it
    is open; `verdict`: whether it may still be adopted."""

    row: Suggestion
    person: Physician
    title: str
    notice: bool  # a safety notice or a recall
    minutes: int
    open: bool
    beside: str
    reasons: list[str]
    verdict: Verdict
    choice: Choice | None = None

    def with_others(self, by: By) -> By | None:
        """The way when several are handled at once; None when nothing may be sent now."""
        if self.choice is None or not self.verdict.allowed:
            return None
        return self.choice.with_others(by)


def lines_of(
    session: Session, rep: Rep, rows: Sequence[Suggestion], now: datetime, also: Sequence[By] = ()
) -> list[Line]:
    """The suggestions with whom and what they are about, those that can be answered first with the
    ways to them; `also`: ways that only several can take together."""
    choices = _choices(session, rep, rows, now, also)
    verdicts = still_allowed(session, rep, rows, choices, now)
    told = reasons_now(session, rows, now)
    lines = [
        _line_of(session, row, told[row.id], verdicts[row.id], choices.get(row.id)) for row in rows
    ]
    return sorted(lines, key=lambda line: not line.open)


def _choices(
    session: Session, rep: Rep, rows: Sequence[Suggestion], now: datetime, also: Sequence[By]
) -> dict[int, Choice]:
    """By suggestion that is open; campaigns have lists of their own of whom to spare."""
    by_campaign: dict[int | None, list[Suggestion]] = {}
    for row in rows:
        if State(row.state) in OPEN:
            by_campaign.setdefault(row.campaign_id, []).append(row)
    found: dict[int, Choice] = {}
    for campaign_id, some in by_campaign.items():
        contacts = [session.get_one(Identifier, row.identifier_id) for row in some]
        ways = ways_to(session, rep, contacts, now, among=(*ALONE, *also), campaign_id=campaign_id)
        found |= {row.id: ways[row.identifier_id].choice for row in some}
    return found


def _line_of(
    session: Session, row: Suggestion, told: list[str], verdict: Verdict, choice: Choice | None
) -> Line:
    identifier = session.get_one(Identifier, row.identifier_id)
    version = content.get_version(session, row.content_version_id)
    person = identity.get_physician(session, identifier.one_id)
    return Line(
        row,
        person,
        version.title,
        version.purpose == Purpose.SAFETY,
        minutes(version),
        State(row.state) in OPEN,
        identifier.value,
        told,
        verdict,
        choice,
    )


def minutes(version: ContentVersion) -> int:
    """How long reading takes, at least one."""
    return max(1, round(content.reading_seconds(version.body) / 60))
