"""The scorer of the moment, and what it wants to know of physicians."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from app import content, recommend, tagging
from app.content import ContentVersion
from app.identity import Identifier
from app.links import PageView, TrackedLink
from app.recommend import FastScorer, Piece, Response, Scorer, near, reading

READ_DAYS = 365
CHUNK = 1000


@dataclass(frozen=True, slots=True)
class Opened:
    """One opening of a content by one physician."""

    content_id: int
    version_id: int
    at: datetime


def scorer_of(
    session: Session, pieces: Sequence[Piece], now: datetime
) -> tuple[Scorer | FastScorer, Response]:
    """Over these contents, by what was learned last."""
    parents = {tag.id: tag.parent_id for tag in tagging.tags(session) if tag.parent_id}
    response = recommend.current(session)
    return recommend.scorer(pieces, now, parents, response), response


def interests_of(
    session: Session,
    held: Mapping[str, Mapping[int, tagging.Weight]],
    response: Response,
    now: datetime,
) -> dict[str, dict[int, float]]:
    """What these physicians are interested in, by ONE ID and own tag, read ones below 0; openings
    only once they teach."""
    own = {one: {tag: w.value for tag, w in tags.items()} for one, tags in held.items()}
    return with_readings(session, own, response, now)


def with_readings(
    session: Session, own: dict[str, dict[int, float]], response: Response, now: datetime
) -> dict[str, dict[int, float]]:
    """Weights of tags, with interest in what was read beside them."""
    if not response.reads:
        return own
    opened = openings(session, list(own), now - timedelta(days=READ_DAYS))
    versions = {one.version_id for mine in opened.values() for one in mine}
    tags = content.topics_of(session, sorted(versions))
    return {
        one: weights | read_interests(opened.get(one, ()), tags, response)
        for one, weights in own.items()
    }


def openings(session: Session, one_ids: Sequence[str], since: datetime) -> dict[str, list[Opened]]:
    """Each content that a physician has opened, with the first time; by ONE ID."""
    found: dict[str, dict[int, Opened]] = {}
    for start in range(0, len(one_ids), CHUNK):
        rows = session.execute(
            select(
                Identifier.one_id, ContentVersion.content_id, ContentVersion.id, PageView.opened_at
            )
            .join(TrackedLink, TrackedLink.identifier_id == Identifier.id)
            .join(PageView, PageView.link_id == TrackedLink.id)
            .join(ContentVersion, ContentVersion.id == TrackedLink.content_version_id)
            .where(Identifier.one_id.in_(one_ids[start : start + CHUNK]))
            .where(PageView.opened_at > since)
            .order_by(PageView.opened_at, PageView.id)
        )
        for one_id, content_id, version_id, at in rows:
            mine = found.setdefault(one_id, {})
            mine.setdefault(content_id, Opened(content_id, version_id, at))
    return {one_id: list(mine.values()) for one_id, mine in found.items()}


def read_interests(
    opened: Sequence[Opened], tags: Mapping[int, Mapping[int, float]], response: Response
) -> dict[int, float]:
    """Interest in what was opened, under negative tags, how much was opened at all, and, once
    they teach, in the opened contents themselves."""
    counts: Counter[int] = Counter()
    much = 0
    for one in opened:
        much += 1
        counts.update(tags.get(one.version_id, {}).keys())
    if not much or not response.usual:
        return {}
    found = {
        -tag: reading.interest(float(number), response.usual[tag], response.worth)
        for tag, number in counts.items()
        if tag in response.usual
    }
    found |= near.weights(one.content_id for one in opened) if response.near else {}
    return found | {reading.ANYTHING: reading.interest(float(much), 1.0, response.worth)}
