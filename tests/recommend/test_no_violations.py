"""Several processes plan, adopt and send at once: no cap is exceeded, and nothing that is not
eligible leaves."""

from __future__ import annotations

import random
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from app import consent, content, delivery, recommend, reps, tagging
from app.bootstrap import Parts, build
from app.delivery import Dispatch
from app.delivery import State as Sending
from app.delivery.channels import Delivered
from app.facts import CardAnswered
from app.flows import Received
from app.flows.allowed import eligible
from app.flows.answers import card_answered
from app.flows.planning import talk_about
from app.flows.planning.plan_day import plan_day
from app.flows.planning.suggestion_card import task_id
from app.flows.sending.sent import after_sent
from app.identity import Identifier
from app.infra.clock import local
from app.infra.db import Database, build_engine
from app.recommend import State, Suggestion
from tests.company import CORP, hire, meet, publish
from tests.conftest import SetClock, make_settings
from workers.claiming import claim_some

DAYS, REPS, PEOPLE, CONTENTS = 2, 3, 5, 4


def town(db: Database, now: datetime) -> list[int]:
    """Reps who share everybody; some contents are for verified physicians or for one brand."""
    with db.transaction() as session:
        tagging.seed(session, now)
        consent.policy_row(session, now).cap_contacts = 1
        brands = [content.add_brand(session, key, key, "心血管") for key in ("a", "b")]
        for n in range(CONTENTS):
            version = publish(session, f"房颤{n}", ("af",), now)
            row = session.get_one(content.Content, version.content_id)
            row.brand_id = brands[n % 2].id
            content.set_terms(
                session, version.content_id, verified_only=n == 0, provinces=(), specialties=(),
                refusal_for_all=False, by="user:1", now=now,
            )  # fmt: skip
        found = [hire(session, f"rep{n}", now, daily_limit=4) for n in range(REPS)]
        reps.set_brands(session, found[0].id, [brands[0].id])
        for n in range(PEOPLE):
            row = meet(session, found[0], f"p{n}", now, tags=("af",))
            for other in found[1:]:
                reps.connect(session, other, row, since=now, now=now)
        return [rep.id for rep in found]


def plan(db: Database, rep_id: int, now: datetime) -> None:
    with db.transaction() as session:
        rep = reps.get_rep(session, rep_id)
        plan_day(session, rep, local(now).date(), base_url="http://x", now=now)


def taken(session: Session, rep_id: int, chance: random.Random, now: datetime) -> int | None:
    """A topic beside any chat of this rep."""
    rep = reps.get_rep(session, rep_id)
    _, row = chance.choice(reps.contacts_of(session, rep_id))
    topics = talk_about.topics(session, rep, row.one_id, 1, now)
    return talk_about.take(session, rep, row, topics[0], now).id if topics else None


def adopt_all(db: Database, rep_id: int, now: datetime, chance: random.Random) -> None:
    with db.reading() as session:
        rep = reps.get_rep(session, rep_id)
        rows = [row.id for row in recommend.of_rep(session, rep_id) if row.state == State.PLANNED]
    for number in rows:
        with db.transaction() as session:
            if chance.random() < 0.5:  # from the sidebar, whoever else is asked about them
                number = taken(session, rep_id, chance, now) or number
            key = chance.choice(("adopt", "adopt", "adopt", "refuse_reason"))
            fact = CardAnswered(
                at=now, corp_id=CORP, agent_id="1", rep_userid=rep.userid, key=key,
                task_id=task_id(number), selections=(("reason", ("discussed",)),),
            )  # fmt: skip
            prepared = card_answered.Prepared("http://x")
            event = Received(number, now)
            card_answered.apply(session, fact, prepared, event, now)


def send_all(parts: Parts) -> None:
    """As a worker does it; the platform takes everything."""
    claimed, settled = claim_some(parts, 5)
    while claimed or settled:
        for one in claimed:
            with parts.db.transaction() as session:
                row = delivery.get(session, one.id)
                delivery.record(row, Delivered(), parts.clock())
                after_sent(session, row, parts.clock())
        claimed, settled = claim_some(parts, 5)


@pytest.mark.parametrize("seed", [1])
def test_planning_adopting_and_sending_at_once_break_no_rule(
    database_url: str, valkey_url: str, clock: SetClock, seed: int
) -> None:
    settings = make_settings(database_url, valkey_url, yishu_send_concurrency=4)
    parts = build(settings, clock=lambda: clock() + timedelta(minutes=10))
    db = parts.db
    rep_ids = town(db, clock())
    with ThreadPoolExecutor(REPS + 2) as pool:
        for day in range(DAYS):
            now = clock.tick(days=1)
            list(pool.map(plan, [db] * REPS, rep_ids, [now] * REPS))
            jobs = [
                pool.submit(adopt_all, db, one, now, random.Random(seed * 100 + day * 10 + one))
                for one in rep_ids
            ]
            jobs += [pool.submit(send_all, parts) for _ in range(2)]
            for job in jobs:
                job.result(60)
            send_all(parts)
    with db.transaction() as session:
        rules = consent.rules(session)
        _no_cap_is_exceeded(session, rules)
        _only_what_is_eligible_left(session, clock())
    db.engine.dispose()


def _no_cap_is_exceeded(session: Session, rules: consent.Rules) -> None:
    sent = session.execute(
        select(Identifier.one_id, Dispatch.sent_at)
        .join(Identifier, Identifier.id == Dispatch.identifier_id)
        .where(Dispatch.counts_as_contact, Dispatch.state == Sending.SENT)
    ).all()
    made = Counter(one_id for one_id, _ in sent)
    assert sent, "something has left"
    assert max(made.values()) <= rules.cap_contacts
    waiting = session.scalars(
        select(Suggestion.identifier_id).where(
            Suggestion.state.in_((State.PLANNED, State.DELIVERED)),
            Suggestion.plan_key.startswith("day:"),
        )
    ).all()
    assert max(Counter(waiting).values(), default=1) == 1, "two reps wait for one physician"


def _only_what_is_eligible_left(session: Session, now: datetime) -> None:
    rows = session.scalars(
        select(Dispatch).where(Dispatch.counts_as_contact, Dispatch.state == Sending.SENT)
    )
    for row in rows:
        assert row.rep_id
        assert row.content_version_id
        rep = reps.get_rep(session, row.rep_id)
        version = content.get_version(session, row.content_version_id)
        one_id = session.get_one(Identifier, row.identifier_id).one_id
        assert eligible.reasons_for(session, rep, one_id, version, now) == ()


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # no database has a say in it
def test_the_same_company_gets_the_same_plan(database_url: str, clock: SetClock) -> None:
    db = Database(build_engine(database_url))
    rep_ids = town(db, clock())
    found = []
    for _ in range(2):
        made: list[object] = []
        try:
            with db.transaction() as session:
                rep = reps.get_rep(session, rep_ids[0])
                plan_day(session, rep, local(clock()).date(), base_url="", now=clock())
                rows = session.scalars(select(Suggestion).order_by(Suggestion.id))
                made = [(r.rep_id, r.identifier_id, r.content_id, r.position, r.score, r.reasons)
                        for r in rows]  # fmt: skip
                raise ZeroDivisionError
        except ZeroDivisionError:
            found.append(made)
    db.engine.dispose()
    assert found[0] == found[1]
    assert len(found[0]) >= REPS, "everybody is equally good: ties are broken alike"
