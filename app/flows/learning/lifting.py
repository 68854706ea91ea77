"""What suggestions add over the holdout: the same question to both arms.

Did the physician open anything of ours within the fortnight, through whatever way? That is seen
alike whether a rep was suggested the physician or not, and it is what suggestions are for; what
reps adopt exists on one side only. Contacts are counted beside it, to see what reps did without.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import case, func, select
from sqlalchemy.orm import Session

from app import delivery
from app.content import Brand, Content
from app.identity import Identifier
from app.infra.clock import local
from app.links import PageView, TrackedLink
from app.recommend.policy.lift import WINDOW_DAYS, Lift, Unit, lift
from app.recommend.policy.policy_models import Decision

DAYS, MOST, CHUNK = 365, 40_000, 1000
OTHER = ""  # contents without a brand


@dataclass(frozen=True, slots=True)
class Lifted:
    """Overall and by brand; `waiting`: fortnights that are not over yet, suggested and held;
    `first`: the day on which the first of these is over."""

    opened: Lift
    contacted: Lift
    by_brand: Mapping[str, Lift] = field(default_factory=dict)
    days: int = 0
    waiting: tuple[int, int] = (0, 0)
    first: date | None = None


def lifted(session: Session, now: datetime) -> Lifted:
    """Of the fortnights that began within a year and are over."""
    over = local(now).date() - timedelta(days=WINDOW_DAYS)
    waiting, first = _waiting(session, over)
    ripe = session.execute(
        select(
            Decision.rep_id, Decision.held, Decision.holdout, Decision.created_at, Decision.day,
            Identifier.one_id, Brand.name,
        )
        .join(Identifier, Identifier.id == Decision.identifier_id)
        .join(Content, Content.id == Decision.content_id)
        .outerjoin(Brand, Brand.id == Content.brand_id)
        .where(Decision.holdout > 0, Decision.created_at > now - timedelta(days=DAYS))
        .where(Decision.day <= over)
        .order_by(Decision.id.desc())
        .limit(MOST)
    ).all()  # fmt: skip
    if not ripe:
        return Lifted(lift([], 0), lift([], 0), waiting=waiting, first=first)
    since = min(row.created_at for row in ripe)
    people = sorted({row.one_id for row in ripe})
    opened, met = _opened(session, people, since), _contacted(session, people, since)
    units = [_unit(row, opened) for row in ripe]
    days = (over - min(row.day for row in ripe)).days + 1
    brands = sorted({unit.group for unit in units})
    return Lifted(
        lift(units, days), lift([_unit(row, met) for row in ripe], days),
        {b: lift([u for u in units if u.group == b], days) for b in brands}, days, waiting,
        first,
    )  # fmt: skip


def _waiting(session: Session, over: date) -> tuple[tuple[int, int], date | None]:
    """Fortnights that are not over, suggested and held, and when the first of them is."""
    held = func.sum(case((Decision.held.is_(True), 1), else_=0))
    number, out, began = session.execute(
        select(func.count(), func.coalesce(held, 0), func.min(Decision.day)).where(
            Decision.day > over, Decision.holdout > 0
        )
    ).one()
    return (number - out, out), began and began + timedelta(days=WINDOW_DAYS)


def _unit(row: Any, moments: Mapping[str, Sequence[datetime]]) -> Unit:
    mine, at = moments.get(row.one_id, ()), row.created_at
    place = bisect_right(mine, at)
    outcome = place < len(mine) and mine[place] <= at + timedelta(days=WINDOW_DAYS)
    return Unit(row.rep_id, row.held, row.holdout, outcome, row.name or OTHER)


def _opened(session: Session, people: Sequence[str], since: datetime) -> dict[str, list[datetime]]:
    found: dict[str, list[datetime]] = {}
    for start in range(0, len(people), CHUNK):
        rows = session.execute(
            select(Identifier.one_id, PageView.opened_at)
            .join(TrackedLink, TrackedLink.identifier_id == Identifier.id)
            .join(PageView, PageView.link_id == TrackedLink.id)
            .where(Identifier.one_id.in_(people[start : start + CHUNK]))
            .where(PageView.opened_at > since)
            .order_by(PageView.opened_at)
        )
        for one_id, at in rows:
            found.setdefault(one_id, []).append(at)
    return found


def _contacted(
    session: Session, people: Sequence[str], since: datetime
) -> dict[str, list[datetime]]:
    """By what left us, in both arms alike. What reps say that they have spoken about answers a
    suggestion, and so exists on one side only: unlike for caps (`reached`), it does not count."""
    made = delivery.contacted_at(session, people, since)
    return {one_id: sorted(moments) for one_id, moments in made.items()}
