"""Looking at the best physicians first gives the plan that looking at everybody gives."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from app import consent, content, identity, links, recommend, segments, tagging
from app.consent import About, Action
from app.content import Content, ContentVersion, Purpose
from app.flows.allowed import content_terms
from app.flows.allowed.content_terms import AllTerms, all_terms, compiled
from app.flows.insight import tomorrow
from app.flows.planning import attention, best_first, decide
from app.flows.planning.best_first import BestFirst
from app.flows.planning.candidates import Considered, consider
from app.flows.planning.plan_day import plan_day
from app.identity import Identifier
from app.infra import stamp, workdays
from app.infra.clock import local
from app.infra.db import Database
from app.recommend import State, Suggestion, Together, Wish
from app.recommend.day.eligibility import Compiled, Terms
from app.recommend.fit.response import DAY_0
from app.recommend.policy import policies
from app.recommend.policy.policy_models import Decision
from app.reps import Rep, connect, set_brands
from tests.company import give_tag, hire, meet, publish
from tests.conftest import SetClock
from tests.recommend.test_fits import TAGS, Undo, work_all

WORLDS = 8
Rooms = list[tuple[Rep, int]]


@pytest.fixture(autouse=True)
def _few_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(best_first, "BLOCK", 2)
    monkeypatch.setattr(best_first, "SPARE_DAYS", -9)


@pytest.fixture
def session(database: Database) -> Iterator[Session]:
    with database.transaction() as opened:
        yield opened


def by_everybody(session: Session, rooms: Rooms, now: Any, gone: set[str]) -> Together[str]:
    """As planning did when it looked at everybody first."""
    day = local(now).date()
    parts = {r.id: consider(session, r, now) if r.active else Considered() for r, _ in rooms}
    people = {c.person for part in parts.values() for c in part.candidates}
    for part in parts.values():
        decide.leave_out(session, part, decide.resting(session, people, day), now)
    everybody = [c for part in parts.values() for c in part.candidates]
    ledger = attention.Ledger.of(session, everybody, now)
    wishes = [
        Wish(r.id, n, ledger.priced([c for c in parts[r.id].candidates if c.person not in gone]))
        for r, n in rooms
    ]
    left = attention.left(session, {c.person for c in everybody}, now)
    days = workdays.left_in_week(day)
    return recommend.together(wishes, recommend.reserve_prices(wishes, left, days))


def told(result: Together[str], gone: set[str] = frozenset()) -> Any:  # type: ignore[assignment]
    chosen = {
        rep: [(c.person, c.fit.piece.content_id, round(c.worth, 9)) for c in some]
        for rep, some in result.chosen.items()
    }
    lost = {
        rep: {p: w for p, w in some.items() if p not in gone} for rep, some in result.lost.items()
    }
    return chosen, {p: round(v, 9) for p, v in result.prices.items()}, lost


@pytest.mark.parametrize("appeal", [False, True])
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # the same questions on both
def test_the_plan_is_that_of_looking_at_everybody(
    database: Database, clock: SetClock, monkeypatch: pytest.MonkeyPatch, appeal: bool
) -> None:
    now = clock()
    with database.transaction() as session:
        versions = _company(session, now)
    if appeal:  # many contents score below 0, where a fee is negative
        dice = random.Random(1)
        worth = {v.content_id: dice.choice((-30.0, -10.0, -5.0, 1.0)) for v in versions}
        learned = replace(DAY_0, content_appeal=worth, version=5)
        monkeypatch.setattr(recommend, "current", lambda _session: learned)
    segments.build(database, clock)
    work_all(database, clock)
    looked = asked = priced = 0
    for seed in range(WORLDS):
        dice = random.Random(seed)
        with suppress(Undo), database.transaction() as session:
            _happened(session, versions, dice, now)
            reps = session.scalars(select(Rep).order_by(Rep.id)).all()
            rooms = [(rep, dice.choice((0, 1, 2, 3, 8))) for rep in reps]
            everybody = session.scalars(select(Identifier.one_id)).all()
            gone = set(dice.sample(list(everybody), dice.choice((0, 5))))
            best = BestFirst(session, rooms, local(now).date(), now)
            result = best.plan(gone)
            assert told(result, gone) == told(by_everybody(session, rooms, now, gone)), seed
            everybodys = sum(len(part.considered.contacts) for part in best.parts.values())
            asked += everybodys
            looked += everybodys - sum(best.unasked(rep.id) for rep in reps)
            priced += bool(result.prices)
            raise Undo
    assert priced
    assert looked < 0.9 * asked


def _company(session: Session, now: Any) -> list[ContentVersion]:
    """Four reps, forty physicians of whom half are shared, brands, two safety notices."""
    tagging.seed(session, now)
    hired = [hire(session, f"rep{n}", now, daily_limit=4) for n in range(4)]
    brands = [content.add_brand(session, key, key, "心血管") for key in ("one", "two", "three")]
    versions = []
    for n in range(24):
        about = tuple(TAGS[(n + k) % 5] for k in range(n % 3 + 1))
        purpose = Purpose.SAFETY if n in (3, 9) else Purpose.USUAL
        made = publish(session, f"内容{n}", about, now - timedelta(days=n % 7), purpose=purpose)
        if n % 4 < 3:
            session.get_one(Content, made.content_id).brand_id = brands[n % 4].id
        versions.append(made)
    stamp.change(session, content.TERMS)
    set_brands(session, hired[1].id, [brands[0].id])
    set_brands(session, hired[2].id, [brands[1].id, brands[2].id])
    for n in range(40):
        about = tuple(TAGS[(n * k) % 5] for k in range(n % 4))
        row = meet(session, hired[n % 4], f"p{n}", now - timedelta(days=n), tags=about)
        for more in range(1, 1 + (n < 20) + (n < 6)):
            connect(session, hired[(n + more) % 4], row, since=now, now=now)
    return versions


def _happened(
    session: Session, versions: list[ContentVersion], dice: random.Random, now: Any
) -> None:
    """Tags of today, links, answers, holdouts, refused consent, and what physicians chose or
    deleted on their own pages: since the night, or before it."""
    reps = session.scalars(select(Rep).order_by(Rep.id)).all()
    ids = list(session.scalars(select(Identifier).order_by(Identifier.id)))
    for _ in range(dice.randint(0, 4)):
        give_tag(session, dice.choice(ids), dice.choice(TAGS), now)
    for _ in range(dice.choice((0, 20, 90))):
        at, version = now - timedelta(days=dice.randint(1, 80)), dice.choice(versions)
        who = dice.choice(ids).id
        links.create_link(session, version.id, identifier_id=who, channel="oa", now=at)
    states = (State.LATER, State.LATER, State.ADOPTED, State.REFUSED, State.EXPIRED)
    for n in range(dice.randint(2, 12)):
        version, state = dice.choice(versions), dice.choice(states)
        at = now - timedelta(days=dice.randint(4, 60))
        waits = state in (State.LATER, State.REFUSED)
        session.add(Suggestion(
            plan_key=f"x:{n}", rep_id=dice.choice(reps).id, identifier_id=dice.choice(ids).id,
            content_id=version.content_id, content_version_id=version.id, day=local(at).date(),
            state=state, refusal="content" if state == State.REFUSED else None, created_at=at,
            hidden_until=now - timedelta(days=dice.randint(-2, 6)) if waits else None,
            contributions={str(tag): 1.0 for tag in range(1, 4)},
        ))  # fmt: skip
    for n in range(dice.choice((0, 6))):
        _hold_out(session, reps[0], dice.choice(ids), dice.choice(versions), now, f"k{n}")
    for row in dice.sample(ids, dice.randint(0, 5)):
        consent.record(session, row.id, action=Action.WITHDRAW, source="x", channel="wecom", at=now)
    topics = list(tagging.topics(session))
    for row in dice.sample(ids, dice.randint(0, 8)):
        about, among = dice.choice((
            (About.TOPIC, topics), (About.REP, [rep.id for rep in reps]), (About.PACE, [7, 30]),
        ))  # fmt: skip
        consent.choose(session, row.id, about, dice.choice(among), at=now)
    for row in dice.sample(ids, dice.randint(0, 2)):
        held = tagging.weights(session, [row.one_id], now)[row.one_id]
        for tag in list(held)[:1]:
            tagging.delete_own(session, [row.id], tag, at=now)
    session.flush()


def _hold_out(
    session: Session, rep: Rep, row: Identifier, version: ContentVersion, now: Any, key: str = "k"
) -> None:
    session.add(Decision(
        key=key, policy_id=policies.ensure(session, now).id, rep_id=rep.id, identifier_id=row.id,
        day=local(now).date() - timedelta(days=2), kind="greedy", content_id=version.content_id,
        content_version_id=version.id, options=[], held=True, holdout=0.3, created_at=now,
    ))  # fmt: skip
    session.flush()


def test_who_was_wanted_later_is_asked_about_among_the_first(
    database: Database, clock: SetClock
) -> None:
    now = clock()
    with database.transaction() as session:
        tagging.seed(session, now)
        rep = hire(session, "rep", now, daily_limit=2)
        versions = [publish(session, f"内容{n}", (TAGS[n % 5],), now) for n in range(5)]
        for n in range(8):
            meet(session, rep, f"p{n}", now - timedelta(days=9 * n), tags=TAGS[:3])
        low = meet(session, rep, "low", now - timedelta(days=90), tags=("cad",))
        none = meet(session, rep, "none", now)  # no tag speaks for anything
        at = now - timedelta(days=4)
        for one, version in ((low, versions[TAGS.index("cad")]), (none, versions[0])):
            session.add(Suggestion(
                plan_key="x", rep_id=rep.id, identifier_id=one.id, content_id=version.content_id,
                content_version_id=version.id, day=local(at).date(), state=State.LATER,
                hidden_until=now - timedelta(days=1), created_at=at,
            ))  # fmt: skip
    segments.build(database, clock)
    work_all(database, clock)
    with database.transaction() as session:
        rooms = [(session.scalars(select(Rep)).one(), 2)]
        best = BestFirst(session, rooms, local(now).date(), now)
        result = best.plan()
        (chosen,) = result.chosen.values()
        assert [one.person for one in chosen] == [low.one_id, none.one_id]
        assert {one.bonus for one in chosen} == {1.0}
        assert told(result) == told(by_everybody(session, rooms, now, set()))
        assert best.unasked(rooms[0][0].id) > 0


def test_who_was_not_asked_about_is_counted_as_that(database: Database, clock: SetClock) -> None:
    now, day = clock(), local(clock()).date()
    with database.transaction() as session:
        tagging.seed(session, now)
        rep = hire(session, "rep", now, daily_limit=1)
        for n in range(10):
            publish(session, f"内容{n}", (TAGS[n % 5],), now - timedelta(days=n))
        for n in range(6):
            meet(session, rep, f"p{n}", now, tags=TAGS[:3])
            meet(session, rep, f"q{n}", now - timedelta(days=90), tags=("cad",), permitted=False)
        gone = meet(session, rep, "gone", now, tags=TAGS[:3])
        identity.forget(session, gone, cause="test", now=now)
    segments.build(database, clock)
    work_all(database, clock)
    with database.transaction() as session:
        rep = session.scalars(select(Rep)).one()
        shown = tomorrow.preview(session, rep, day, now)
        made = plan_day(session, rep, day, base_url="", now=now)
        assert Counter(shown.out.values()) == {"no_consent": 6, "outranked": 5}
        assert made.left_out["unasked"] >= 6
        assert (made.considered, made.suggested) == (12, 1)
        assert sum(made.left_out.values()) == 11


def test_who_was_taken_or_held_out_while_we_waited_is_left(
    session: Session, clock: SetClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = clock()
    tagging.seed(session, now)
    rep = hire(session, "rep", now, daily_limit=3)
    version = publish(session, "新", ("af",), now)
    taken, held = (meet(session, rep, name, now, tags=("af",)) for name in ("a", "b"))
    monkeypatch.setattr(attention, "waiting", lambda s, people, n: {taken.one_id} & people)
    real = attention.lock_people

    def lock(session: Session, people: set[str], *, wait: bool) -> set[str]:
        if wait:
            _hold_out(session, rep, held, version, now)
        return real(session, people, wait=wait)

    monkeypatch.setattr(attention, "lock_people", lock)
    made = plan_day(session, rep, local(now).date(), base_url="", now=now)
    assert (made.suggested, made.left_out) == (0, {"other_rep": 1, "held": 1})


def test_a_notice_pays_for_no_brand_that_cannot_have_the_physician(
    session: Session, clock: SetClock
) -> None:
    now = clock()
    tagging.seed(session, now)
    rep = hire(session, "rep", now, daily_limit=1)
    ours, theirs = (content.add_brand(session, key, key, "心血管") for key in ("one", "two"))
    notice = publish(session, "召回", ("af",), now, purpose=Purpose.SAFETY)
    old, other = (
        publish(session, title, (tag,), now) for title, tag in (("旧", "cad"), ("别", "af"))
    )
    for version, brand in ((notice, ours), (old, ours), (other, theirs)):
        session.get_one(Content, version.content_id).brand_id = brand.id
    stamp.change(session, content.TERMS)
    row = meet(session, rep, "wang", now, tags=("af",))
    links.create_link(session, old.id, identifier_id=row.id, channel="oa", now=now)
    _hold_out(session, rep, row, other, now)
    (chosen,) = BestFirst(session, [(rep, 1)], local(now).date(), now).plan().chosen[rep.id]
    assert (chosen.fit.piece.content_id, chosen.fee) == (notice.content_id, 0.0)


def test_terms_that_an_older_process_changed_hold_at_once(
    database: Database, clock: SetClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = clock()
    with database.transaction() as session:
        tagging.seed(session, now)
        first = publish(session, "新", ("af",), now)
        assert all_terms(session).of[first.content_id].verified_only is False
    with database.transaction() as session:
        all_terms(session)
        second = publish(session, "更新", ("af",), now)
    monkeypatch.setattr(stamp, "change", lambda *_: None)  # it knows of no stamp
    with database.transaction() as session:
        assert second.content_id in all_terms(session).of
        content.set_terms(
            session, first.content_id, verified_only=True, provinces=(), specialties=(),
            refusal_for_all=False, by="x", now=now,
        )  # fmt: skip
        third = publish(session, "最新", ("af",), now)
    with database.transaction() as session:
        assert all_terms(session).of[first.content_id].verified_only
        assert third.content_id in all_terms(session).of
        assert all_terms(session) is all_terms(session)


class _Cleared(dict[Any, Any]):
    """As when another thread clears it after every look."""

    def __contains__(self, key: object) -> bool:
        found = super().__contains__(key)
        self.clear()
        return found

    def __setitem__(self, key: Any, value: Any) -> None:
        pass


def test_terms_that_another_thread_clears_are_given_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    terms = AllTerms({1: Terms()}, frozenset(), ())
    known = _Cleared({None: Compiled(terms.of, None)})
    monkeypatch.setattr(content_terms, "all_terms", lambda _: terms)
    monkeypatch.setattr(content_terms, "_kept", (terms, known))
    for brands in (None, frozenset({1})):
        assert compiled(Session(), brands).brands == brands
