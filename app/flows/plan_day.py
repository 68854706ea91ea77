"""A rep's suggestions of the day: who, what, and why.

Eligible contacts × approved contents, scored by tag affinity, chosen greedily, explained by what
carried the score. Permission is asked here and again when the card is sent.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from app import recommend
from app.flows.candidates import OPEN_DAYS, Considered, consider
from app.flows.suggest import Plan, suggest
from app.recommend import DailyPlan
from app.reps import Rep


def plan_day(session: Session, rep: Rep, day: date, *, base_url: str, now: datetime) -> DailyPlan:
    """The plan of one rep and day, made once; cards are queued in the same transaction."""
    known = session.scalar(
        select(DailyPlan).where(DailyPlan.rep_id == rep.id, DailyPlan.day == day)
    )
    if known is not None:
        return known
    recommend.expire_unanswered(session, rep.id, day - timedelta(days=OPEN_DAYS))
    room = rep.daily_limit - recommend.count_of_day(session, rep.id, [day])[day]
    considered = consider(session, rep, now) if rep.active else Considered()
    chosen = recommend.choose(considered.candidates, max(0, room))
    plan = DailyPlan(
        rep_id=rep.id, day=day, considered=len(considered.contacts), suggested=len(chosen),
        left_out=dict(considered.left_out), created_at=now,
    )  # fmt: skip
    session.add(plan)
    where = Plan(f"day:{rep.id}:{day.isoformat()}", day, base_url)
    suggest(session, rep, chosen, considered, where, now)
    return plan
