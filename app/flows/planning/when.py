"""When a physician opens and when a rep acts, from our own logs, for a few people at a time.

Nothing is stored: what everybody does is learned once a day and process from the newest messages,
a hospital's habit from a bounded number of its physicians, a person's from their own. So the cost
does not grow with the number of physicians, and what is erased is gone from here as well. What
others do is that of the last midnight, so that all processes say the same all day.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from weakref import WeakKeyDictionary

from sqlalchemy import Engine, Select, case, func, or_, select
from sqlalchemy.orm import Session

from app import consent
from app.identity import Identifier, Physician
from app.infra.clock import local, midnight
from app.infra.workdays import weekday
from app.links import PageView, TrackedLink
from app.recommend import State, Suggestion, timing
from app.recommend.day.timing import Chance, Tally

HABIT_DAYS = 180
SAMPLE, OF_HOSPITAL, OF_PERSON, OF_REP = 10_000, 1_000, 200, 300  # newest messages
COLLEAGUES = 300  # physicians of a hospital that are looked at
CHUNK = 1000


@dataclass(slots=True)
class Common:
    """What others do, as of a midnight."""

    begun: datetime
    everybody: list[float]
    specialties: dict[str, list[float]]
    reps: list[float]
    hospitals: dict[tuple[int | None, str], Sequence[float]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Habit:
    """One physician's hours on a day; `hour` where it is worth naming."""

    hours: Sequence[float]
    hour: int | None

    @property
    def told(self) -> str:
        """A phrase for a card, or nothing."""
        return "" if self.hour is None else timing.told(self.hour)


_known: WeakKeyDictionary[Engine, Common] = WeakKeyDictionary()


def habits(
    session: Session, one_ids: Sequence[str], day: date, now: datetime,
    as_of: datetime | None = None,
) -> dict[str, Habit]:  # fmt: skip
    """When each physician opens on `day`; only hours in which contact is allowed are named. Who
    looks ahead says `as_of` when, for what others do is not known of a day to come."""
    since = now - timedelta(days=HABIT_DAYS)
    tallies = _of_people(session, one_ids, since, now)
    if not any(seen.acts >= timing.ENOUGH for seen in tallies.values()):
        return {}
    common = _common(session, as_of or now)
    places = session.execute(
        select(Physician.one_id, Physician.specialty, Physician.institution_id)
        .where(Physician.one_id.in_(list(tallies)))
    )  # fmt: skip
    legal = legal_hours(consent.rules(session), now)
    found = {}
    for one_id, specialty, institution_id in places:
        seen = tallies[one_id]
        if seen.acts < timing.ENOUGH:
            continue
        parent = _hospital(session, common, institution_id, specialty)
        shares = timing.learn(seen, parent, timing.PERSON)
        hours = timing.of_day(shares, weekday(day))
        found[one_id] = Habit(hours, timing.best_hour(seen, hours, legal))
    return found


def rep_hours(
    session: Session, rep_id: int, day: date, now: datetime, as_of: datetime | None = None
) -> list[float]:
    """When this rep answers cards on `day`: the shares of its hours. `as_of` as for `habits`."""
    mine = _answers(session, now, OF_REP, rep_id)
    common = _common(session, as_of or now)
    shares = timing.learn(timing.tally(mine, now), common.reps, timing.PERSON)
    return timing.of_day(shares, weekday(day))


def legal_hours(rules: consent.Rules, now: datetime) -> list[int]:
    """Hours that begin and end outside the quiet hours."""
    here = local(now).replace(second=0, microsecond=0)
    return [
        hour
        for hour in range(timing.HOURS)
        if not any(
            consent.quiet_until(rules, here.replace(hour=hour, minute=minute)) for minute in (0, 59)
        )
    ]


def _common(session: Session, now: datetime) -> Common:
    """What everybody does, as of the day's midnight."""
    engine, begun = session.get_bind().engine, midnight(now)
    known = _known.get(engine)
    if known is None or known.begun != begun:
        known = _known[engine] = _learn_common(session, begun)
    return known


def _learn_common(session: Session, now: datetime) -> Common:
    since = now - timedelta(days=HABIT_DAYS)
    rows = _chances(
        session,
        select(TrackedLink.id, TrackedLink.created_at, Physician.specialty)
        .join(Identifier, Identifier.id == TrackedLink.identifier_id)
        .join(Physician, Physician.one_id == Identifier.one_id)
        .where(TrackedLink.created_at > since),
        SAMPLE, now,
    )  # fmt: skip
    by_specialty: dict[str, list[Chance]] = {}
    for specialty, chance in rows:
        by_specialty.setdefault(str(specialty), []).append(chance)
    everybody = timing.learn(
        timing.tally((chance for _, chance in rows), now), timing.UNIFORM, timing.EVERYBODY
    )
    specialties = {
        name: timing.learn(timing.tally(chances, now), everybody, timing.SPECIALTY)
        for name, chances in by_specialty.items()
        if name
    }
    acted = timing.tally(_answers(session, now, SAMPLE), now)
    return Common(
        now, everybody, specialties, timing.learn(acted, timing.UNIFORM, timing.EVERYBODY)
    )


def _hospital(
    session: Session, common: Common, institution_id: int | None, specialty: str
) -> Sequence[float]:
    """What colleagues of the hospital do, beginning from the specialty; learned once a day."""
    key = (institution_id, specialty)
    if key not in common.hospitals:
        parent = common.specialties.get(specialty, common.everybody)
        if institution_id is not None:
            colleagues = (
                select(Physician.one_id)
                .where(Physician.institution_id == institution_id)
                .limit(COLLEAGUES)
            )
            since = common.begun - timedelta(days=HABIT_DAYS)
            links = _of(list(session.scalars(colleagues)), since)
            chances = _chances(session, links, OF_HOSPITAL, common.begun)
            seen = timing.tally((chance for _, chance in chances), common.begun)
            parent = timing.learn(seen, parent, timing.HOSPITAL)
        common.hospitals[key] = parent
    return common.hospitals[key]


def _of_people(
    session: Session, one_ids: Sequence[str], since: datetime, now: datetime
) -> dict[str, Tally]:
    found: dict[str, Tally] = {}
    for start in range(0, len(one_ids), CHUNK):
        part = one_ids[start : start + CHUNK]
        for one_id, chance in _chances(session, _of(part, since), OF_PERSON * len(part), now):
            timing.tally([chance], now, found.setdefault(str(one_id), Tally()))
    return found


def _of(one_ids: Sequence[str], since: datetime) -> Select[int, datetime, str]:
    return (
        select(TrackedLink.id, TrackedLink.created_at, Identifier.one_id)
        .join(Identifier, Identifier.id == TrackedLink.identifier_id)
        .where(Identifier.one_id.in_(one_ids), TrackedLink.created_at > since)
    )


def _chances(
    session: Session, links: Select[int, datetime, str], most: int, now: datetime
) -> list[tuple[str, Chance]]:
    """The newest links with their first opening until `now`, each with its third column."""
    known = links.where(TrackedLink.created_at <= now)
    rows = session.execute(known.order_by(TrackedLink.id.desc()).limit(most)).all()
    opened: dict[int, datetime] = {}
    for start in range(0, len(rows), CHUNK):
        views = session.execute(
            select(PageView.link_id, func.min(PageView.opened_at).label("at"))
            .where(PageView.link_id.in_([row[0] for row in rows[start : start + CHUNK]]))
            .where(PageView.opened_at <= now)
            .group_by(PageView.link_id)
        )
        opened.update({view.link_id: view.at for view in views})
    return [(row[2], Chance(row[1], opened.get(row[0]))) for row in rows]


def _answers(
    session: Session, now: datetime, most: int, rep_id: int | None = None
) -> Iterable[Chance]:
    """Cards that reached a rep until `now`, and when they were adopted. What was answered on the
    list before its card left is shown by its answer, and says nothing of how long it waits."""
    at, answered = Suggestion.delivered_at, Suggestion.answered_at
    adopted = (Suggestion.state == State.ADOPTED) & (answered <= now)
    chosen = (
        select(at, case((adopted, answered)).label("acted_at"))
        .where(at > now - timedelta(days=HABIT_DAYS), at <= now)
        .where(or_(answered.is_(None), answered > at))
        .order_by(Suggestion.id.desc())
        .limit(most)
    )
    if rep_id is not None:
        chosen = chosen.where(Suggestion.rep_id == rep_id)
    return [Chance(row.delivered_at, row.acted_at) for row in session.execute(chosen)]
