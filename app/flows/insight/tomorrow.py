"""What would be planned for a rep, before it is: the same rules as the plan's, nothing written.

Reps who share physicians are planned together, so they are looked at together here as well. Who is
left out is told by name; of a day that is planned already, whoever is not on its list.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from app import content, identity, recommend
from app.flows.planning import attention, decide
from app.flows.planning.best_first import OUTRANKED, BestFirst
from app.flows.planning.candidates import Considered, consider
from app.flows.planning.suggest import card_time
from app.flows.planning.telling import telling
from app.identity import Physician
from app.infra.clock import begin_of
from app.recommend import Candidate
from app.reps import Rep


@dataclass(frozen=True, slots=True)
class Would:
    """One suggestion that would be made; `card_at` is None when the rep wants no more cards that
    day, `paid`: what the physician's attention would cost."""

    physician: Physician | None
    candidate: Candidate[str]
    title: str
    reasons: Sequence[str]
    card_at: datetime | None
    paid: float


@dataclass(frozen=True, slots=True)
class Preview:
    """A day of one rep as it would be planned at `at`; `out`: ONE ID → why not. `at` is the hour of
    whoever comes first of this rep and of those `together_with` whom the plan is made."""

    day: date
    at: datetime
    considered: int
    rows: Sequence[Would]
    out: Mapping[str, str]
    together_with: Sequence[Rep]


def preview(session: Session, rep: Rep, day: date, now: datetime) -> Preview:
    """What the plan of `day` would be if it were made at its hour with what is known now."""
    reps = _planned_with(session, rep, day)
    at = max(now, _hour_of(reps[0], day, now))
    best = BestFirst(session, [(one, _room(session, one, day)) for one in reps], day, at)
    result = best.plan()
    mine, room = best.parts[rep.id].considered, best.parts[rep.id].room
    slots = result.chosen[rep.id]
    mine.look_at([c.person for c in slots])
    decided = decide.decide(session, rep, slots, mine, day, at, room=room, reading=True)
    shown = mine.whole(decided.shown)
    best.look(rep.id, math.inf)  # whoever is left out is told why
    others = {c.person: OUTRANKED for c in mine.candidates} | mine.why | result.lost[rep.id]
    listed = {c.person for c in slots}
    out = {who: why for who, why in others.items() if who not in listed} | decided.empty
    rows = _rows(session, rep, shown, mine, result.prices, day, at, now)
    return Preview(day, at, len(mine.contacts), rows, out, [one for one in reps if one is not rep])


def left_out(session: Session, rep: Rep, day: date, now: datetime) -> dict[str, str]:
    """Who is not on the rep's list of `day`, ONE ID → why, by the plan's rules as it is now."""
    found = consider(session, rep, now) if rep.active else Considered()
    decide.leave_out(session, found, decide.resting(session, found.options, day), now)
    listed = _listed(session, rep.id, day)
    others = {c.person: OUTRANKED for c in found.candidates}
    return {who: why for who, why in (others | found.why).items() if who not in listed}


def _planned_with(session: Session, rep: Rep, day: date) -> list[Rep]:
    """The reps of the plan in which this one would be, first the one at whose hour it is made: of
    those who share physicians with this rep whoever comes first and shares enough."""
    if not rep.active:
        return [rep]
    mine = [rep, *attention.neighbours(session, rep, day)]
    for one in sorted(mine, key=lambda other: (other.daily_at_minute, other.id)):
        if one is rep:
            break
        theirs = [one, *attention.neighbours(session, one, day)]
        if rep in theirs:
            return theirs
    return mine


def _hour_of(rep: Rep, day: date, now: datetime) -> datetime:
    return begin_of(day, now) + timedelta(minutes=rep.daily_at_minute)


def _room(session: Session, rep: Rep, day: date) -> int:
    return max(0, rep.daily_limit - recommend.count_of_day(session, rep.id, [day])[day])


def _rows(
    session: Session, rep: Rep, chosen: Sequence[Candidate[str]], mine: Considered,
    prices: Mapping[str, float], day: date, at: datetime, now: datetime,
) -> list[Would]:  # fmt: skip
    people = identity.physicians_by_id(session, [c.person for c in chosen])
    titles = content.titles(session, [c.fit.piece.version_id for c in chosen])
    muted = recommend.is_muted(session, rep.id, day)
    said = telling(session, rep, chosen, mine, day, at, as_of=now)
    return [
        Would(
            people.get(c.person), c, titles[c.fit.piece.version_id], told.reasons,
            None if muted else card_time(rep, day, position, at, told.hour),
            prices.get(c.person, 0.0),
        )
        for position, (c, told) in enumerate(zip(chosen, said, strict=True), start=1)
    ]  # fmt: skip


def _listed(session: Session, rep_id: int, day: date) -> set[str]:
    rows = (row.identifier_id for row in recommend.of_rep(session, rep_id, day))
    chosen = select(identity.Identifier.one_id).where(identity.Identifier.id.in_(list(rows)))
    return set(session.scalars(chosen))
