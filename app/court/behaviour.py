"""What physicians were sent and what they opened of it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session

from app import content
from app.court.likelihood import Seen
from app.identity import Identifier
from app.journey import Happened, Touchpoint
from app.tagging import Shape

SINCE = timedelta(days=365)
RIPE = timedelta(days=3)  # what was sent later may still be opened
EARLY = timedelta(hours=1)  # a link may be opened before its sending is noted
MOST = 60  # of one physician, the newest


class Exposure(NamedTuple):
    """A content that somebody was sent; `tags` with the broader ones of each."""

    version_id: int
    at: datetime
    opened_at: datetime | None
    tags: frozenset[int]


def exposures(
    session: Session, one_ids: Sequence[str], shape: Shape, now: datetime
) -> dict[str, list[Exposure]]:
    """What each was sent long enough ago, oldest first, every version once."""
    rows = session.execute(
        select(
            Identifier.one_id, Touchpoint.kind, Touchpoint.content_version_id, Touchpoint.at
        )
        .join(Identifier, Identifier.id == Touchpoint.identifier_id)
        .where(
            Identifier.one_id.in_(one_ids), Touchpoint.at > now - SINCE,
            Touchpoint.kind.in_((Happened.CONTENT_SENT, Happened.CONTENT_OPENED)),
            Touchpoint.content_version_id.is_not(None),
        )
        .order_by(Touchpoint.at, Touchpoint.id)
    ).all()  # fmt: skip
    sent: dict[str, dict[int, datetime]] = defaultdict(dict)
    opened: dict[tuple[str, int], datetime] = {}
    for one_id, kind, version, at in rows:
        assert version is not None
        if kind == Happened.CONTENT_SENT:
            sent[one_id].setdefault(version, at)
        else:
            opened[one_id, version] = at  # the last one
    tags = _tags(session, {version for of in sent.values() for version in of}, shape)
    found: dict[str, list[Exposure]] = {one_id: [] for one_id in one_ids}
    for one_id, of in sent.items():
        for version, at in of.items():
            last = opened.get((one_id, version))
            if at <= now - RIPE:
                really = last if last is not None and last >= at - EARLY else None
                found[one_id].append(Exposure(version, at, really, tags[version]))
        del found[one_id][:-MOST]
    return found


def by_tag(of: Sequence[Exposure]) -> dict[int, Seen]:
    """For every tag of what was sent: how much had it, and was opened."""
    opened = sum(one.opened_at is not None for one in of)
    sent: dict[int, int] = defaultdict(int)
    with_it: dict[int, int] = defaultdict(int)
    for one in of:
        for tag in one.tags:
            sent[tag] += 1
            with_it[tag] += one.opened_at is not None
    return {tag: Seen(n, len(of) - n, opened, with_it[tag]) for tag, n in sent.items()}


def _tags(session: Session, versions: Iterable[int], shape: Shape) -> dict[int, frozenset[int]]:
    return {
        version: frozenset(broader for tag in tags for broader in shape.broader(tag))
        for version, tags in content.topics_of(session, sorted(versions)).items()
    }
