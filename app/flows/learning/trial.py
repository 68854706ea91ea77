"""A policy on trial with a few reps: judged every night, live or rolled back by itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, case, func, or_, select
from sqlalchemy.orm import Session

from app import accounts
from app.infra.clock import local
from app.links import PageView, TrackedLink
from app.recommend import DailyPlan, State, Suggestion, heads
from app.recommend.policy import canary, policies
from app.recommend.policy.canary import Judgement, Next, Side
from app.recommend.policy.policy_models import Policy
from app.reps import Rep

BEFORE_DAYS = 28
FROM_HOUR = 3  # in China: after learning, before plans
_NOT_YET_LIVE = and_(
    Policy.canary_at.is_not(None),
    or_(Policy.live_at.is_(None), DailyPlan.created_at < Policy.live_at),
)  # so it was a trial, for those reps who were in it


def start(session: Session, version: int, now: datetime) -> Policy:
    """Try it with a few of the reps who are at work. Raises Refused."""
    rep_ids = session.scalars(select(Rep.id).where(Rep.active.is_(True)).order_by(Rep.id)).all()
    return policies.start_trial(session, version, rep_ids, now)


def tried_with(session: Session, policy: Policy) -> list[Rep]:
    """The reps at work whose plans follow it during its trial, by name."""
    reps = session.scalars(select(Rep).where(Rep.active.is_(True)).order_by(Rep.name, Rep.id))
    return [rep for rep in reps if policies.is_on_trial(policy, rep.id)]


def is_due(session: Session, now: datetime) -> bool:
    """Whether tonight's judgement waits."""
    row = policies.on_trial(session)
    here = local(now)
    return row is not None and here.hour >= FROM_HOUR and row.judged_on != here.date()


def judge_trial(session: Session, now: datetime) -> Judgement | None:
    """Tonight's judgement and what follows from it, with an entry in the audit; None: not due, or
    the trial ended or began anew while it was worked out, which takes too long to hold a lock."""
    row = policies.on_trial(session)
    if row is None or row.canary_at is None or not is_due(session, now):
        return None
    begun, day = row.canary_at, local(now).date()
    found = canary.judge(sides(session, row, now), (now - begun).days)
    if not policies.note_judgement(session, row.version, begun, found.as_json(), day):
        return None
    if found.next is Next.GO_LIVE:
        policies.go_live(session, row.version, by=policies.SYSTEM, now=now)
        _audit(session, row, "policy.live", now)
    elif found.next is Next.ROLL_BACK:
        change = found.figures[found.because]
        why = {"code": found.because, "change": round(change.change, 4),
               "low": round(change.low, 4), "high": round(change.high, 4),
               "number": found.number, "days": found.days}  # fmt: skip
        policies.roll_back(session, row.version, why, by=policies.SYSTEM, now=now)
        _audit(session, row, "policy.rolled_back", now, because=found.because)
    session.flush()
    return found


def sides(session: Session, policy: Policy, now: datetime) -> dict[str, list[Side]]:
    """For each figure what every rep's ripe suggestions of daily plans came to."""
    assert policy.canary_at is not None
    since, ripe = policy.canary_at, now - timedelta(days=heads.ANSWER_DAYS)
    begin = since - timedelta(days=BEFORE_DAYS)
    hits = (None, Suggestion.state == State.REFUSED, Suggestion.state == State.ADOPTED)
    of_lists = (
        Suggestion.day >= local(begin).date() - timedelta(days=1),  # has an index
        Suggestion.created_at > begin, Suggestion.delivered_at <= ripe,
        Suggestion.plan_key.startswith("day:"),
    )  # fmt: skip
    answers = _counted(session, since, hits, *of_lists)
    opened = _counted(session, since, (None,), *of_lists, Suggestion.id.in_(_opened(begin)))
    found: dict[str, list[Side]] = {name: [] for name in ("refused", "adopted", "opened")}
    for rep_id, (before, *told) in answers.items():
        trial = policies.is_on_trial(policy, rep_id)
        each = (*told, *opened.get(rep_id, [(0, 0)]))
        for name, mine in zip(found, each, strict=True):
            found[name].append(Side(trial, before[0], mine[0], before[1], mine[1]))
    return found


def _counted(
    session: Session,
    since: datetime,
    hits: Sequence[ColumnElement[bool] | None],
    *chosen: ColumnElement[bool],
) -> dict[int, list[tuple[int, int]]]:
    """Of each rep, how many of the chosen were a hit (None: all), before the trial and since. What
    a rep got while another one was tried with this rep is no before."""
    later = Suggestion.created_at >= since
    counts = [
        func.sum(case((side if hit is None else and_(side, hit), 1), else_=0))
        for hit in hits
        for side in (~later, later)
    ]
    of_day = and_(DailyPlan.rep_id == Suggestion.rep_id, DailyPlan.day == Suggestion.day)
    tried = case((_NOT_YET_LIVE, Policy.version))
    rows = session.execute(
        select(Suggestion.rep_id, tried, *counts)
        .outerjoin(DailyPlan, of_day)
        .outerjoin(Policy, Policy.version == DailyPlan.policy_version)
        .where(*chosen)
        .group_by(Suggestion.rep_id, tried)
        .order_by(Suggestion.rep_id)
    ).all()
    versions = {version for _, version, *_ in rows}
    known = {
        row.version: row
        for row in session.scalars(select(Policy).where(Policy.version.in_(versions)))
    }
    found: dict[int, list[tuple[int, int]]] = {}
    for rep_id, version, *numbers in rows:
        usual = version is None or not policies.is_on_trial(known[version], rep_id)
        pairs = zip(numbers[::2], numbers[1::2], strict=True)
        mine = found.setdefault(rep_id, [(0, 0)] * len(hits))
        found[rep_id] = [
            (before + early * usual, after + late)
            for (before, after), (early, late) in zip(mine, pairs, strict=True)
        ]
    return found


def _opened(begin: datetime) -> Select[Any]:
    """Suggestions of which something was opened: asked for all at once, since asking for each of
    some millions takes longer than a statement may."""
    return (
        select(TrackedLink.suggestion_id)
        .join(PageView, PageView.link_id == TrackedLink.id)
        .where(TrackedLink.created_at > begin, TrackedLink.suggestion_id.is_not(None))
    )


def _audit(
    session: Session, row: Policy, action: str, now: datetime, **detail: Mapping[str, str] | str
) -> None:
    accounts.audit(session, policies.SYSTEM, action, "plan_policy", row.version, now=now, **detail)
