"""Writing suggestions down with their reasons, and queueing a card for each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from sqlalchemy.orm import Session

from app import consent, content, delivery, identity, journey, recommend, tagging
from app.campaigns import Campaign
from app.content import ContentVersion
from app.delivery import Way
from app.flows.planning import recent, when
from app.flows.planning.bad_hours import Bad, bad_hours
from app.flows.planning.candidates import Considered
from app.flows.planning.near_titles import near_titles
from app.flows.planning.suggestion_card import card, task_id
from app.flows.planning.when import Habit
from app.flows.sending.ways import ways_to
from app.identity import Physician
from app.infra import workdays
from app.infra.clock import local
from app.recommend import Candidate, Suggestion, timing
from app.recommend.fit import forms
from app.recommend.fit.forms import Form
from app.reps import Rep

CARD_GAP_S = 20  # cards of one rep are spread a little
OTHER_HOUR = "按您的反馈换了提醒时间"
DAY_BEGINS, DAY_ENDS = 8, 20  # a card outside these hours would disturb


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
    names = tagging.names_for_reps(session)
    titles = near_titles(session, (one.fit for one in chosen), now)
    last = journey.last_at(session, people)
    facts = recent.facts(session, people, now)
    physicians = identity.physicians_by_id(session, people)
    known = when.habits(session, people, plan.day, now)
    own = when.rep_hours(session, rep.id, plan.day, now) if known else []
    bad = bad_hours(session, rep.id, people, now)
    rules = consent.rules(session)
    ahead = (plan.day - local(now).date()).days  # reasons are read on the plan's day
    muted = recommend.is_muted(session, rep.id, plan.day)
    carried = ways_to(
        session, rep, [considered.contacts[one_id] for one_id in people], now,
        campaign_id=plan.campaign.id if plan.campaign else None,
    )  # fmt: skip
    made = [
        _row(rep, candidate, considered, plan, position, now)
        for position, candidate in enumerate(chosen, start=1)
    ]
    told_of: list[tuple[str, int | None, str]] = []  # what is told of its hour, which, of its way
    for candidate, row in zip(chosen, made, strict=True):
        one_id = candidate.person
        because = recommend.reasons(
            candidate.fit, considered.weights[one_id], names, last_contact=last.get(one_id),
            rule=Form.RULE.say(days=rules.cap_days, times=rules.cap_contacts), now=now,
            first=_first(candidate, plan.campaign), fact=facts.get(one_id, ""), titles=titles,
        )  # fmt: skip
        row.reasons = [forms.later(reason, ahead) for reason in because]
        choice = carried[row.identifier_id].choice
        row.way, row.verdict = choice.by or "", row.verdict | {"way": choice.stored()}
        habit = known.get(one_id)
        told = habit.told if habit else ""
        hour = card_hour(rep, habit, own, now, plan.day) if habit else None
        if one_id in bad:
            hour, told = hour_after(bad[one_id], rep, hour, plan.day, now), told or OTHER_HOUR
        if told:
            row.verdict = row.verdict | {"time": {"hour": hour, "why": told}}
        if one_id in plan.prices:
            row.verdict = row.verdict | {"attention": round(plan.prices[one_id], 4)}
        told_of.append((told, hour, choice.told))
    session.add_all(made)
    session.flush()  # all at once: a card names the number of its row
    if not muted:
        total = len(chosen) if plan.campaign is None else 0
        versions = content.get_versions(session, {row.content_version_id for row in made})
        for candidate, row, said in zip(chosen, made, told_of, strict=True):
            to, version = physicians[candidate.person], versions[row.content_version_id]
            _queue_card(session, rep, row, to, version, plan, total, *said, now)
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


def card_hour(rep: Rep, habit: Habit, own: Sequence[float], now: datetime, day: date) -> int | None:
    """The hour of `day` in which this card does most, when that is known and not the usual one."""
    if habit.hour is None:
        return None
    usual = min(max(rep.daily_at_minute // 60, DAY_BEGINS), DAY_ENDS - 1)
    if local(now).date() == day:
        usual = max(usual, local(now).hour)
    best = timing.slot(habit.hours, own, range(usual, DAY_ENDS), usual)
    return None if best == usual else best


def hour_after(bad: Bad, rep: Rep, hour: int | None, day: date, now: datetime) -> int | None:
    """The hour of `day` instead, for a physician about whom the rep said 时机不合适."""
    usual = min(max(rep.daily_at_minute // 60, DAY_BEGINS), DAY_ENDS - 1)
    if local(now).date() == day:
        usual = max(usual, local(now).hour)
    wanted = usual if hour is None else hour
    return recommend.later.other_hour(wanted, bad.hours, bad.better, range(usual, DAY_ENDS)) or hour


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
    considered: Considered,
    plan: Plan,
    position: int,
    now: datetime,
) -> Suggestion:
    fit = candidate.fit
    return Suggestion(
        plan_key=plan.key, rep_id=rep.id,
        identifier_id=considered.contacts[candidate.person].id,
        content_id=fit.piece.content_id, content_version_id=fit.piece.version_id,
        campaign_id=plan.campaign.id if plan.campaign else None, day=plan.day,
        position=position, score=fit.score,
        contributions=fit.stored(),
        verdict=considered.verdicts[candidate.person].as_json(now), created_at=now,
    )  # fmt: skip


def _first(candidate: Candidate[str], campaign: Campaign | None) -> str:
    if campaign is not None:
        return Form.PUSH.say(name=campaign.name)
    return Form.LATER.say() if candidate.bonus else ""


def _queue_card(
    session: Session,
    rep: Rep,
    row: Suggestion,
    physician: Physician,
    version: ContentVersion,
    plan: Plan,
    total: int,
    hint: str,
    hour: int | None,
    way: str,
    now: datetime,
) -> None:
    start = card_time(rep, plan.day, row.position, now, hour)
    body = card(
        row, physician, version, total=total, hint=hint, way=way,
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
