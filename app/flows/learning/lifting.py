"""What suggestions add over the holdout: the same question to both arms.

Did the physician open anything of ours within the fortnight, through whatever way? That is seen
alike whether a rep was suggested the physician or not, and it is what suggestions are for; what
reps adopt exists on one side only. Contacts are counted beside it, to see what reps did without.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import Select, and_, case, false, func, or_, select
from sqlalchemy.orm import Session

from app import delivery
from app.content import Brand, Content
from app.identity import Identifier
from app.infra.clock import local
from app.links import PageView, TrackedLink
from app.recommend.policy.lift import MOST_DAYS, WINDOW, Lift, Unit, alone, lift
from app.recommend.policy.policy_models import Decision

MOST, CHUNK = 40_000, 1000
GOLDEN, WHOLE = 2654435769, 2**32  # numbers times the golden ratio lie evenly
OTHER = ""  # contents without a brand
Asked = Callable[[Session, Sequence[str], datetime, datetime], Mapping[str, Sequence[datetime]]]


@dataclass(frozen=True, slots=True)
class Lifted:
    """Overall and by brand. `ripe`: fortnights that are over, suggested and held, of which at most
    half of MOST each are looked at; `waiting`: those that are not; `first`: the day on which the
    first of these is over; `twice`: of those looked at what is left out, see `_alone`."""

    opened: Lift
    contacted: Lift
    by_brand: Mapping[str, Lift] = field(default_factory=dict)
    days: int = 0
    ripe: tuple[int, int] = (0, 0)
    waiting: tuple[int, int] = (0, 0)
    first: date | None = None
    twice: int = 0

    @property
    def is_part(self) -> bool:
        """Whether there are more than are looked at."""
        return sum(self.ripe) > self.opened.suggested + self.opened.held + self.twice


def lifted(session: Session, now: datetime) -> Lifted:
    """Of the fortnights that began within a year and are over."""
    over = local(now).date() - WINDOW
    waiting, first = _waiting(session, over)
    ripe, numbers = _looked_at(session, over)
    if not numbers:
        return Lifted(lift([], 0), lift([], 0), ripe=ripe, waiting=waiting, first=first)
    opened: list[Unit] = []
    met: list[Unit] = []
    begun, left_out = over, 0
    for start in range(0, len(numbers), CHUNK):
        rows = session.execute(_begun(numbers[start : start + CHUNK])).all()
        begun = min(begun, *(row.day for row in rows))
        counted = _alone(session, rows)
        left_out += len(rows) - len(counted)
        opened += _units(counted, _opened, session)
        met += _units(counted, _contacted, session)
    days = (over - begun).days + 1
    most = MOST_DAYS if len(numbers) == sum(ripe) else days  # a part does not grow
    brands = sorted({unit.group for unit in opened})
    return Lifted(
        lift(opened, days, most), lift(met, days, most),
        {b: lift([u for u in opened if u.group == b], days, most) for b in brands},
        days, ripe, waiting, first, left_out,
    )  # fmt: skip


def _waiting(session: Session, over: date) -> tuple[tuple[int, int], date | None]:
    """Fortnights that are not over, suggested and held, and when the first of them is."""
    held = func.sum(case((Decision.held.is_(True), 1), else_=0))
    number, out, began = session.execute(
        select(func.count(), func.coalesce(held, 0), func.min(Decision.day)).where(
            Decision.day > over, Decision.holdout > 0
        )
    ).one()
    return (number - out, out), began and began + WINDOW


def _looked_at(session: Session, over: date) -> tuple[tuple[int, int], Sequence[int]]:
    """How many fortnights are over, suggested and held, and which of them are looked at: of more
    than half of MOST of an arm an even part, as an arm of a twentieth says the most."""
    ripe = (
        Decision.holdout > 0,
        Decision.day > over - timedelta(days=MOST_DAYS),
        Decision.day <= over,
    )
    counts = select(Decision.held, func.count()).where(*ripe).group_by(Decision.held)
    arms = {row[0]: row[1] for row in session.execute(counts)}
    place = Decision.id * GOLDEN % WHOLE  # as good as by chance, and the same every time
    part = [
        and_(Decision.held.is_(held), place < int(WHOLE * min(1, MOST / 2 / number)))
        for held, number in arms.items()
    ]
    chosen = select(Decision.id).where(*ripe, or_(false(), *part)).order_by(Decision.id)
    return (arms.get(False, 0), arms.get(True, 0)), session.scalars(chosen).all()


def _begun(numbers: Sequence[int]) -> Select[*tuple[Any, ...]]:
    return (
        select(
            Decision.id, Decision.rep_id, Decision.held, Decision.holdout, Decision.created_at,
            Decision.day, Identifier.one_id, Brand.name,
        )
        .join(Identifier, Identifier.id == Decision.identifier_id)
        .join(Content, Content.id == Decision.content_id)
        .outerjoin(Brand, Brand.id == Content.brand_id)
        .where(Decision.id.in_(numbers))
    )  # fmt: skip


def _alone(session: Session, rows: Sequence[Any]) -> list[Any]:
    """Without those that began in another one of the same physician's: as where days are planned
    (`decide.resting`), and nobody is counted twice, let alone on both sides."""
    first, last = min(row.day for row in rows), max(row.day for row in rows)
    near = session.execute(
        select(Identifier.one_id, Decision.day, Decision.id)
        .join(Decision, Decision.identifier_id == Identifier.id)
        .where(Identifier.one_id.in_({row.one_id for row in rows}), Decision.holdout > 0)
        .where(Decision.day > first - WINDOW, Decision.day <= last)
        .order_by(Decision.day, Decision.id)
    )
    counted = {row.id for row in alone(near)}
    return [row for row in rows if row.id in counted]


def _units(rows: Sequence[Any], asked: Asked, session: Session) -> list[Unit]:
    """What came of fortnights that began at about the same time."""
    if not rows:
        return []
    people = sorted({row.one_id for row in rows})
    moments = [row.created_at for row in rows]
    found = asked(session, people, min(moments), max(moments) + WINDOW)
    return [_unit(row, found) for row in rows]


def _unit(row: Any, moments: Mapping[str, Sequence[datetime]]) -> Unit:
    mine, at = moments.get(row.one_id, ()), row.created_at
    place = bisect_right(mine, at)
    outcome = place < len(mine) and mine[place] <= at + WINDOW
    return Unit(row.rep_id, row.held, row.holdout, outcome, row.name or OTHER)


def _opened(
    session: Session, people: Sequence[str], since: datetime, until: datetime
) -> dict[str, list[datetime]]:
    theirs = (
        select(Identifier.one_id, PageView.opened_at)
        .join(TrackedLink, TrackedLink.identifier_id == Identifier.id)
        .join(PageView, PageView.link_id == TrackedLink.id)
        .where(Identifier.one_id.in_(people))
        .cte()
        .prefix_with("MATERIALIZED")  # else PostgreSQL begins with what everybody has opened
    )
    at = theirs.c.opened_at
    found: dict[str, list[datetime]] = {}
    rows = session.execute(select(theirs.c.one_id, at).where(at > since, at <= until).order_by(at))
    for one_id, opened_at in rows:
        found.setdefault(one_id, []).append(opened_at)
    return found


def _contacted(
    session: Session, people: Sequence[str], since: datetime, until: datetime
) -> dict[str, list[datetime]]:
    """By what left us, in both arms alike. What reps say that they have spoken about answers a
    suggestion, and so exists on one side only: unlike for caps (`reached`), it does not count."""
    made = delivery.contacted_at(session, people, since, until=until)
    return {one_id: sorted(moments) for one_id, moments in made.items()}
