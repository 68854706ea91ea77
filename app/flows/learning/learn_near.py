"""Every night: what the same physicians open, where that helps to foresee the newest answers.

Everything is chosen on answers that were not learned from, and what joins must surely foresee the
newest fifth better, physician by physician. Openings after the moment that is foreseen are unknown.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app import content
from app.content import ContentVersion
from app.flows.fitting.scoring import READ_DAYS
from app.flows.learning.shown import Example
from app.identity import Identifier
from app.links import PageView, TrackedLink
from app.recommend import Response
from app.recommend.taught import neighbours

MOST_OPENINGS, MOST_CONTENTS = 500_000, 4000  # of the last year, the newest
LEAST_CONTENTS = 10  # with neighbours; with fewer there is nothing to learn
RIDGES = (100.0, 400.0)
SMALL = 0.002  # neighbours below it are not kept, in logits


@dataclass(frozen=True, slots=True)
class Openings:
    """`user`, `item`, `at`: one for each physician and content, the first time in seconds.

    `contents`: ids by item; `tags`: contents × tags.
    """

    contents: Sequence[int]
    user: Any
    item: Any
    at: Any
    tags: Any

    def together(self, before: datetime) -> Any:
        """How many opened both before this moment: contents × contents."""
        known = self.at < before.timestamp()
        return neighbours.together(self.user[known], self.item[known], len(self.contents))

    def nearest(self, before: datetime, ridge: float) -> Any:
        """Opened × contents, from what was opened before this moment."""
        return neighbours.nearest(self.together(before), self.tags, ridge)


def all_openings(session: Session, now: datetime) -> Openings:
    """Everybody's, of the last year; there may be none."""
    import numpy as np

    first = func.min(PageView.opened_at).label("first")
    rows = session.execute(
        select(Identifier.one_id, ContentVersion.content_id, func.max(ContentVersion.id), first)
        .join(TrackedLink, TrackedLink.identifier_id == Identifier.id)
        .join(PageView, PageView.link_id == TrackedLink.id)
        .join(ContentVersion, ContentVersion.id == TrackedLink.content_version_id)
        .where(PageView.opened_at > now - timedelta(days=READ_DAYS))
        .group_by(Identifier.one_id, ContentVersion.content_id)
        .order_by(first.desc(), Identifier.one_id, ContentVersion.content_id)
        .limit(MOST_OPENINGS)
    ).all()
    newest: dict[int, int] = {}
    for _, content_id, version_id, _ in rows:
        if content_id in newest or len(newest) < MOST_CONTENTS:
            newest[content_id] = max(version_id, newest.get(content_id, 0))
    places = {content_id: n for n, content_id in enumerate(sorted(newest))}
    people: dict[str, int] = {}
    kept = [
        (people.setdefault(one_id, len(people)), places[content_id], at.timestamp())
        for one_id, content_id, _, at in rows
        if content_id in places
    ]
    table = np.array(kept, dtype=float).reshape(-1, 3)
    tags = _tags(content.topics_of(session, sorted(newest.values())), newest, places)
    return Openings(
        list(places), table[:, 0].astype(int), table[:, 1].astype(int), table[:, 2], tags
    )


def _tags(
    by_version: Mapping[int, Mapping[int, float]],
    newest: Mapping[int, int],
    places: Mapping[int, int],
) -> Any:
    import numpy as np

    column = {tag: n for n, tag in enumerate(sorted({t for m in by_version.values() for t in m}))}
    found = np.zeros((len(places), len(column)))
    for content_id, version_id in newest.items():
        for tag, share in by_version.get(version_id, {}).items():
            found[places[content_id], column[tag]] = share
    return found


def with_near(
    response: Response, weights: Any, contents: Sequence[int], times: float,
    examples: Sequence[Example],
) -> Response:  # fmt: skip
    """The response with neighbours, each worth `times` points of score.

    What they say on average of a content that was shown is taken from those that have any, so
    that a new content is not behind for having none yet.
    """
    near = neighbours.rows(weights, contents, times * response.steep, SMALL)
    reached = {one for others in near.values() for one in others}
    about = [one for one in examples if one.content_id in reached]
    usual = float(said(near, about).mean()) if about else 0.0
    appeal = dict(response.content_appeal)
    appeal |= {one: appeal.get(one, 0.0) - usual for one in sorted(reached)}
    return replace(response, near=near, content_appeal=appeal)


def said(near: Mapping[int, Mapping[int, float]], examples: Sequence[Example]) -> Any:
    """What was opened said for each of these, in the units of `near`."""
    return neighbours.said(
        near,
        [[each.content_id for each in one.opened] for one in examples],
        [one.content_id for one in examples],
    )
