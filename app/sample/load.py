"""Loading the invented company: once, from a seed, through the product's own verbs."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import update
from sqlalchemy.orm import Session

from app import accounts, consent, tagging
from app.bootstrap import Parts
from app.delivery import Dispatch, Way
from app.delivery import State as Queued
from app.flows.planning.plan_day import plan_day
from app.identity import Identifier
from app.infra.clock import local, midnight
from app.sample.company import DAYS, Company, Progress
from app.sample.doubts import doubt
from app.sample.lives import live, meet
from app.sample.masters import know_hospitals
from app.sample.offices import LOGINS, account_for, hire, plan_pushes, publish
from app.sample.people import physicians
from app.sample.people import reps as sample_reps
from app.sample.suggested import suggest
from app.sample.unserved import plan_audiences, want_more
from app.sample.world import seed_sandbox

SEED, PHYSICIANS = 20261124, 600
FIRST_CARDS_WAIT = timedelta(hours=12)


def load(parts: Parts, say: Progress = lambda _text: None) -> dict[str, Any]:
    """Load the company unless it is there; returns the demonstration logins."""
    now = parts.clock()
    with parts.db.reading() as session:
        there = accounts.user_by_login(session, "admin") is not None
    today = midnight(now)
    rng = random.Random(SEED)  # noqa: S311  # repeatable on purpose
    team = sample_reps()
    people = physicians(rng, PHYSICIANS, team, today)
    if not there:
        company = Company(rng, now, team, people)
        _load_company(parts, company, say)
    seed_sandbox(parts, team, people, say)
    logins = [{"login": login, "role": role.value} for login, _, role in LOGINS]
    return {
        "logins": [*logins, {"login": "rep01", "role": "rep"}],
        "password": accounts.DEMO_PASSWORD,
    }


def _load_company(parts: Parts, company: Company, say: Progress) -> None:
    """All of it in one transaction: a load that was interrupted has never happened."""
    known: dict[str, dict[str, Identifier]] = {}
    with parts.db.transaction() as session:
        say("标签库、品牌与内容")
        tagging.seed(session, company.now)
        know_hospitals(session, company)
        versions = publish(session, company)
        rows = hire(session, parts, company)
        say(f"{len(company.people)} 位医生")
        for person in company.people:
            known[person.key] = meet(session, parts, company, person, rows)
        say(f"{DAYS} 天的互动")
        for person in company.people:
            live(session, company, person, known[person.key], versions, rows)
        want_more(session, company, known)
        doubt(session, company, known, versions, rows)
        say("建议与推送")
        suggest(session, company, known, versions, rows)
        account_for(session, company, rows)
        plan_audiences(session, company)
        plan_pushes(session, company)
        for rep in rows.values():
            day = local(company.now).date()
            base = parts.settings.yishu_base_url
            plan_day(session, rep, day, base_url=base, now=company.now)
        open_at_any_hour(session, company.now)


def open_at_any_hour(session: Session, now: datetime) -> None:
    """No quiet hours, and the first cards leave now: whoever tries the product does so whenever."""
    limits = consent.policy_row(session, now)
    limits.quiet_from_minute = limits.quiet_until_minute = 0
    session.execute(
        update(Dispatch)
        .where(Dispatch.way == Way.REP_CARD, Dispatch.state == Queued.QUEUED)
        .values(not_before=now, not_after=now + FIRST_CARDS_WAIT)
    )
