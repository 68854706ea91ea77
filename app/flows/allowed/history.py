"""What was suggested and sent to physicians lately, and what it means for a rep who asks now."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import exists, or_, select
from sqlalchemy.orm import Session

from app import content
from app.flows.allowed import moment_had
from app.flows.allowed.content_terms import all_terms
from app.identity import Identifier
from app.infra.clock import begin_of, local, midnight
from app.links import PageView, TrackedLink
from app.recommend import State, Suggestion

NOT_AGAIN_DAYS = 90  # the same content to the same physician
SATURATING_DAYS = 30  # content sent lately makes similar content less interesting
OPEN_DAYS = 3  # a suggestion that waits for an answer keeps others away for so long
IGNORED_DAYS = 14  # the same suggestion again after nobody answered it
LATER_DAYS = 7  # how long a postponed suggestion is preferred
CHUNK = 1000
LOOKED_AT = (
    Suggestion.rep_id, Suggestion.content_id, Suggestion.state, Suggestion.refusal,
    Suggestion.day, Suggestion.created_at, Suggestion.hidden_until, Suggestion.contributions,
)  # fmt: skip


@dataclass(slots=True)
class History:
    """What was suggested or sent to a physician lately."""

    sent: set[int] = field(default_factory=set)  # contents the physician has
    hidden: dict[int, datetime] = field(default_factory=dict)  # content → not before
    later: set[int] = field(default_factory=set)  # contents the rep postponed
    paused_until: datetime | None = None
    tags: Counter[int] = field(default_factory=Counter)

    def closed(self, now: datetime) -> set[int]:
        """Contents that may not be suggested now."""
        return self.sent | {content for content, until in self.hidden.items() if until > now}

    def pause(self, until: datetime) -> None:
        """Suggest nothing before `until`."""
        self.paused_until = max(self.paused_until or until, until)


def postponed(session: Session, rep_id: int, now: datetime) -> set[str]:
    """Whom this rep wanted later, so that a suggestion may be worth more than its content."""
    since = made_since(now, NOT_AGAIN_DAYS)
    return set(
        session.scalars(
            select(Identifier.one_id)
            .join(Suggestion, Suggestion.identifier_id == Identifier.id)
            .where(Suggestion.rep_id == rep_id, Suggestion.state == State.LATER)
            .where(Suggestion.created_at >= since)
        )
    )


@dataclass(frozen=True, slots=True)
class Past:
    """Of some physicians, whoever asks: suggestions in their order, and contents they have."""

    suggested: Mapping[str, Sequence[Any]]
    had: Mapping[str, set[int]]
    refused_for_all: Container[int]

    def seen_by(self, rep_id: int, one_id: str, now: datetime) -> History:
        """What it means for this rep."""
        found = History(sent=set(self.had.get(one_id, ())))
        for row in self.suggested.get(one_id, ()):
            _remember(found, row, rep_id, now, self.refused_for_all)
        return found


def past_of(session: Session, one_ids: Sequence[str], now: datetime) -> Past:
    """What all reps suggested, what was sent, what was read."""
    suggested: dict[str, list[Any]] = defaultdict(list)
    had: dict[str, set[int]] = defaultdict(set)
    since = now - timedelta(days=NOT_AGAIN_DAYS)
    made = made_since(now, NOT_AGAIN_DAYS)
    for start in range(0, len(one_ids), CHUNK):
        part = one_ids[start : start + CHUNK]
        rows = session.execute(
            select(Identifier.one_id, *LOOKED_AT)
            .join(Identifier, Identifier.id == Suggestion.identifier_id)
            .where(Identifier.one_id.in_(part), Suggestion.created_at >= made)
            .order_by(Suggestion.id)
        )
        for row in rows:
            suggested[row.one_id].append(row)
        _had(session, had, part, since)
    return Past(suggested, had, all_terms(session).refusal_for_all)


def history(
    session: Session, rep_id: int, one_ids: Sequence[str], now: datetime
) -> dict[str, History]:
    """What this rep and all others suggested, what was sent, what was read."""
    past = past_of(session, one_ids, now)
    return {one_id: past.seen_by(rep_id, one_id, now) for one_id in one_ids}


def contents_had(
    session: Session, one_ids: Sequence[str], now: datetime, but: Sequence[int] = ()
) -> Mapping[str, set[int]]:
    """The contents that they got lately, through whomever, or have read at any time. `but`:
    suggestions that wait for an answer; what was tried with one before has not arrived, whoever
    opened its link."""
    found: dict[str, set[int]] = defaultdict(set)
    since = now - timedelta(days=NOT_AGAIN_DAYS)
    for start in range(0, len(one_ids), CHUNK):
        _had(session, found, one_ids[start : start + CHUNK], since, but=but)
    return found


def have_it_already(
    session: Session, one_ids: Sequence[str], content_id: int, now: datetime
) -> set[str]:
    """Who got this content lately, through whomever, or has read it at any time."""
    found: dict[str, set[int]] = defaultdict(set)
    since = now - timedelta(days=NOT_AGAIN_DAYS)
    for start in range(0, len(one_ids), CHUNK):
        _had(session, found, one_ids[start : start + CHUNK], since, content_id)
    return set(found)


def _remember(past: History, row: Any, rep_id: int, now: datetime, shared: Container[int]) -> None:
    """A refusal or a postponement is one rep's own; what was sent or waits counts for all, and so
    does the refusal of a content of which marketing says so (`shared`). What one rep has talked
    about already makes what is like it less interesting for all, and is hidden from that rep. “Not
    my physician” says nothing here: its claim keeps the physician away for as long as it holds."""
    for_all = row.refusal == "content" and row.state == State.REFUSED and row.content_id in shared
    mine = row.rep_id == rep_id or for_all
    past.later.discard(row.content_id)
    if row.state == State.ADOPTED or row.refusal == "discussed":
        if mine or row.state == State.ADOPTED or row.content_id in shared:
            past.sent.add(row.content_id)
        if row.created_at >= made_since(now, SATURATING_DAYS):
            past.tags.update(int(tag) for tag in row.contributions if tag.isdecimal())
    elif row.state in (State.PLANNED, State.DELIVERED) and row.day >= open_since(now):
        past.pause(begin_of(row.day, now) + timedelta(days=OPEN_DAYS))
    elif mine and row.state == State.REFUSED and row.refusal != "not_mine" and row.hidden_until:
        if row.refusal == "timing":
            past.pause(row.hidden_until)
        past.hidden[row.content_id] = row.hidden_until
        if row.refusal == "content" and row.hidden_until > now:  # nor what is like it
            past.tags.update(int(tag) for tag in row.contributions if tag.isdecimal())
    elif mine and row.state == State.LATER and row.hidden_until:
        past.pause(row.hidden_until)
        if now - row.hidden_until < timedelta(days=LATER_DAYS):
            past.later.add(row.content_id)
    elif mine and row.state in (State.PLANNED, State.DELIVERED, State.EXPIRED):
        past.hidden[row.content_id] = begin_of(row.day, now) + timedelta(days=IGNORED_DAYS)


def open_since(now: datetime) -> date:
    """Unanswered suggestions of that day and later keep others away. By their days: a push writes
    them days ahead."""
    return local(now).date() - timedelta(days=OPEN_DAYS - 1)


def made_since(now: datetime, days: int) -> datetime:
    """When those `days` began whose last one is today. Plans are made at the same hour: counted to
    the second, chance would decide, and a preview would say otherwise than the plan."""
    return midnight(now) - timedelta(days=days - 1)


def _had(
    session: Session,
    found: dict[str, set[int]],
    one_ids: Sequence[str],
    since: datetime,
    only: int | None = None,
    but: Sequence[int] = (),
) -> None:
    """Every link to a content, and every moment with it, counts as sent for a while; what was read
    counts for good."""
    read = exists().where(PageView.link_id == TrackedLink.id, PageView.read_at.is_not(None))
    chosen = (
        select(Identifier.one_id, content.ContentVersion.content_id)
        .join(TrackedLink, TrackedLink.identifier_id == Identifier.id)
        .join(content.ContentVersion, content.ContentVersion.id == TrackedLink.content_version_id)
        .where(Identifier.one_id.in_(one_ids), or_(TrackedLink.created_at > since, read))
        .distinct()
    )
    if but:
        of = TrackedLink.suggestion_id
        chosen = chosen.where(or_(of.is_(None), of.not_in(but)))
    for ways in (chosen, moment_had.had(one_ids, since)):
        if only is not None:
            ways = ways.where(content.ContentVersion.content_id == only)
        for one_id, content_id in session.execute(ways):
            found[one_id].add(content_id)
