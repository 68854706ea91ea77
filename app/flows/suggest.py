"""Writing suggestions down with their reasons, and queueing a card for each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from app import consent, content, delivery, identity, journey, recommend, tagging
from app.campaigns import Campaign
from app.delivery import Way
from app.flows.candidates import Considered
from app.flows.suggestion_card import card, task_id
from app.identity import Identifier, Physician
from app.infra.clock import local
from app.links import PageView, TrackedLink
from app.recommend import Candidate, Suggestion, timing
from app.reps import Rep

CARD_GAP_S = 20  # cards of one rep are spread a little
DAY_BEGINS, DAY_ENDS = 8, 20  # a card outside these hours would disturb
HABIT_DAYS = 180


@dataclass(frozen=True, slots=True)
class Plan:
    """Where suggestions belong."""

    key: str
    day: date
    base_url: str
    campaign: Campaign | None = None


def suggest(
    session: Session,
    rep: Rep,
    chosen: Sequence[Candidate[str]],
    considered: Considered,
    plan: Plan,
    now: datetime,
) -> list[Suggestion]:
    """A row and a card for each chosen candidate, in this order."""
    people = [candidate.person for candidate in chosen]
    names = {tag.id: tag.name for tag in tagging.tags(session)}
    last = journey.last_at(session, people)
    physicians = identity.physicians_by_id(session, people)
    hints = hour_hints(session, people, now)
    rules = consent.rules(session)
    muted = recommend.is_muted(session, rep.id, plan.day)
    made = []
    for position, candidate in enumerate(chosen, start=1):
        one_id = candidate.person
        row = _row(rep, candidate, considered, plan, position, now)
        row.reasons = recommend.reasons(
            candidate.fit, considered.weights[one_id], names, last_contact=last.get(one_id),
            rule=f"{rules.cap_days} 天内联系不超过 {rules.cap_contacts} 次", now=now,
            first=_first(candidate, plan.campaign),
        )  # fmt: skip
        session.add(row)
        session.flush()
        made.append(row)
        if not muted:
            total = len(chosen) if plan.campaign is None else 0
            _queue_card(
                session, rep, row, physicians[one_id], plan, total, hints.get(one_id, ""), now
            )
    return made


def card_time(rep: Rep, day: date, position: int, now: datetime) -> datetime:
    """When a card of `day` leaves: not on the full hour, spread by rep, never in the evening."""
    hour, minute = divmod(rep.daily_at_minute, 60)
    here = local(now)
    start = here.replace(
        year=day.year, month=day.month, day=day.day, hour=hour, minute=minute, second=0,
        microsecond=0,
    )  # fmt: skip
    start = min(max(start, start.replace(hour=DAY_BEGINS, minute=0)), evening(start))
    spread = timedelta(seconds=10 + rep.id * 37 % 140 + (position - 1) * CARD_GAP_S)
    return (max(start, here) + spread).astimezone(now.tzinfo)


def evening(moment: datetime) -> datetime:
    """The end of that day's hours for cards."""
    return local(moment).replace(hour=DAY_ENDS, minute=0, second=0, microsecond=0)


def good_day(now: datetime) -> date:
    """Today, or tomorrow when today's hours for cards are over."""
    return (local(now) + timedelta(days=1 if now >= evening(now) else 0)).date()


def end_of_day(now: datetime) -> datetime:
    """When a message of this day is too late."""
    day = good_day(now)
    ends = evening(now).replace(year=day.year, month=day.month, day=day.day)
    return ends.astimezone(now.tzinfo)


def hour_hints(session: Session, one_ids: Sequence[str], now: datetime) -> dict[str, str]:
    """When each physician reads, as a phrase for a card, where that is known."""
    rules = consent.rules(session)
    since = now - timedelta(days=HABIT_DAYS)
    opened = (
        select(Identifier.one_id, PageView.opened_at)
        .join(TrackedLink, TrackedLink.id == PageView.link_id)
        .join(Identifier, Identifier.id == TrackedLink.identifier_id)
        .where(Identifier.one_id.in_(one_ids), PageView.opened_at > since)
    )
    mine: dict[str, list[int]] = {}
    for one_id, at in session.execute(opened):
        mine.setdefault(one_id, [0] * timing.HOURS)[local(at).hour] += 1
    if not any(sum(hours) >= timing.ENOUGH for hours in mine.values()):
        return {}
    common = timing.shares(_everybody(session, since))
    legal = [h for h in range(timing.HOURS) if not _is_quiet(rules, now, h)]
    found = {one_id: timing.best_hour(hours, common, legal) for one_id, hours in mine.items()}
    return {one_id: timing.told(hour) for one_id, hour in found.items() if hour is not None}


def _row(
    rep: Rep,
    candidate: Candidate[str],
    considered: Considered,
    plan: Plan,
    position: int,
    now: datetime,
) -> Suggestion:
    fit = candidate.fit
    return Suggestion(
        plan_key=plan.key, rep_id=rep.id,
        identifier_id=considered.contacts[candidate.person].identifier.id,
        content_id=fit.piece.content_id, content_version_id=fit.piece.version_id,
        campaign_id=plan.campaign.id if plan.campaign else None, day=plan.day,
        position=position, score=fit.score,
        contributions=fit.stored(),
        verdict=considered.verdicts[candidate.person].as_json(now), created_at=now,
    )  # fmt: skip


def _first(candidate: Candidate[str], campaign: Campaign | None) -> str:
    if campaign is not None:
        return f"市场推送：{campaign.name}"
    return "您上次选择了“稍后”" if candidate.bonus else ""


def _queue_card(
    session: Session,
    rep: Rep,
    row: Suggestion,
    physician: Physician,
    plan: Plan,
    total: int,
    hint: str,
    now: datetime,
) -> None:
    version = content.get_version(session, row.content_version_id)
    start = card_time(rep, plan.day, row.position, now)
    body = card(
        row, physician, version, total=total, hint=hint, by_task=rep.prefers_group_task,
        list_url=f"{plan.base_url}/rep/",
    )  # fmt: skip
    delivery.queue(
        session, way=Way.REP_CARD, dedupe_key=f"suggestion:{row.id}",
        payload={"corp_id": rep.corp_id, "userid": rep.userid, "card": body},
        rep_id=rep.id, identifier_id=row.identifier_id, suggestion_id=row.id,
        campaign_id=row.campaign_id, content_version_id=row.content_version_id,
        task_id=task_id(row.id), not_before=start,
        not_after=max(evening(start), start + timedelta(minutes=30)).astimezone(now.tzinfo),
        verdict=row.verdict, now=now,
    )  # fmt: skip


def _everybody(session: Session, since: datetime) -> list[int]:
    """Opens by hour of the newest views; a sample is enough for a habit."""
    recent = (
        select(PageView.opened_at)
        .where(PageView.opened_at > since)
        .order_by(PageView.opened_at.desc())
        .limit(5000)
    )
    hours = [0] * timing.HOURS
    for at in session.scalars(recent):
        hours[local(at).hour] += 1
    return hours


def _is_quiet(rules: consent.Rules, now: datetime, hour: int) -> bool:
    return consent.quiet_until(rules, local(now).replace(hour=hour, minute=0)) is not None
