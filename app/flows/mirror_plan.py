"""Who shall carry which of our tags in WeCom: followed from the changes of audiences.

A tag's strength changes by events, by people and by itself (it fades); audiences note each change
of its band, so following them is enough. Now and then, and while there is no index of audiences,
everybody whom it may concern is looked at.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta

from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from app import segments, tagging
from app.infra.clock import Clock
from app.infra.db import Database
from app.tagging import MirrorPlan, mirror_rules

FULL_EVERY = timedelta(hours=24)
UNINDEXED_EVERY = timedelta(minutes=10)
PIECE = 25  # physicians of one transaction


def plan_due(db: Database, clock: Clock, stop: Callable[[], bool] = lambda: False) -> int:
    """Bring what is wanted up to date; returns how many physicians were looked at."""
    with db.reading() as session:
        if not tagging.is_mirror_used(session):
            return 0
        chosen = sorted(tagging.chosen_tags(session))
        plan = session.get(MirrorPlan, 1) or MirrorPlan(generation="", upto=0, chosen="")
        names = ",".join(map(str, chosen))
        since = segments.changed_since(session, plan.generation, plan.upto, set(chosen))
        full = _is_full(plan, names, since, clock)
        people = sorted(_everybody(session, chosen, clock) if full else since.people or ())
        moved = (since.generation, since.upto, names) != (plan.generation, plan.upto, plan.chosen)
    if not people and not full and not moved:
        return 0
    try:
        if not _looked_at(db, people, clock, stop):
            return 0
    except OperationalError:  # somebody reads one of these contacts just now: the next look
        return 0
    with db.transaction() as session:
        plan = tagging.hold_plan(session)
        plan.generation, plan.upto, plan.chosen = since.generation, since.upto, names
        if full:
            plan.full_at = clock()
    return len(people)


def _is_full(plan: MirrorPlan, names: str, since: segments.Since, clock: Clock) -> bool:
    if plan.full_at is None or plan.chosen != names:
        return True
    age = clock() - plan.full_at
    if since.people is None:
        return bool(since.generation) or age >= UNINDEXED_EVERY
    return age >= FULL_EVERY


def _everybody(session: Session, chosen: Sequence[int], clock: Clock) -> set[str]:
    """Whoever has one of the tags strongly enough, or a mark of ours."""
    people = tagging.people_with_marks(session)
    for tag_id in chosen:
        people |= tagging.holders(session, tag_id, clock(), mirror_rules.ON)
    return people


def _looked_at(db: Database, people: Sequence[str], clock: Clock, stop: Callable[[], bool]) -> bool:
    """False when there was no time for all."""
    for start in range(0, len(people), PIECE):
        if stop():
            return False
        with db.transaction() as session:
            tagging.hold_plan(session)
            tagging.plan_people(session, people[start : start + PIECE], clock())
    return True
