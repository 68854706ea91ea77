"""Writing suggestions down with their reasons, and queueing a card for each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from sqlalchemy.orm import Session

from app import content, delivery, identity, recommend
from app.campaigns import Campaign
from app.content import ContentVersion
from app.delivery import Way
from app.flows.planning.candidates import Considered
from app.flows.planning.suggestion_card import card, task_id
from app.flows.planning.telling import DAY_BEGINS, DAY_ENDS, Told, telling
from app.identity import Physician
from app.infra import workdays
from app.infra.clock import local
from app.recommend import Candidate, Suggestion
from app.reps import Rep

CARD_GAP_S = 20  # cards of one rep are spread a little


@dataclass(frozen=True, slots=True)
class Plan:
    """Where suggestions belong."""

    key: str
    day: date
    base_url: str
    campaign: Campaign | None = None
    prices: Mapping[str, float] = field(default_factory=dict)  # of the day's attention


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
    said = telling(session, rep, chosen, considered, plan.day, now, plan.campaign)
    made = [
        _row(rep, candidate, told, considered, plan, position, now)
        for position, (candidate, told) in enumerate(zip(chosen, said, strict=True), start=1)
    ]
    session.add_all(made)
    session.flush()  # all at once: a card names the number of its row
    if not recommend.is_muted(session, rep.id, plan.day):
        total = len(chosen) if plan.campaign is None else 0
        physicians = identity.physicians_by_id(session, people)
        versions = content.get_versions(session, {row.content_version_id for row in made})
        for person, row, told in zip(people, made, said, strict=True):
            to, version = physicians[person], versions[row.content_version_id]
            _queue_card(session, rep, row, told, to, version, plan, total, now)
    return made


def card_time(
    rep: Rep, day: date, position: int, now: datetime, at_hour: int | None = None
) -> datetime:
    """When a card of `day` leaves: not on the full hour, spread by rep, never in the evening.

    At the rep's hour, unless `at_hour` is better for rep and physician.
    """
    hour, minute = divmod(rep.daily_at_minute, 60)
    if at_hour is not None and at_hour > hour:
        hour, minute = at_hour, 0
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
    """Today, or the next working day when today is none or its hours for cards are over."""
    today = local(now).date()
    if workdays.is_workday(today) and now < evening(now):
        return today
    return workdays.next_workday(today)


def end_of_day(now: datetime) -> datetime:
    """When a message of today, or of tomorrow when today is over, is too late."""
    ends = evening(now)
    return (ends + timedelta(days=1 if now >= ends else 0)).astimezone(now.tzinfo)


def _row(
    rep: Rep,
    candidate: Candidate[str],
    told: Told,
    considered: Considered,
    plan: Plan,
    position: int,
    now: datetime,
) -> Suggestion:
    fit = candidate.fit
    verdict = considered.verdicts[candidate.person].as_json(now) | {"way": told.choice.stored()}
    if told.hint:
        verdict["time"] = {"hour": told.hour, "why": told.hint}
    if candidate.person in plan.prices:
        verdict["attention"] = round(plan.prices[candidate.person], 4)
    return Suggestion(
        plan_key=plan.key, rep_id=rep.id,
        identifier_id=considered.contacts[candidate.person].id,
        content_id=fit.piece.content_id, content_version_id=fit.piece.version_id,
        campaign_id=plan.campaign.id if plan.campaign else None, day=plan.day,
        position=position, score=fit.score, contributions=fit.stored(), reasons=told.reasons,
        way=told.choice.by or "", verdict=verdict, created_at=now,
    )  # fmt: skip


def _queue_card(
    session: Session,
    rep: Rep,
    row: Suggestion,
    told: Told,
    physician: Physician,
    version: ContentVersion,
    plan: Plan,
    total: int,
    now: datetime,
) -> None:
    start = card_time(rep, plan.day, row.position, now, told.hour)
    body = card(
        row, physician, version, total=total, hint=told.hint, way=told.choice.told,
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
