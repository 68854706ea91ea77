"""What would be planned for a rep, before it is: the same rules as the plan's, nothing written.

Reps who share physicians are planned together, so they are looked at together here as well. Who is
left out is told by name; of a day that is planned already, whoever is not on its list.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from app import consent, content, identity, journey, recommend, tagging
from app.flows import attention, decide, when
from app.flows.candidates import Considered, consider
from app.flows.suggest import card_hour, card_time
from app.identity import Physician
from app.infra import workdays
from app.infra.clock import local
from app.recommend import Candidate, Wish
from app.recommend.forms import Form
from app.reps import Rep

OUTRANKED = "outranked"  # more fitting physicians take the places of the day


@dataclass(frozen=True, slots=True)
class Would:
    """One suggestion that would be made; `paid`: what the physician's attention would cost."""

    physician: Physician | None
    candidate: Candidate[str]
    title: str
    reasons: Sequence[str]
    card_at: datetime
    paid: float


@dataclass(frozen=True, slots=True)
class Preview:
    """A day of one rep as it would be planned at `at`; `out`: ONE ID → why not."""

    day: date
    at: datetime
    considered: int
    rows: Sequence[Would]
    out: Mapping[str, str]
    together_with: Sequence[Rep]


def preview(session: Session, rep: Rep, day: date, now: datetime) -> Preview:
    """What the plan of `day` would be if it were made at the rep's hour with what is known now."""
    at = max(now, _hour_of(rep, day, now))
    reps = [rep, *attention.neighbours(session, rep, day)] if rep.active else []
    parts = {one.id: consider(session, one, at) for one in reps}
    for part in parts.values():
        decide.leave_out(session, part, day)
    ledger = attention.Ledger.of(session, list(parts.values()), at)
    rooms = {one.id: _room(session, one, day) for one in reps}
    wishes = [
        Wish(rep_id, rooms[rep_id], ledger.priced(part.candidates))
        for rep_id, part in parts.items()
    ]
    prices = _reserve(session, parts, wishes, day, at)
    result = recommend.together(wishes, prices)
    mine = parts.get(rep.id, Considered())
    slots = result.chosen.get(rep.id, [])
    mine.look_at([c.person for c in slots])
    decided = decide.decide(session, rep, slots, mine, day, at, room=rooms.get(rep.id, 0),
                            reading=True)  # fmt: skip
    chosen = mine.whole(decided.shown)
    wish = next((w.candidates for w in wishes if w.rep_id == rep.id), ())
    taken = {c.person for other, cs in result.chosen.items() if other != rep.id for c in cs}
    out = _why_not(wish, rooms.get(rep.id, 0), {c.person for c in slots}, taken, prices)
    rows = _rows(session, rep, chosen, mine, result.prices, day, at)
    return Preview(day, at, len(mine.contacts), rows, mine.why | out | decided.empty, reps[1:])


def left_out(session: Session, rep: Rep, day: date, now: datetime) -> dict[str, str]:
    """Who is not on the rep's list of `day`, ONE ID → why, by the plan's rules as it is now."""
    found = consider(session, rep, now) if rep.active else Considered()
    decide.leave_out(session, found, day)
    listed = _listed(session, rep.id, day)
    others = {c.person: OUTRANKED for c in found.candidates}
    return {who: why for who, why in (others | found.why).items() if who not in listed}


def _hour_of(rep: Rep, day: date, now: datetime) -> datetime:
    hour, minute = divmod(rep.daily_at_minute, 60)
    midnight = local(now).replace(
        year=day.year, month=day.month, day=day.day, hour=0, minute=0, second=0, microsecond=0
    )
    return (midnight + timedelta(hours=hour, minutes=minute)).astimezone(now.tzinfo)


def _room(session: Session, rep: Rep, day: date) -> int:
    return max(0, rep.daily_limit - recommend.count_of_day(session, rep.id, [day])[day])


def _reserve(
    session: Session, parts: Mapping[int, Considered], wishes: Sequence[Wish[str]], day: date,
    at: datetime,
) -> dict[str, float]:  # fmt: skip
    people = {c.person for part in parts.values() for c in part.candidates}
    cap, made = consent.rules(session).cap_contacts, attention.contacts(session, people, at)
    left = {person: cap - made.get(person, 0) for person in people}
    return recommend.reserve_prices(wishes, left, workdays.left_in_week(day))


def _why_not(
    wish: Sequence[Candidate[str]], room: int, chosen: set[str], taken: set[str],
    prices: Mapping[str, float],
) -> dict[str, str]:  # fmt: skip
    """Why candidates were not chosen: as the plan counts them, the rest was outranked."""
    alone = {c.person for c in recommend.choose(wish, room)}
    found = {}
    for person in dict.fromkeys(c.person for c in wish if c.person not in chosen):
        if person in alone and person in taken:
            found[person] = "other_rep"
        elif person in alone and prices.get(person, 0.0) > 0:
            found[person] = "saved"
        else:
            found[person] = OUTRANKED
    return found


def _rows(
    session: Session, rep: Rep, chosen: Sequence[Candidate[str]], mine: Considered,
    prices: Mapping[str, float], day: date, at: datetime,
) -> list[Would]:  # fmt: skip
    who = [c.person for c in chosen]
    people, last = identity.physicians_by_id(session, who), journey.last_at(session, who)
    names, rules = tagging.names_for_reps(session), consent.rules(session)
    titles = content.titles(session, [c.fit.piece.version_id for c in chosen])
    habits = when.habits(session, who, day, at)
    own = when.rep_hours(session, rep.id, day, at) if habits else []
    found = []
    for position, c in enumerate(chosen, start=1):
        reasons = recommend.reasons(
            c.fit, mine.weights[c.person], names, last_contact=last.get(c.person), now=at,
            rule=Form.RULE.say(days=rules.cap_days, times=rules.cap_contacts),
            first=Form.LATER.say() if c.bonus else "",
        )  # fmt: skip
        habit = habits.get(c.person)
        hour = card_hour(rep, habit, own, at, day) if habit else None
        found.append(Would(
            people.get(c.person), c, titles[c.fit.piece.version_id], reasons,
            card_time(rep, day, position, at, hour), prices.get(c.person, 0.0),
        ))  # fmt: skip
    return found


def _listed(session: Session, rep_id: int, day: date) -> set[str]:
    rows = (row.identifier_id for row in recommend.of_rep(session, rep_id, day))
    chosen = select(identity.Identifier.one_id).where(identity.Identifier.id.in_(list(rows)))
    return set(session.scalars(chosen))
