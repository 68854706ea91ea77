"""What is said of a suggestion: its reasons, its way, and at which hour its card leaves; the same
of those that are made and of those that would be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy.orm import Session

from app import consent, journey, recommend, tagging
from app.campaigns import Campaign
from app.flows.planning import recent, when
from app.flows.planning.bad_hours import Bad, bad_hours
from app.flows.planning.candidates import Considered
from app.flows.planning.near_titles import near_titles
from app.flows.planning.when import Habit
from app.flows.sending.ways import ways_to
from app.infra.clock import local
from app.recommend import Candidate, timing
from app.recommend.day.way import Choice
from app.recommend.fit import forms
from app.recommend.fit.forms import Form
from app.reps import Rep

OTHER_HOUR = "按您的反馈换了提醒时间"
DAY_BEGINS, DAY_ENDS = 8, 20  # a card outside these hours would disturb


@dataclass(frozen=True, slots=True)
class Told:
    """`hour`: in which the card leaves, None for the rep's own; `hint`: what is told of it."""

    reasons: list[str]
    choice: Choice
    hour: int | None
    hint: str


def telling(
    session: Session,
    rep: Rep,
    chosen: Sequence[Candidate[str]],
    considered: Considered,
    day: date,
    now: datetime,
    campaign: Campaign | None = None,
    as_of: datetime | None = None,
) -> list[Told]:
    """Of each chosen candidate, in this order; reasons are those of `day`, on which they are
    read. Where `now` is still to come, what others do is that of `as_of`."""
    people = [candidate.person for candidate in chosen]
    names, rules = tagging.names_for_reps(session), consent.rules(session)
    titles = near_titles(session, (one.fit for one in chosen), now)
    last, facts = journey.last_at(session, people), recent.facts(session, people, now)
    hours = _hours(session, rep, people, day, now, as_of)
    ahead = (day - local(now).date()).days
    carried = ways_to(
        session, rep, [considered.contacts[one_id] for one_id in people], now,
        campaign_id=campaign.id if campaign else None, as_of=as_of,
    )  # fmt: skip
    told = []
    for candidate in chosen:
        one_id = candidate.person
        because = recommend.reasons(
            candidate.fit, considered.weights[one_id], names, last_contact=last.get(one_id),
            rule=Form.RULE.say(days=rules.cap_days, times=rules.cap_contacts), now=now,
            first=_first(candidate, campaign), fact=facts.get(one_id, ""), titles=titles,
        )  # fmt: skip
        reasons = [forms.later(reason, ahead) for reason in because]
        choice = carried[considered.contacts[one_id].id].choice
        told.append(Told(reasons, choice, *hours.get(one_id, (None, ""))))
    return told


def _first(candidate: Candidate[str], campaign: Campaign | None) -> str:
    if campaign is not None:
        return Form.PUSH.say(name=campaign.name)
    return Form.LATER.say() if candidate.bonus else ""


def _hours(
    session: Session,
    rep: Rep,
    people: Sequence[str],
    day: date,
    now: datetime,
    as_of: datetime | None,
) -> dict[str, tuple[int | None, str]]:
    """By ONE ID the hour and what is told of it, where either is known."""
    known = when.habits(session, people, day, now, as_of)
    own = when.rep_hours(session, rep.id, day, now, as_of) if known else []
    bad = bad_hours(session, rep.id, people, now)
    found = {}
    for one_id in known.keys() | bad.keys():
        habit = known.get(one_id)
        hour = _good_hour(rep, habit, own, now, day) if habit else None
        told = habit.told if habit else ""
        if one_id in bad:
            hour, told = _hour_after(bad[one_id], rep, hour, day, now), told or OTHER_HOUR
        found[one_id] = hour, told
    return found


def _good_hour(
    rep: Rep, habit: Habit, own: Sequence[float], now: datetime, day: date
) -> int | None:
    """The hour of `day` in which this card does most, when that is known and not the usual one."""
    if habit.hour is None:
        return None
    usual = _usual_hour(rep, day, now)
    best = timing.slot(habit.hours, own, range(usual, DAY_ENDS), usual)
    return None if best == usual else best


def _hour_after(bad: Bad, rep: Rep, hour: int | None, day: date, now: datetime) -> int | None:
    """The hour of `day` instead, for a physician about whom the rep said 时机不合适."""
    usual = _usual_hour(rep, day, now)
    wanted = usual if hour is None else hour
    return recommend.later.other_hour(wanted, bad.hours, bad.better, range(usual, DAY_ENDS)) or hour


def _usual_hour(rep: Rep, day: date, now: datetime) -> int:
    usual = min(max(rep.daily_at_minute // 60, DAY_BEGINS), DAY_ENDS - 1)
    return max(usual, local(now).hour) if local(now).date() == day else usual
