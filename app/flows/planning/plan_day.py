"""Suggestions of the day: who, what, and why, for a rep and for those who share physicians.

Eligible contacts × approved contents, scored by tag affinity, chosen greedily at prices that make
reps agree, explained by what carried the score. Permission is asked here and again when the card
is sent. Whoever shares most physicians with a rep is planned together with the rep, at once; the
first of their schedules does it, the others find it done. Reps beyond these are planned in turn.
"""

from __future__ import annotations

from collections import Counter
from datetime import date, datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from app import recommend
from app.flows.allowed.history import OPEN_DAYS
from app.flows.planning import attention, decide
from app.flows.planning.best_first import OUTRANKED, UNASKED, BestFirst
from app.flows.planning.suggest import Plan, suggest
from app.recommend import DailyPlan, Together
from app.reps import Rep


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
    due = [one for one in reps if _known(session, one, day) is None]
    best = BestFirst(session, [(one, _room(session, one, day)) for one in due], day, now)
    result = settle(session, best, day, now)
    plans = {
        rep_id: _write(session, best, rep_id, result, day, base_url, now)
        for rep_id in sorted(best.parts)
    }
    return plans[rep.id]


def settle(session: Session, parts: BestFirst, day: date, now: datetime) -> Together[str]:
    """Choose, lock who was chosen, and choose again without those whom another plan took."""
    held: set[str] = set()
    gone: set[str] = set()
    while True:
        result = parts.plan(gone)
        new = {c.person for chosen in result.chosen.values() for c in chosen} - held
        locked = attention.lock_people(session, new, wait=not held) if new else set()
        taken = new - locked | attention.waiting(session, locked, now)
        resting = decide.resting(session, locked, day)
        if not taken and not resting:
            return result
        parts.leave_out(resting)
        gone |= taken
        held |= locked


def _room(session: Session, rep: Rep, day: date) -> int:
    recommend.expire_unanswered(session, rep.id, day - timedelta(days=OPEN_DAYS))
    return max(0, rep.daily_limit - recommend.count_of_day(session, rep.id, [day])[day])


def _write(
    session: Session, best: BestFirst, rep_id: int, result: Together[str], day: date, base_url: str,
    now: datetime,
) -> DailyPlan:  # fmt: skip
    part = best.parts[rep_id]
    rep, considered = part.rep, part.considered
    slots = result.chosen[rep.id]
    considered.look_at([candidate.person for candidate in slots])
    decided = decide.decide(session, rep, slots, considered, day, now, room=part.room)
    lost = [*result.lost[rep.id].values(), *decided.empty.values()]
    left_out = considered.left_out + Counter(lost) + Counter({UNASKED: best.unasked(rep_id)})
    rest = len(considered.contacts) - len(decided.shown) - left_out.total()
    left_out[OUTRANKED] += rest
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
