"""What suggestions and contents brought in a span of days, beside the span before; by rep."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta

from sqlalchemy import case, func, select
from sqlalchemy.orm import Session

from app.flows.insight.contents import NOT_CANCELLED, first_day, within
from app.flows.insight.figures import adoption
from app.flows.insight.viewers import CHANNEL, viewed
from app.links import PageView, TrackedLink
from app.recommend import State, Suggestion
from app.recommend.policy.shares import Rate
from app.reps import Rep

WAITS = Suggestion.state == State.DELIVERED


@dataclass(frozen=True, slots=True)
class Funnel:
    """Counts of one span; what was sent by the moment of its link, a moment once for each who saw
    it; opened of these; `waiting`: shown and not answered yet."""

    suggested: int
    shown: int
    adopted: int
    sent: int
    opened: int
    read: int
    waiting: int

    @property
    def adoption(self) -> Rate:
        """Adopted of what reps were shown and do not keep waiting."""
        return adoption(self.adopted, self.shown - self.waiting)

    @property
    def steps(self) -> list[tuple[str, int]]:
        """Step → how many, in their order."""
        return [(one.name, getattr(self, one.name)) for one in fields(self)[:-1]]


@dataclass(frozen=True, slots=True)
class RepLine:
    """One rep's suggestions of a span."""

    rep: Rep
    planned: int
    shown: int
    adopted: int
    refused: int
    forwarded: int
    waiting: int

    @property
    def adoption(self) -> Rate:
        """Adopted of what this rep was shown and does not keep waiting."""
        return adoption(self.adopted, self.shown - self.waiting)


def funnel(session: Session, now: datetime, days: int) -> Funnel:
    """The last `days` days before `now`."""
    made = session.execute(
        select(
            func.count(), func.count(Suggestion.delivered_at),
            func.sum(case((Suggestion.state == State.ADOPTED, 1), else_=0)),
            func.sum(case((WAITS, 1), else_=0)),
        ).where(within(first_day(now, days), now), NOT_CANCELLED)
    ).one()  # fmt: skip
    after = now - timedelta(days=days)
    mine = select(TrackedLink.id).where(
        TrackedLink.created_at > after, TrackedLink.created_at <= now
    )
    own = mine.where(TrackedLink.channel != CHANNEL).subquery()
    sent = session.scalar(select(func.count()).select_from(own)) or 0
    sent += session.scalar(viewed(after, func.count(), until=now)) or 0
    opened = session.execute(
        select(
            func.count(PageView.link_id.distinct()),
            func.count(case((PageView.read_at.is_not(None), PageView.link_id)).distinct()),
        ).where(PageView.link_id.in_(mine), PageView.opened_at > after, PageView.opened_at <= now)
    ).one()
    sent = max(sent, opened[0])  # somebody opened a moment that nobody is known to have seen
    return Funnel(made[0], made[1], made[2] or 0, sent, opened[0], opened[1], made[3] or 0)


def by_rep(session: Session, now: datetime, days: int) -> Sequence[RepLine]:
    """Reps who were suggested something, by team and name."""
    adopted = Suggestion.state == State.ADOPTED
    rows = session.execute(
        select(
            Suggestion.rep_id, func.count(), func.count(Suggestion.delivered_at),
            func.sum(case((adopted, 1), else_=0)),
            func.sum(case((Suggestion.state == State.REFUSED, 1), else_=0)),
            func.count(Suggestion.forwarded_at), func.sum(case((WAITS, 1), else_=0)),
        )
        .where(within(first_day(now, days), now), NOT_CANCELLED)
        .group_by(Suggestion.rep_id)
    )  # fmt: skip
    counts = {rep_id: numbers for rep_id, *numbers in rows}
    chosen = select(Rep).where(Rep.id.in_(list(counts))).order_by(Rep.team, Rep.userid)
    return [RepLine(rep, *counts[rep.id]) for rep in session.scalars(chosen)]
