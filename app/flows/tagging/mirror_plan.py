"""Who shall carry which of our tags in WeCom: followed from the changes of audiences.

A tag's strength changes by events, by people and by itself (it fades); audiences note each change
of its band, so following them is enough. Now and then, and while there is no index of audiences,
everybody whom it may concern is looked at: a page at a time, going on where the last look ended.
Whoever is being read just then is looked at again, and keeps nobody else waiting.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta

from sqlalchemy.exc import OperationalError

from app import segments, tagging
from app.infra.clock import Clock
from app.infra.db import Database
from app.tagging import MirrorPlan

FULL_EVERY = timedelta(hours=24)
UNINDEXED_EVERY = timedelta(minutes=10)
PAGE = 500  # physicians of one question
PIECE = 25  # physicians of one transaction
MOST_AGAIN = 500  # who wait for another look: more are no accident


def plan_due(db: Database, clock: Clock, stop: Callable[[], bool] = lambda: False) -> int:
    """Bring what is wanted up to date; returns how many physicians were looked at."""
    with db.reading() as session:
        if not tagging.is_mirror_used(session):
            return 0
        chosen = sorted(tagging.chosen_tags(session))
        plan = session.get(MirrorPlan, 1) or MirrorPlan(generation="", upto=0, chosen="", again="")
        names = ",".join(map(str, chosen))
        since = segments.changed_since(session, plan.generation, plan.upto, set(chosen))
        full = _is_full(plan, names, since, clock)
        people = sorted((since.people or frozenset()).union(filter(None, plan.again.split(","))))
        moved = (since.generation, since.upto, names) != (plan.generation, plan.upto, plan.chosen)
    if people or full or moved:
        again = _look_at(db, people, clock, stop)
        if again is None or len(again) > MOST_AGAIN:
            return 0
        with db.transaction() as session:
            plan = tagging.hold_plan(session)
            plan.generation, plan.upto, plan.chosen = since.generation, since.upto, names
            plan.again = ",".join(again)
            if full and plan.full_after is None:
                plan.full_after, plan.full_at = "", clock()
            elif full:  # the look at all that is under way goes on to its end, then another begins
                plan.full_at = None
    return len(people) + _look_at_all(db, chosen, clock, stop)


def _is_full(plan: MirrorPlan, names: str, since: segments.Since, clock: Clock) -> bool:
    if plan.full_at is None or plan.chosen != names:
        return True
    age = clock() - plan.full_at
    if since.people is None:
        return bool(since.generation) or age >= UNINDEXED_EVERY
    return age >= FULL_EVERY


def _look_at_all(
    db: Database, chosen: Sequence[int], clock: Clock, stop: Callable[[], bool]
) -> int:
    """Go on with the look at everybody; how many there was time for."""
    looked = 0
    while not stop():
        with db.reading() as session:
            plan = session.get(MirrorPlan, 1)
            if plan is None or plan.full_after is None:
                return looked
            before = plan.full_after
            page = tagging.page_of_people(session, chosen, before, PAGE)
        again = _look_at(db, page.people, clock, stop)
        if again is None:
            return looked
        with db.transaction() as session:
            plan = tagging.hold_plan(session)
            waiting = {*again, *filter(None, plan.again.split(","))}
            if plan.full_after != before or len(waiting) > MOST_AGAIN:
                return looked  # another process goes on with it; or: the same page once more
            plan.full_after, plan.again = page.after, ",".join(sorted(waiting))
        looked += len(page.people)
    return looked


def _look_at(
    db: Database, people: Sequence[str], clock: Clock, stop: Callable[[], bool]
) -> list[str] | None:
    """Those who are being read just now and have to be looked at again; None: no time for all."""
    again: list[str] = []
    for start in range(0, len(people), PIECE):
        if stop():
            return None
        piece = people[start : start + PIECE]
        if not _planned(db, piece, clock):
            again += [one for one in piece if not _planned(db, [one], clock)]
    return again


def _planned(db: Database, people: Sequence[str], clock: Clock) -> bool:
    """False when somebody reads one of their contacts just now."""
    try:
        with db.transaction() as session:
            tagging.hold_plan(session)
            tagging.plan_people(session, people, clock())
    except OperationalError:
        return False
    return True
