"""Suggestions of the day: who, what, and why, for a rep and for those who share physicians.

Eligible contacts × approved contents, scored by tag affinity, chosen greedily at prices that make
reps agree, explained by what carried the score. Permission is asked here and again when the card
is sent. Whoever shares most physicians with a rep is planned together with the rep, at once; the
first of their schedules does it, the others find it done. Reps beyond these are planned in turn.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from app import consent, recommend
from app.flows import attention, decide
from app.flows.candidates import OPEN_DAYS, Considered, consider
from app.flows.suggest import Plan, suggest
from app.infra import workdays
from app.recommend import Candidate, DailyPlan, Together, Wish
from app.reps import Rep


@dataclass(frozen=True, slots=True)
class Part:
    """One rep's part in a common plan."""

    rep: Rep
    considered: Considered
    room: int


def plan_day(session: Session, rep: Rep, day: date, *, base_url: str, now: datetime) -> DailyPlan:
    """The plan of one rep and day, made once; cards are queued in the same transaction."""
    known = _known(session, rep, day)
    if known is not None:
        return known
    reps = [rep, *attention.neighbours(session, rep, day)] if rep.active else [rep]
    attention.lock_reps(session, reps)
    known = _known(session, rep, day)  # somebody else may have planned while we waited
    if known is not None:
        return known
    parts = [_part(session, one, day, now) for one in reps if _known(session, one, day) is None]
    result = settle(session, parts, day, now)
    plans = {
        part.rep.id: _write(session, part, result, day, base_url, now)
        for part in sorted(parts, key=lambda p: p.rep.id)
    }
    return plans[rep.id]


def settle(session: Session, parts: Sequence[Part], day: date, now: datetime) -> Together[str]:
    """Choose, lock who was chosen, and choose again without those whom another plan took."""
    parts_of = {part.rep.id: part for part in parts}
    ledger = attention.Ledger.of(session, [part.considered for part in parts], now)
    left = _contacts_left(session, [part.considered for part in parts], now)
    held: set[str] = set()
    gone: set[str] = set()
    while True:
        wishes = [
            Wish(rep_id, part.room, ledger.priced(_without(part.considered.candidates, gone)))
            for rep_id, part in parts_of.items()
        ]
        prices = recommend.reserve_prices(wishes, left, workdays.left_in_week(day))
        result = recommend.together(wishes, prices)
        people = {c.person for chosen in result.chosen.values() for c in chosen}
        if people <= held:
            return result
        locked = attention.lock_people(session, people - held, wait=not held)
        gone |= (people - held - locked) | attention.waiting(session, locked, now, OPEN_DAYS)
        gone |= decide.resting(session, locked, day).keys()
        held |= locked


def _part(session: Session, rep: Rep, day: date, now: datetime) -> Part:
    recommend.expire_unanswered(session, rep.id, day - timedelta(days=OPEN_DAYS))
    room = rep.daily_limit - recommend.count_of_day(session, rep.id, [day])[day]
    considered = consider(session, rep, now) if rep.active else Considered()
    decide.leave_out(session, considered, day)
    return Part(rep, considered, max(0, room))


def _write(
    session: Session, part: Part, result: Together[str], day: date, base_url: str, now: datetime
) -> DailyPlan:
    rep, considered = part.rep, part.considered
    slots = result.chosen[rep.id]
    considered.look_at([candidate.person for candidate in slots])
    decided = decide.decide(session, rep, slots, considered, day, now, room=part.room)
    left_out = considered.left_out + Counter(
        other_rep=result.others[rep.id],
        saved=result.saved[rep.id],
        **Counter(decided.empty.values()),
    )
    plan = DailyPlan(
        rep_id=rep.id, day=day, considered=len(considered.contacts),
        suggested=len(decided.shown), policy_version=decided.policy.version,
        left_out=dict(+left_out), created_at=now,
    )  # fmt: skip
    session.add(plan)
    where = Plan(f"day:{rep.id}:{day.isoformat()}", day, base_url, prices=result.prices)
    shown = considered.whole(decided.shown)
    decide.keep(session, decided, suggest(session, rep, shown, considered, where, now))
    return plan


def _known(session: Session, rep: Rep, day: date) -> DailyPlan | None:
    return session.scalar(select(DailyPlan).where(DailyPlan.rep_id == rep.id, DailyPlan.day == day))


def _without(candidates: Sequence[Candidate[str]], gone: set[str]) -> list[Candidate[str]]:
    return [c for c in candidates if c.person not in gone]


def _contacts_left(
    session: Session, considered: Sequence[Considered], now: datetime
) -> Mapping[str, int]:
    """How many contacts the cap still allows with each candidate."""
    cap = consent.rules(session).cap_contacts
    people = {c.person for one in considered for c in one.candidates}
    made = attention.contacts(session, people, now)
    return {person: cap - made.get(person, 0) for person in people}
