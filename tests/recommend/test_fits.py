"""What was worked out at night is what would be worked out now: for every plan, whoever did it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from app import content, court, recommend, segments, tagging
from app.flows.fitting import fits, interests, nights
from app.flows.fitting.basis import basis
from app.flows.fitting.fits import Asked, fits_of, rows_of
from app.flows.fitting.fits_many import bodies, by_kernel
from app.flows.fitting.interests import interests_at, many_of
from app.flows.planning import best_first, talk_about
from app.flows.planning.candidates import ALTERNATIVES
from app.flows.planning.plan_day import plan_day
from app.identity import Identifier
from app.infra.clock import local
from app.infra.db import Database
from app.links import TrackedLink
from app.recommend.fit import fit_rows
from app.recommend.fit.fit_models import FitShard, PhysicianFit
from app.recommend.fit.fit_rows import KEPT, LONG
from app.recommend.fit.response import DAY_0
from app.recommend.policy.policy_models import Decision
from app.reps import Rep, connect
from tests.company import give_tag, hire, meet, publish
from tests.conftest import SetClock
from workers.audiences import keep_audiences
from workers.nights import keep_nights, score_due

TAGS = ("af", "heart-failure", "hypertension", "dyslipidemia", "cad")


@pytest.fixture(autouse=True)
def _few_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where rows say how much physicians are worth, a plan looks at two of them first."""
    monkeypatch.setattr(best_first, "BLOCK", 2)
    monkeypatch.setattr(best_first, "SPARE_DAYS", -9)


@pytest.fixture
def company(database: Database, clock: SetClock) -> Iterator[Database]:
    """Two reps with twelve physicians each, four of them common; audiences follow changes."""
    with database.transaction() as session:
        tagging.seed(session, clock())
        hired = [hire(session, f"rep{n}", clock(), daily_limit=4) for n in (1, 2)]
        for n in range(20):
            about = tuple(TAGS[(n + k) % 5] for k in range(n % 3 + 1))
            publish(session, f"内容{n}", about, clock() - timedelta(days=n))
        for n in range(20):
            about = tuple(TAGS[(n * k) % 5] for k in range(n % 4))
            row = meet(session, hired[n % 2], f"p{n}", clock() - timedelta(days=n), tags=about)
            if n < 4:
                connect(session, hired[1 - n % 2], row, since=clock(), now=clock())
    segments.build(database, clock)
    return database


def work_all(database: Database, clock: SetClock) -> int:
    with database.transaction() as session:
        here = nights.wanted(session, clock())
        if here is not None:
            assert nights.begin(session, here, clock())
    done = 0
    while True:
        with database.transaction() as session:
            mine = nights.claim(session, clock())
        if mine is None:
            return done
        assert nights.work(database, mine, clock())
        done += 1


def stored(database: Database) -> dict[str, bytes]:
    with database.reading() as session:
        return {row.one_id: row.body for row in session.scalars(select(PhysicianFit))
                if row.night_id}  # fmt: skip


def plans(session: Session, clock: SetClock) -> list[tuple[object, ...]]:
    first = session.scalars(select(Rep).order_by(Rep.id)).all()
    day = local(clock()).date()
    for rep in first:
        plan_day(session, rep, day, base_url="http://yishu.test", now=clock())
    return [
        (s.rep_id, s.identifier_id, s.content_id, s.position, s.score, s.reasons, s.contributions)
        for rep in first
        for s in recommend.of_rep(session, rep.id, day)
    ]


class Undo(Exception):
    """Nothing is kept."""


def plans_of_now(database: Database, clock: SetClock) -> list[tuple[object, ...]]:
    made: list[tuple[object, ...]] = []
    with suppress(Undo), database.transaction() as session:
        made = plans(session, clock)
        raise Undo
    return made


def test_a_plan_from_rows_is_the_plan_of_now(
    company: Database, clock: SetClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = plans_of_now(company, clock)
    assert now
    monkeypatch.setattr(nights, "SHARD", 3)
    assert work_all(company, clock) == 7
    asked: list[str] = []
    real = tagging.weights
    monkeypatch.setattr(
        tagging, "weights", lambda s, ids, at: asked.extend(ids) or real(s, ids, at)
    )
    assert plans_of_now(company, clock) == now
    assert len(set(asked)) <= len(now), "nobody but who was chosen was scored"


def test_rows_answer_for_who_has_had_the_best_already(
    company: Database, clock: SetClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    with company.transaction() as session:
        owners = session.scalars(select(Identifier).order_by(Identifier.id)).all()
        best = fits_of(session, [row.one_id for row in owners], clock()).best(
            {row.one_id: Asked() for row in owners}, KEPT
        )
        assert KEPT in {len(fits) for fits in best.values()}, "some rows are full"
        session.add_all(
            TrackedLink(
                token=f"t{row.id}-{n}", content_version_id=fit.piece.version_id, channel="wecom",
                identifier_id=row.id, created_at=clock(), expires_at=clock(),
            )
            for row in owners
            for n, fit in enumerate(best[row.one_id][:3])
        )  # fmt: skip

    def offered() -> list[list[tuple[int, float]]]:
        with company.reading() as session:
            rep = session.scalars(select(Rep).order_by(Rep.id)).first()
            assert rep is not None
            topics = [talk_about.topics(session, rep, row.one_id, 3, clock()) for row in owners]
            return [[(t.version.id, t.fit.score) for t in some] for some in topics]

    now, beside = plans_of_now(company, clock), offered()
    work_all(company, clock)
    asked: list[str] = []
    real = fits.interests_at
    monkeypatch.setattr(
        fits, "interests_at", lambda s, ids, b: asked.extend(ids) or real(s, ids, b)
    )
    assert plans_of_now(company, clock) == now
    assert asked == [], "nobody was scored to be left out"
    assert offered() == beside
    with company.transaction() as session:
        plans(session, clock)
        options = [len(row.options) for row in session.scalars(select(Decision))]
        assert max(options) > ALTERNATIVES, "chance has more to choose from than the plan"


def test_any_number_of_workers_that_die_give_the_same_rows(
    company: Database, clock: SetClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(nights, "SHARD", 3)
    work_all(company, clock)
    alone = stored(company)
    clock.tick(days=1)
    work_all(company, clock)
    clock.tick(days=-1)
    with company.transaction() as session:  # the first night's day again, three workers
        here = nights.wanted(session, clock())
        assert here is not None
        assert nights.begin(session, here, clock())
        claims = [nights.claim(session, clock()) for _ in range(3)]
    assert len({one.id for one in claims if one}) == 3
    assert claims[2]
    assert nights.work(company, claims[2], clock())
    assert claims[0]
    assert nights.work(company, claims[0], clock())
    clock.tick(seconds=nights.LEASE.seconds + 1)  # the second one died
    with company.transaction() as session:
        again = nights.claim(session, clock())
    assert again
    assert claims[1]
    assert again.id == claims[1].id
    assert nights.work(company, again, clock())
    assert not nights.work(company, claims[1], clock()), "it lived after all, too late"
    work_all(company, clock)
    assert stored(company) == alone
    with company.reading() as session:
        told = nights.progress(session, clock())
        assert (told.finished, told.current, told.people, told.failing) == (True, True, 20, 0)


def test_a_shard_that_failed_waits_longer_each_time_and_no_longer_than_a_lease(
    company: Database, clock: SetClock
) -> None:
    with company.transaction() as session:
        here = nights.wanted(session, clock())
        assert here is not None
        assert nights.begin(session, here, clock())
    waits = []
    for _ in range(8):
        with company.transaction() as session:
            mine = nights.claim(session, clock())
            assert mine
            nights.fail(session, mine, "broken", clock())
        began = clock()
        with company.reading() as session:
            assert not nights.is_due(session, clock()), "not at once"
            while not nights.is_due(session, clock()):
                clock.tick(seconds=1)
        waits.append(round((clock() - began).total_seconds()) - 1)
    longest = nights.LEASE.seconds
    assert waits == [10, 20, 40, 80, 160, longest, longest, longest]


def test_whatever_changes_counts_from_its_first_minute(company: Database, clock: SetClock) -> None:
    work_all(company, clock)
    with company.transaction() as session:
        row = session.scalars(select(Identifier).order_by(Identifier.id)).first()
        assert row is not None
        one_id = row.one_id
        assert one_id in rows_of(session, [one_id], basis(session, clock()))
        give_tag(session, row, "cad", clock())
        assert not rows_of(session, [one_id], basis(session, clock())), "before it is written"
    with company.transaction() as session:
        assert not rows_of(session, [one_id], basis(session, clock())), "marked"
        segments.fold(session, clock(), tell=court.mark, tell_marked=nights.touch)
    with company.transaction() as session:
        assert not rows_of(session, [one_id], basis(session, clock())), "followed"
        assert nights.progress(session, clock()).changed >= 1
        new = publish(session, "新内容", ("af", "cad"), clock())
        best = fits_of(session, [one_id], clock()).best({one_id: Asked()}, 30)[one_id]
        assert new.content_id in [one.piece.content_id for one in best]
        assert nights.wanted(session, clock()) is not None, "another night is due"
    work_all(company, clock)
    with company.transaction() as session:
        before = rows_of(session, [one_id], basis(session, clock()))[one_id]
        gone = fit_rows.unpack(before)[0].content_id
        version = next(v for v in content.versions_of(session, gone))
        content.withdraw(session, version.id, reason="测试", now=clock())
        best = fits_of(session, [one_id], clock()).best({one_id: Asked()}, 30)[one_id]
        assert gone not in [one.piece.content_id for one in best]


def test_a_change_while_a_shard_is_read_is_not_lost(company: Database, clock: SetClock) -> None:
    with company.transaction() as session:
        here = nights.wanted(session, clock())
        assert here is not None
        assert nights.begin(session, here, clock())
        mine = nights.claim(session, clock())
        assert mine is not None
    with company.reading() as session:
        one_id = session.scalars(select(Identifier.one_id).order_by(Identifier.id)).first()
        assert one_id is not None
    with company.transaction() as session:
        nights.touch(session, [one_id])  # followed after it was read, before it is written
    assert nights.work(company, mine, clock())
    with company.reading() as session:
        assert not rows_of(session, [one_id], basis(session, clock()))
        assert session.scalar(select(FitShard.people)) == 20


def test_a_night_of_another_basis_is_not_worked_on(company: Database, clock: SetClock) -> None:
    with company.transaction() as session:
        here = nights.wanted(session, clock())
        assert here is not None
        assert nights.begin(session, here, clock())
        assert nights.begin(session, here, clock()) is not None
        mine = nights.claim(session, clock())
        publish(session, "刚批准", ("af",), clock())
    assert mine is not None
    assert not nights.work(company, mine, clock())
    assert stored(company) == {}


def test_the_sidebar_offers_the_same_from_a_row(company: Database, clock: SetClock) -> None:
    def offered() -> list[tuple[int, float, object]]:
        with company.reading() as session:
            rep = session.scalars(select(Rep).order_by(Rep.id)).first()
            row = session.scalars(select(Identifier).order_by(Identifier.id)).all()[6]
            assert rep is not None
            found = talk_about.topics(session, rep, row.one_id, 3, clock())
            return [(one.version.id, one.fit.score, one.because) for one in found]

    now = offered()
    assert len(now) == 3
    work_all(company, clock)
    assert offered() == now


def test_the_kernel_gives_the_rows_that_the_scorer_gives(
    company: Database, clock: SetClock
) -> None:
    pytest.importorskip("numpy")
    with company.reading() as session:
        everybody = sorted(set(session.scalars(select(Identifier.one_id))))
        here = basis(session, clock())
        assert bodies(session, everybody, here, fast=True) == bodies(
            session, everybody, here, fast=False
        )


def test_what_was_read_stands_beside_the_tags_in_arrays_too(
    company: Database, clock: SetClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("numpy")
    read = {recommend.near.key(7): 0.5, -3: 0.25, 0: 0.125}
    monkeypatch.setattr(
        interests, "with_readings",
        lambda _session, own, *_: {one: of | read for one, of in own.items()},
    )  # fmt: skip
    with company.reading() as session:
        people = sorted(set(session.scalars(select(Identifier.one_id))))
        here = replace(basis(session, clock()), response=replace(DAY_0, usual={3: 0.5}))
        found = interests.many_at(session, people, here)
        known = many_of(interests_at(session, people, here).values())
        for name in ("place", "own", "value"):
            assert getattr(found, name).tolist() == getattr(known, name).tolist()
        assert len(found.own) > 3 * len(people)


def test_schedulers_and_workers_keep_rows_by_themselves(company: Database, clock: SetClock) -> None:
    here: Any = SimpleNamespace(db=company, clock=clock)
    clock.tick(hours=-11)
    assert not keep_nights(here), "before two in the morning"
    clock.tick(hours=11)
    assert keep_nights(here)
    assert not keep_nights(here), "it is begun"
    assert (score_due(here), score_due(here)) == (1, 0)
    with company.transaction() as session:
        row = session.scalars(select(Identifier).order_by(Identifier.id)).first()
        assert row is not None
        give_tag(session, row, "cad", clock())
    keep_audiences(here)
    with company.transaction() as session:
        assert not rows_of(session, [row.one_id], basis(session, clock()))
        assert nights.progress(session, clock()).changed == 1
        publish(session, "新内容", ("af",), clock())
    assert keep_nights(here), "the library has changed"
    assert score_due(here) == 1
    with company.reading() as session:
        assert rows_of(session, [row.one_id], basis(session, clock()))


def test_a_row_made_on_the_spot_says_what_the_scorer_says(
    company: Database, clock: SetClock
) -> None:
    pytest.importorskip("numba")
    with company.reading() as session:
        here = basis(session, clock())
        people = list(session.scalars(select(Identifier.one_id).distinct()))
        mine = interests_at(session, people, here)
        seen, without = {1: 0.75, 2: 0.5}, {here.pieces[0].content_id}
        many = many_of(mine[one_id] for one_id in people)
        for one_id, body in by_kernel(people, many, here, LONG):
            row = fit_rows.best(body, here.shelf, 3, seen, without, LONG)
            now = here.scorer.best(mine[one_id], 3, seen=seen, without=without)
            assert row is not None, "the library is shorter than the row"
            assert [(f.piece, f.score) for f in row] == [(f.piece, f.score) for f in now]
