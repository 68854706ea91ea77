"""What reps were shown, what came of it, and how each physician looked at that moment."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zlib import crc32

from sqlalchemy import Select, and_, case, func, select
from sqlalchemy.orm import Session

from app import tagging
from app.flows.fitting.scoring import READ_DAYS, Opened, openings
from app.identity import Identifier
from app.infra.clock import local
from app.links import PageView, TrackedLink
from app.recommend import Suggestion, heads
from app.tagging import Shape
from app.tagging.models import TagAssertion
from app.tagging.read import FAINT
from app.tagging.rules import Asserted, strength, weight

DAYS, MOST, CHUNK = 365, 40_000, 1000
WEEKS = timedelta(days=60)  # a sample's; of most of them it is known who has not opened


@dataclass(frozen=True, slots=True)
class Example:
    """One suggestion that was shown: `held` are the physician's tags at that moment."""

    one_id: str
    content_id: int
    version_id: int
    at: datetime
    labels: Mapping[str, bool]
    held: Mapping[int, float]
    opened: Sequence[Opened]  # before that moment


def examples(session: Session, now: datetime) -> list[Example]:
    """Suggestions that say something, in the order in which they were shown; see `_chosen`."""
    rows = _rows(session, now)
    people = sorted({one_id for one_id, _, _ in rows})
    said = _assertions(session, people)
    opened = openings(session, people, now - timedelta(days=DAYS + READ_DAYS))
    shape = tagging.shape(session)
    return [
        Example(
            one_id, row.content_id, row.content_version_id, at, found,
            _held(said.get(one_id, {}), shape, at),
            [one for one in opened.get(one_id, ()) if one.at < at],
        )
        for one_id, row, found in rows
        if (at := row.delivered_at) is not None
    ]  # fmt: skip


def _rows(session: Session, now: datetime) -> list[tuple[str, Suggestion, dict[str, bool]]]:
    chosen, rows = _chosen(session, now), list[Any]()
    for start in range(0, len(chosen), CHUNK):
        rows += session.execute(_told(chosen[start : start + CHUNK])).all()
    found = []
    for one_id, row, sent_at, opened, read, opened_at in sorted(rows, key=_moment):
        shown = heads.Shown(
            heads.answered(row.state, row.answered_at),
            row.refusal,
            row.delivered_at,
            heads.got_at(row.way, sent_at, row.forwarded_at),
            bool(opened),
            bool(read),
            opened_at,
        )
        found.append((one_id, row, heads.labels(shown, now)))
    return [one for one in found if one[2]]


def _chosen(session: Session, now: datetime) -> Sequence[int]:
    """The newest that were shown within a year. Where more than MOST were made in the last weeks,
    an even sample of those: of the newest alone nobody knows yet who has not opened them. The same
    numbers give the same sample."""
    number, least, greatest = func.count(), func.min(Suggestion.id), func.max(Suggestion.id)
    lately = select(number, least, greatest).where(Suggestion.day > local(now).date() - WEEKS)
    made, first, last = session.execute(lately).one()
    if made <= MOST:
        newest = (
            select(Suggestion.id)
            .where(Suggestion.delivered_at > now - timedelta(days=DAYS))
            .order_by(Suggestion.delivered_at.desc(), Suggestion.id.desc())
        )
        return session.scalars(newest.limit(MOST)).all()
    step = (last - first + 1) / MOST
    picked = (first + int((n + crc32(b"%d" % n) / 2**32) * step) for n in range(MOST))
    return sorted(set(picked))


def _told(numbers: Sequence[int]) -> Select[Any]:
    """(ONE ID, suggestion, when its link was made, views, of these read, the first)."""
    link = (
        select(
            TrackedLink.suggestion_id.label("suggestion"),
            func.min(TrackedLink.created_at).label("sent_at"),
            func.count(PageView.id).label("opened"),
            func.min(PageView.opened_at).label("opened_at"),
            func.sum(case((and_(PageView.read_at.is_not(None)), 1), else_=0)).label("read"),
        )
        .outerjoin(PageView, PageView.link_id == TrackedLink.id)
        .where(TrackedLink.suggestion_id.in_(numbers))
        .group_by(TrackedLink.suggestion_id)
        .subquery()
    )
    return (
        select(
            Identifier.one_id,
            Suggestion,
            link.c.sent_at,
            link.c.opened,
            link.c.read,
            link.c.opened_at,
        )
        .join(Identifier, Identifier.id == Suggestion.identifier_id)
        .outerjoin(link, link.c.suggestion == Suggestion.id)
        .where(Suggestion.id.in_(numbers), Suggestion.delivered_at.is_not(None))
    )


def _moment(row: Any) -> tuple[datetime, int]:
    return row.Suggestion.delivered_at, row.Suggestion.id


def _assertions(
    session: Session, people: Sequence[str]
) -> dict[str, dict[int, list[tuple[Asserted, datetime | None]]]]:
    """Everything that was ever said, with the moment from which it was said no more; sources are
    trusted as they are today, because so they will be when what is learned is used."""
    trust = tagging.trust(session)
    found: dict[str, dict[int, list[tuple[Asserted, datetime | None]]]] = defaultdict(
        lambda: defaultdict(list)
    )
    for start in range(0, len(people), CHUNK):
        rows = session.execute(
            select(
                Identifier.one_id, TagAssertion.tag_id, TagAssertion.source,
                TagAssertion.confidence, TagAssertion.at, TagAssertion.superseded_at,
            )
            .join(Identifier, Identifier.id == TagAssertion.identifier_id)
            .where(Identifier.one_id.in_(people[start : start + CHUNK]))
            .order_by(TagAssertion.id)
        )  # fmt: skip
        for one_id, tag, source, confidence, at, until in rows:
            reliable = trust.of(source, tag).value
            found[one_id][tag].append((Asserted(source, confidence, at, reliable), until))
    return found


def _held(
    said: Mapping[int, Sequence[tuple[Asserted, datetime | None]]], shape: Shape, at: datetime
) -> dict[int, float]:
    """Tags at a moment, as `tagging.weights` gave them; what was said later is not known yet."""
    found: dict[int, float] = {}
    best: dict[str, tuple[float, datetime, int]] = {}
    for tag, rows in said.items():
        then = [one for one, until in rows if one.at <= at and (until is None or until > at)]
        if not then or tag not in shape.half_lives:
            continue
        value = weight(then, half_life := shape.half_lives[tag], at)
        if value < FAINT:
            continue
        found[tag] = value
        if tag in shape.exclusive:
            newest = max(reversed(then), key=lambda one: strength(one, half_life, at)).at
            mine, category = (value, newest, tag), shape.exclusive[tag]
            best[category] = max(best.get(category, mine), mine)
    others = [t for t in found if t in shape.exclusive and best[shape.exclusive[t]][2] != t]
    return {tag: value for tag, value in found.items() if tag not in others}
