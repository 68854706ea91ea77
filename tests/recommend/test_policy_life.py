"""A policy is written, judged, tried with a few reps, goes live, and back by itself."""

from __future__ import annotations

from datetime import timedelta
from functools import partial

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.accounts import audit_trail
from app.flows.learning import decided, gating, policy_acts, trial
from app.flows.learning.policy_acts import Act
from app.infra.clock import local
from app.infra.db import Database
from app.infra.errors import Refused
from app.recommend import DailyPlan, State, Suggestion
from app.recommend.policy import canary, gate, policies
from app.recommend.policy.drawing import Knobs
from app.recommend.policy.policies import Settings
from app.recommend.policy.policy_models import PolicyState
from app.reps import Rep
from tests.company import hire
from tests.conftest import SetClock
from tests.recommend.deciding import company, decisions, explained, make_live, plan, ripe, session

__all__ = ["session"]


def test_a_policy_goes_through_the_gate_to_a_few_reps_and_back_by_itself(
    session: Session, clock: SetClock
) -> None:
    rep = company(session, clock(), 16, limit=16)
    crew = [rep, *(hire(session, f"more{n}", clock()) for n in range(7))]
    plan(session, rep, clock())
    ripe(session, clock, 10)
    known = decided.decided(session, {"accept": 1.0}, clock())
    assert len(known) == 16
    assert {one.logged.reward for one in known} == {0.0, 1.0}
    assert "specialty:心内科" in known[0].logged.groups
    assert {one.packed for one in known} == {row.deviations for row in decisions(session)}

    policies.ensure(session, clock())
    row = policies.draft(
        session, Settings("均衡", alpha=0.25, floor=0.02), by="user:1", now=clock()
    )
    with pytest.raises(Refused, match="刷新"):
        trial.start(session, row.version, clock())
    policies.ask_gate(session, row.version)
    asked = policies.next_asked(session)
    assert asked is not None
    verdict = gating.judge(session, asked, clock())
    assert verdict.basis == "bounded"
    policies.note_gate(session, row.version, verdict.as_json() | {"passed": True})
    trial.start(session, row.version, clock())
    tried = {one.id for one in crew if policies.is_on_trial(row, one.id)}
    assert 2 <= len(tried) < len(crew)
    assert {one.id for one in trial.tried_with(session, row)} == tried
    policies_now = (policies.ensure(session, clock()), policies.on_trial(session))
    assert {policies.of_rep(policies_now, one.id).version for one in crew} == {1, 2}

    bad_days(session, clock, crew, tried)
    assert trial.is_due(session, clock())
    with explained(session) as ways:
        trial.sides(session, row, clock())
    one_by_one = ("SubPlan", "CORRELATED")  # takes minutes in a large company
    assert not [way for way in ways if any(said in way for said in one_by_one)]
    judged = trial.judge_trial(session, clock())
    assert judged is not None
    assert (judged.next, judged.because) == ("roll_back", "refused")
    assert row.state == PolicyState.ROLLED_BACK
    assert row.ended is not None
    assert row.ended["code"] == "refused"
    assert row.ended["low"] > 0
    assert policies.on_trial(session) is None
    assert trial.judge_trial(session, clock()) is None


def bad_days(session: Session, clock: SetClock, crew: list[Rep], tried: set[int]) -> None:
    """Two weeks in which reps on trial refuse nine of ten, the others one."""
    row = session.scalars(select(Suggestion)).first()
    assert row is not None
    for day in range(28):
        for one in crew:
            for n in range(10):
                bad = day >= 14 and one.id in tried
                no = n < 9 if bad else n < 1
                session.add(
                    Suggestion(
                        plan_key=f"day:{day}:{one.id}:{n}", rep_id=one.id,
                        identifier_id=row.identifier_id, content_id=row.content_id,
                        content_version_id=row.content_version_id, day=local(clock()).date(),
                        state=State.REFUSED if no else State.ADOPTED,
                        created_at=clock() + timedelta(days=day - 14, minutes=1),
                        delivered_at=clock() + timedelta(days=day - 14, minutes=2),
                    )
                )  # fmt: skip
    session.flush()
    clock.tick(days=18)


def test_with_little_drawn_a_policy_is_compared_with_the_live_one_too(
    session: Session, clock: SetClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gate, "BOUND_LEAST", 1)
    rep = company(session, clock(), 8)
    plan(session, rep, clock())
    ripe(session, clock, 14)
    bold = Settings("大胆", alpha=0.5, floor=0.1)
    tried = policies.draft(session, bold, by="user:1", now=clock())
    tried.state, tried.share, tried.canary_at = PolicyState.CANARY, 1.0, clock()
    plan(session, rep, clock())
    ripe(session, clock, 14)
    policies.roll_back(session, tried.version, {"code": "person"}, by="user:1", now=clock())
    assert {row.policy_id for row in decisions(session)} == {1, tried.id}
    verdict = gating.judge(
        session, policies.draft(session, bold, by="user:1", now=clock()), clock()
    )
    assert verdict.basis == "bounded"
    known = decided.decided(session, bold.worth, clock())
    best = [1 - one.under(Knobs(0.5, 0.1))[0] for one in known]
    assert verdict.differs == pytest.approx(sum(best) / len(best)), "not with what was tried before"


def test_what_another_trial_brought_a_rep_is_no_before_of_this_one(
    session: Session, clock: SetClock
) -> None:
    rep = company(session, clock(), 1)
    crew = [rep, *(hire(session, f"more{n}", clock()) for n in range(5))]
    plan(session, rep, clock())
    (shown,) = session.scalars(select(Suggestion))
    tried = {}
    for version in (2, 3):
        row = policies.draft(session, Settings("示例", floor=0.02), by="user:1", now=clock())
        row.state = PolicyState.GATED
        trial.start(session, version, clock.tick(minutes=1))
        tried[version] = {one.id for one in crew if policies.is_on_trial(row, one.id)}
        for _ in range(3):
            clock.tick(days=1)
            for one in crew:
                a_day(session, clock, one, shown, version if one.id in tried[version] else 1)
        if version == 2:
            policies.roll_back(session, 2, {"code": "person"}, by="user:1", now=clock())
            clock.tick(minutes=1)
    clock.tick(days=4)
    sides = trial.sides(session, row, clock())["adopted"]
    others = [one.id for one in crew]
    expected = [(one in tried[3], 0 if one in tried[2] else 3, 3) for one in others]
    assert [(side.on_trial, side.before, side.since) for side in sides] == expected
    assert tried[2] != set(others)


def test_a_policy_that_comes_back_was_no_trial_while_it_was_live(
    session: Session, clock: SetClock
) -> None:
    rep = company(session, clock(), 1)
    plan(session, rep, clock())
    (shown,) = session.scalars(select(Suggestion))
    row = make_live(session, clock.tick(minutes=1), floor=0.02)
    row.canary_at, row.share = row.live_at, 1.0
    clock.tick(days=1)
    a_day(session, clock, rep, shown, row.version)
    following = make_live(session, clock(), floor=0.05)
    why = {"code": "person"}
    policies.roll_back(session, following.version, why, by="user:1", now=clock.tick(days=1))
    assert policies.live(session) is row
    following.canary_at = clock()
    (side,) = trial.sides(session, following, clock.tick(days=4))["adopted"]
    assert side.before == 1


def a_day(session: Session, clock: SetClock, rep: Rep, like: Suggestion, version: int) -> None:
    """A list with one suggestion, by this policy."""
    day = local(clock()).date()
    session.add(DailyPlan(rep_id=rep.id, day=day, policy_version=version, created_at=clock()))
    session.add(
        Suggestion(
            plan_key=f"day:{rep.id}:{day}", rep_id=rep.id, identifier_id=like.identifier_id,
            content_id=like.content_id, content_version_id=like.content_version_id, day=day,
            state=State.ADOPTED, created_at=clock(), delivered_at=clock(),
        )
    )  # fmt: skip
    session.flush()


def test_when_the_live_one_goes_back_a_trial_begins_anew(session: Session, clock: SetClock) -> None:
    for floor in (0.02, 0.05):
        row = policies.draft(session, Settings("示例", floor=floor), by="user:1", now=clock())
        row.state = PolicyState.GATED
        policies.start_trial(session, row.version, [1, 2, 3], clock())
        if floor == 0.02:
            policies.go_live(session, row.version, by="user:1", now=clock())
    begun, moment = clock(), clock.tick(days=5)
    policies.note_judgement(session, row.version, begun, {"next": "go_on"}, local(moment).date())
    policies.hold_out(session, 0.1, 0, by="user:1", reason="多一些", now=moment)
    act = partial(policy_acts.act, session, what=Act.BACK, by="user:1", reason="不好")
    act(4, now=clock.tick(days=1))
    assert row.canary_at == begun, "what reps get is the same"
    act(2, now=clock.tick(days=1))
    assert policies.ensure(session, clock()).version == 1
    assert (row.canary_at, row.canary, row.judged_on) == (clock(), None, None)
    (entry,) = audit_trail(session, policy_acts.KIND, row.version)
    assert (entry.action, entry.detail) == ("policy.begun_anew", {"because": 2})


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_a_judgement_of_a_trial_that_has_just_begun_anew_is_not_noted(
    database: Database, clock: SetClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    with database.transaction() as session:
        policies.ensure(session, clock())
        make_live(session, clock(), floor=0.02)
        row = policies.draft(session, Settings("示例", floor=0.05), by="user:1", now=clock())
        row.state = PolicyState.GATED
        policies.start_trial(session, row.version, [1, 2, 3], clock())
    clock.tick(days=1)

    def meanwhile(*_asked: object) -> dict[str, list[canary.Side]]:
        with database.transaction() as other:
            policies.roll_back(other, 2, {"code": "person"}, by="user:1", now=clock())
        return {}

    monkeypatch.setattr(trial, "sides", meanwhile)
    with database.transaction() as session:
        assert trial.judge_trial(session, clock()) is None
    with database.reading() as session:
        begun = policies.on_trial(session)
        assert begun is not None
        assert (begun.canary_at, begun.canary, begun.judged_on) == (clock(), None, None)


def test_a_live_policy_goes_back_to_the_one_before(session: Session, clock: SetClock) -> None:
    first = policies.ensure(session, clock())
    with pytest.raises(Refused, match="第一个"):
        policies.roll_back(session, 1, {"code": "person"}, by="user:1", now=clock())
    second = policies.hold_out(session, 0.1, 0, by="user:1", reason="开始对照", now=clock())
    assert (first.state, second.state, second.version) == ("retired", "live", 2)
    policies.roll_back(session, 2, {"code": "person"}, by="user:1", now=clock.tick(days=1))
    assert (first.state, second.state) == ("live", "rolled_back")
    assert policies.ensure(session, clock()).version == 1


def test_who_is_held_out_is_one_decision_also_for_reps_on_trial(
    session: Session, clock: SetClock
) -> None:
    rep = company(session, clock(), 10)
    policies.hold_out(session, 0.15, 0, by="user:1", reason="多一些", now=clock())
    new = policies.draft(
        session, Settings("均衡", alpha=0.25, floor=0.02), by="user:1", now=clock()
    )
    new.state = PolicyState.GATED
    policies.start_trial(session, new.version, [rep.id, rep.id + 1, rep.id + 2], clock())
    assert (new.holdout, new.holdout_from) == (0.15, 0), "a trial is about suggestions alone"
    new.share = 1.0
    policies.hold_out(session, 0.0, 0, by="user:1", reason="先停", now=clock())
    plan(session, rep, clock())
    assert {(row.policy_id, row.holdout) for row in decisions(session)} == {(new.id, 0.0)}
    policies.roll_back(session, 4, {"code": "person"}, by="user:1", now=clock())
    assert (new.holdout, policies.ensure(session, clock()).holdout) == (0.15, 0.15)


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_another_holdout_is_that_of_the_policy_that_just_went_live(
    database: Database, clock: SetClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    with database.transaction() as session:
        policies.ensure(session, clock())
    lock, waited = policies._lock, []

    def after_somebody_else(session: Session) -> None:
        if not waited:
            waited.append(True)
            with database.transaction() as other:
                make_live(other, clock(), alpha=0.5, floor=0.1)
        lock(session)

    monkeypatch.setattr(policies, "_lock", after_somebody_else)
    with database.transaction() as session:
        policies.hold_out(session, 0.1, 0, by="user:1", reason="开始对照", now=clock())
    with database.reading() as session:
        live = policies.live(session)
        assert live is not None
        assert (live.version, live.alpha, live.holdout) == (3, 0.5, 0.1)


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"alpha": 2.0}, "探索强度"), ({"alpha": 0.25}, "底线"), ({"holdout": 0.5}, "对照组"),
        ({"top": 1}, "备选"), ({"worth": {"accept": 0.0}}, "都是 0"), ({"name": " "}, "名字"),
    ],
)  # fmt: skip
def test_settings_that_cannot_be_are_refused_in_words(wrong: dict[str, object], says: str) -> None:
    with pytest.raises(Refused, match=says):
        policies.check(Settings(**({"name": "示例"} | wrong)))  # type: ignore[arg-type]
