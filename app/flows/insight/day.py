"""What was planned for each rep on a day and what came of it: one line a rep, sums by team.

Three statements whatever the number of reps: reps, their plans, their suggestions in counts.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date

from sqlalchemy import Select, case, func, select, true
from sqlalchemy.orm import Session

from app.identity import Identifier
from app.recommend import DailyPlan, State, Suggestion
from app.reps import Rep

OPEN = (State.PLANNED, State.DELIVERED)
PRICE = Suggestion.verdict["attention"].as_float()
FIGURES = ("planned", "shown", "adopted", "later", "refused", "open", "paying")
SORTS = ("team", "adopted", "refused", "open", "few")


@dataclass(slots=True)
class Figures:
    """Counts of suggestions; `left_out`: reason → physicians; `paid`: for attention, by sum."""

    reps: int = 0
    without_plan: int = 0
    considered: int = 0
    states: Counter[str] = field(default_factory=Counter)
    pushed: int = 0  # by a campaign, part of the others
    shown: int = 0
    paying: int = 0
    paid: float = 0.0
    left_out: Counter[str] = field(default_factory=Counter)

    @property
    def planned(self) -> int:
        """All that was planned and not cancelled since."""
        return sum(self.states.values()) - self.states[State.CANCELLED]

    @property
    def open(self) -> int:
        """Waiting for the card, or for the rep's answer."""
        return sum(self.states[state] for state in OPEN)

    def add(self, other: Figures) -> None:
        """Take the other's counts in."""
        self.states.update(other.states)
        self.left_out.update(other.left_out)
        for name in ("reps", "without_plan", "considered", "pushed", "shown", "paying", "paid"):
            setattr(self, name, getattr(self, name) + getattr(other, name))


@dataclass(frozen=True, slots=True)
class RepDay:
    """One rep's day; `plan` is None before it is made."""

    rep: Rep
    plan: DailyPlan | None
    figures: Figures


@dataclass(frozen=True, slots=True)
class Day:
    """A day of all these reps."""

    day: date
    lines: Sequence[RepDay]
    total: Figures
    teams: dict[str, Figures]


def of_day(
    session: Session, day: date, *, team: str | None = None, text: str = "", sort: str = "team"
) -> Day:
    """The day of a team, or of everybody. Reps who left are there when they had something.

    `text`: part of a rep's name or userid. `sort`: one of SORTS.
    """
    chosen = select(Rep).order_by(Rep.team, Rep.userid)
    if team is not None:
        chosen = chosen.where(Rep.team == team)
    wanted = text.strip().lower()
    reps = [
        rep
        for rep in session.scalars(chosen)
        if not wanted or wanted in rep.name.lower() or wanted in rep.userid
    ]
    ids = [rep.id for rep in reps]  # named, so that the indexes by rep and day are used
    made_on = select(DailyPlan).where(DailyPlan.rep_id.in_(ids), DailyPlan.day == day)
    plans = {plan.rep_id: plan for plan in session.scalars(made_on)}
    made = _counted(session, ids, day)
    lines = [
        RepDay(rep, plans.get(rep.id), _figures(plans.get(rep.id), made.get(rep.id)))
        for rep in reps
        if rep.active or rep.id in plans or rep.id in made
    ]
    return Day(day, sorted(lines, key=_order(sort)), _sum(lines), _by_team(lines))


def of_rep(session: Session, rep: Rep, day: date) -> RepDay:
    """One rep's day."""
    plan = session.scalar(select(DailyPlan).where(DailyPlan.rep_id == rep.id, DailyPlan.day == day))
    made = _counted(session, [rep.id], day)
    return RepDay(rep, plan, _figures(plan, made.get(rep.id)))


def teams(session: Session) -> Sequence[str]:
    """Teams of active reps, by name; "" for those without one."""
    rows = session.scalars(select(Rep.team).where(Rep.active.is_(True)).distinct())
    return sorted(rows)


def who(day: date, what: str, team: str | None = None, rep_id: int | None = None) -> Select[str]:
    """ONE IDs behind one figure of a day: planned, shown, open, paying, or a state."""
    chosen = (
        select(Identifier.one_id)
        .join(Suggestion, Suggestion.identifier_id == Identifier.id)
        .where(Suggestion.day == day, Suggestion.state != State.CANCELLED)
    )
    if rep_id is not None:
        chosen = chosen.where(Suggestion.rep_id == rep_id)
    elif team is not None:
        chosen = chosen.where(Suggestion.rep_id.in_(select(Rep.id).where(Rep.team == team)))
    narrower = {
        "planned": true(),
        "shown": Suggestion.delivered_at.is_not(None),
        "open": Suggestion.state.in_(OPEN),
        "paying": PRICE > 0,
    }
    return chosen.where(narrower[what] if what in narrower else Suggestion.state == State(what))


def _counted(session: Session, rep_ids: Sequence[int], day: date) -> dict[int, Figures]:
    rows = session.execute(
        select(
            Suggestion.rep_id, Suggestion.state, func.count().label("number"),
            func.count(Suggestion.delivered_at).label("shown"),
            func.count(Suggestion.campaign_id).label("pushed"),
            func.sum(case((PRICE > 0, 1), else_=0)).label("paying"),
            func.coalesce(func.sum(PRICE), 0.0).label("paid"),
        )
        .where(Suggestion.rep_id.in_(rep_ids), Suggestion.day == day)
        .group_by(Suggestion.rep_id, Suggestion.state)
    )  # fmt: skip
    found: dict[int, Figures] = {}
    for row in rows:
        mine = found.setdefault(row.rep_id, Figures())
        mine.states[row.state] += row.number
        if row.state == State.CANCELLED:  # counts nowhere else, as in the names
            continue
        mine.shown += row.shown
        mine.pushed += row.pushed
        mine.paying += row.paying
        mine.paid += row.paid
    return found


def _figures(plan: DailyPlan | None, made: Figures | None) -> Figures:
    found = made or Figures()
    found.reps, found.without_plan = 1, int(plan is None)
    if plan is not None:
        found.considered, found.left_out = plan.considered, Counter(plan.left_out)
    return found


def _sum(lines: Iterable[RepDay]) -> Figures:
    total = Figures()
    for line in lines:
        total.add(line.figures)
    return total


def _by_team(lines: Iterable[RepDay]) -> dict[str, Figures]:
    found: dict[str, Figures] = {}
    for line in lines:
        found.setdefault(line.rep.team, Figures()).add(line.figures)
    return dict(sorted(found.items()))


def _order(sort: str):  # type: ignore[no-untyped-def]
    """By team and name, or what is most (fewest: of planned ones) first."""
    keys = {
        "adopted": lambda f: -f.states[State.ADOPTED],
        "refused": lambda f: -f.states[State.REFUSED],
        "open": lambda f: -f.open,
        "few": lambda f: f.planned,
    }
    key = keys.get(sort)
    return lambda line: (key(line.figures) if key else 0, line.rep.team, line.rep.userid)
