"""What fits to talk about with one physician now, each with the reason that carries it.

The same scoring as the daily plan, for a rep who has the chat open: nothing that the physician
has already got or that this rep refused, and nothing that the physician is no fit for.
"""

from __future__ import annotations

from collections.abc import Container, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from app import consent, content, journey, recommend, tagging
from app.consent import Through, Verdict
from app.content import ContentVersion
from app.flows.allowed import eligible
from app.flows.allowed.history import History, history
from app.flows.allowed.permission import asker
from app.flows.fitting.fits import Asked, Fits, fits_of
from app.flows.planning import decide, recent
from app.flows.planning.near_titles import near_titles
from app.identity import Identifier
from app.infra.clock import local
from app.recommend import Scored, State, Suggestion
from app.recommend.fit.forms import Form
from app.reps import Rep
from app.tagging import Weight

CHOICE = 10  # fits that are looked at where the first are of one subject


@dataclass(frozen=True, slots=True)
class Topic:
    """A content that fits; `because`: of the tags that a rep may see the one that carries most;
    None when there is none, or when it is only newly approved (its fit has no parts)."""

    version: ContentVersion
    fit: Scored
    because: Weight | None


@dataclass(frozen=True, slots=True)
class Room:
    """May the rep contact this physician now, and how often yet within the cap's `days`."""

    verdict: Verdict
    left: int
    days: int


def topics(session: Session, rep: Rep, one_id: str, limit: int, now: datetime) -> list[Topic]:
    """The best fits; for somebody without tags the newest contents that they do not have. Only
    safety notices for whom is held out: what suggestions add is measured against those whom none
    reaches."""
    past = history(session, rep.id, [one_id], now).get(one_id, History())
    known = fits_of(session, [one_id], now)
    library = {piece.content_id: piece.tags for piece in known.basis.pieces}
    barred = eligible.compiled(session, rep, library, [one_id], now).barred(one_id)
    without = past.closed(now).union(barred)
    if rests(session, one_id, now):
        without |= library.keys() - content.safety_notices(session, now)
    asked = Asked(recommend.saturation(past.tags), without)
    fits = _choice(known, one_id, asked, limit)
    if fits:
        shown = tagging.names_for_reps(session)
        chosen = [known.whole(one_id, fit, asked) for fit in fits]
        weights = known.weights[one_id]
        return [
            Topic(content.get_version(session, fit.piece.version_id), fit,
                  weights.get(_main(fit, shown)))
            for fit in chosen
        ]  # fmt: skip
    fresh = [p for p in known.basis.pieces if p.content_id not in asked.without]
    fresh.sort(key=lambda piece: (piece.approved_at, piece.version_id), reverse=True)
    return [
        Topic(content.get_version(session, piece.version_id), Scored(piece, 0.0), None)
        for piece in fresh[:limit]
    ]


def rests(session: Session, one_id: str, now: datetime) -> date | None:
    """Up to and with which day this physician is held out; None for whom is not, today."""
    return decide.resting(session, [one_id], local(now).date()).get(one_id)


def take(session: Session, rep: Rep, row: Identifier, topic: Topic, now: datetime) -> Suggestion:
    """The suggestion that a rep makes to oneself, to be adopted like any other; one a day."""
    key = f"{recommend.BESIDE}{rep.id}:{local(now):%Y%m%d}:{topic.version.content_id}"
    mine = (Suggestion.plan_key == key, Suggestion.identifier_id == row.id)
    known = session.scalar(select(Suggestion).where(*mine))
    if known is not None:
        return known
    names = tagging.names_for_reps(session)
    made = Suggestion(
        plan_key=key, rep_id=rep.id, identifier_id=row.id, day=local(now).date(),
        content_id=topic.version.content_id, content_version_id=topic.version.id,
        score=topic.fit.score,
        contributions=topic.fit.stored(),
        reasons=recommend.reasons(
            topic.fit, tagging.weights(session, [row.one_id], now)[row.one_id], names,
            last_contact=journey.last_at(session, [row.one_id]).get(row.one_id),
            rule="", now=now, first=Form.BESIDE.say(),
            fact=recent.facts(session, [row.one_id], now).get(row.one_id, ""),
            titles=near_titles(session, [topic.fit], now),
        ),
        verdict=room(session, rep, row, now).verdict.as_json(now), state=State.PLANNED,
        created_at=now,
    )  # fmt: skip
    session.add(made)
    session.flush()
    return made


def room(session: Session, rep: Rep, row: Identifier, now: datetime) -> Room:
    """The policy's word on a contact by this rep, whatever the content; who chose a pace of their
    own takes one at most."""
    ask = asker(session, rep, [row], Through.REP, now)
    rules = consent.rules(session)
    window, known = timedelta(days=rules.cap_days), ask.known[row.one_id]
    used = sum(now - at < window for at in known.contacted_at)
    most = min(rules.cap_contacts, 1) if known.own.days else rules.cap_contacts
    return Room(ask.verdict(row, now), max(0, most - used), rules.cap_days)


def _choice(known: Fits, one_id: str, asked: Asked, limit: int) -> list[Scored]:
    """The best `limit` with varied subjects. More are looked at only when that changes something:
    the row of a night knows the first few."""
    fits = known.best({one_id: asked}, limit)[one_id]
    if limit < CHOICE and len(fits) == limit > len({frozenset(fit.piece.tags) for fit in fits}):
        fits = known.best({one_id: asked}, CHOICE)[one_id]
    return _varied(fits)[:limit]


def _main(fit: Scored, shown: Container[int]) -> int:
    seen = [tag for tag in fit.parts if tag in shown]
    return max(seen, key=lambda tag: (fit.parts[tag], -tag), default=0)


def _varied(fits: Sequence[Scored]) -> list[Scored]:
    """The best of each set of tags first: three wordings of one subject are one choice."""
    seen: set[frozenset[int]] = set()
    first: list[Scored] = []
    rest: list[Scored] = []
    for fit in fits:
        subject = frozenset(fit.piece.tags)
        (rest if subject in seen else first).append(fit)
        seen.add(subject)
    return first + rest
