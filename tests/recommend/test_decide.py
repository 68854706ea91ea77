"""What goes into a slot: drawn with the chances that are logged, or held out for a fortnight."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import event, select
from sqlalchemy.orm import Session

from app import links, recommend, reps, tagging
from app.content import Purpose
from app.flows import decide, decided, gating, lifting, talk_about, trial
from app.flows.candidates import consider
from app.flows.plan_day import plan_day
from app.identity import Identifier
from app.infra.clock import local
from app.infra.db import Database
from app.infra.errors import Refused
from app.recommend import Answer, Candidate, DailyPlan, State, Suggestion, drawing, policies
from app.recommend.policies import Settings
from app.recommend.policy_models import Decision, DecisionKind, Policy, PolicyState
from app.reps import Rep
from tests.company import hire, meet, publish
from tests.conftest import SetClock


@pytest.fixture
def session(database: Database, clock: SetClock) -> Session:  # type: ignore[misc]
    with database.transaction() as session:
        tagging.seed(session, clock())
        yield session  # type: ignore[misc]


def company(session: Session, now: datetime, people: int, limit: int = 10) -> Rep:
    rep = hire(session, "rep01", now, daily_limit=limit)
    for n in range(people):
        meet(session, rep, f"p{n}", now, tags=("af", "heart-failure"), specialty="心内科")
    for n in range(4):
        publish(session, f"房颤{n}", ("af",) if n % 2 else ("af", "heart-failure"), now, days=400)
    return rep


def plan(session: Session, rep: Rep, now: datetime) -> DailyPlan:
    return plan_day(session, rep, local(now).date(), base_url="http://yishu.test", now=now)


def make_live(session: Session, now: datetime, **settings: float) -> Policy:
    """As if it had passed the gate and its trial."""
    row = policies.draft(session, Settings("示例", **settings), by="user:1", now=now)  # type: ignore[arg-type]
    before = policies.live(session)
    assert before is not None
    before.state, row.state, row.live_at = PolicyState.RETIRED, PolicyState.LIVE, now
    session.flush()
    return row


def decisions(session: Session) -> list[Decision]:
    return list(session.scalars(select(Decision).order_by(Decision.rep_id, Decision.position)))


def test_the_first_policy_draws_nothing_and_writes_down_what_could_have_been(
    session: Session, clock: SetClock
) -> None:
    rep = company(session, clock(), 3)
    made = plan(session, rep, clock())
    rows = decisions(session)
    suggestions = recommend.of_rep(session, rep.id, local(clock()).date())
    assert [row.suggestion_id for row in rows] == [one.id for one in suggestions]
    assert made.policy_version == 1
    assert {row.kind for row in rows} == {DecisionKind.GREEDY}
    for row, one in zip(rows, suggestions, strict=True):
        assert row.content_id == one.content_id
        assert {o[0]: o[1] for o in row.options}[row.content_id] == row.chance == 1
        assert row.eligible == len(row.options) > 1
        assert row.deviations is not None
        assert not row.holdout, "nobody is held out among three physicians"


def test_what_is_drawn_has_the_chance_that_is_logged_and_keeps_the_lists_cap(
    session: Session, clock: SetClock
) -> None:
    policy = make_live(session, clock(), alpha=0.5, floor=0.1, holdout=0.0)
    rep = company(session, clock(), 12, limit=6)
    plan(session, rep, clock())
    rows = decisions(session)
    assert len(rows) == 6
    for row in rows:
        assert row.kind == DecisionKind.EXACT
        options = {content: chance for content, chance, _ in row.options}
        assert sum(options.values()) == pytest.approx(1, abs=1e-4)
        assert options[row.content_id] == pytest.approx(row.chance, abs=1e-6)
        assert min(options.values()) >= 0.1 / len(options) - 1e-6
        found = drawing.chances(
            [score for _, _, score in row.options], drawing.unpack(row.deviations),
            policies.knobs(policy),
        )  # fmt: skip
        assert found == pytest.approx([chance for _, chance, _ in row.options], abs=2e-6)
    assert max(Counter(row.content_id for row in rows).values()) <= 3
    shown = recommend.of_rep(session, rep.id, local(clock()).date())
    assert [one.content_id for one in shown] == [row.content_id for row in rows]
    assert all(one.reasons for one in shown)


def test_no_chance_shows_or_hides_a_safety_notice(session: Session, clock: SetClock) -> None:
    make_live(session, clock(), alpha=0.5, floor=0.2, holdout=0.2, holdout_from=0)
    rep = company(session, clock(), 6, limit=12)
    concerned = {meet(session, rep, f"q{n}", clock(), tags=("nsclc",)).id for n in range(3)}
    notice = publish(session, "召回通知", ("nsclc", "af"), clock(), purpose=Purpose.SAFETY)
    seen = consider(session, rep, clock())
    seen.look_at(list(seen.options))
    for fits in seen.options.values():
        assert notice.content_id in {fit.piece.content_id for fit in fits}
    plan(session, rep, clock())
    rows = decisions(session)
    given = [row for row in rows if row.kind == DecisionKind.SAFETY]
    assert {row.identifier_id for row in given} >= concerned
    for row in given:
        assert (row.content_id, row.chance, row.holdout) == (notice.content_id, 1.0, 0.0)
    drawn = [row for row in rows if row.kind == DecisionKind.EXACT]
    assert len(drawn) + len(given) == len(rows) > len(given)
    assert notice.content_id not in {option[0] for row in drawn for option in row.options}
    ripe(session, clock, 10)
    known = decided.decided(session, {"accept": 1.0}, clock())
    assert {one.kind for one in known} == {DecisionKind.EXACT}, "no policy is judged by them"


def test_who_is_held_out_gets_safety_notices_all_the_same(
    session: Session, clock: SetClock
) -> None:
    now = clock()
    policy, rep = policies.ensure(session, now), hire(session, "rep01", now)
    publish(session, "房颤", ("af",), now)
    notice = publish(session, "召回通知", ("af",), now, purpose=Purpose.SAFETY)
    for key, tags in (("concerned", ("af",)), ("other", ())):
        row = meet(session, rep, key, now, tags=("heart-failure", *tags))
        publish(session, f"给{key}", ("heart-failure",), now)
        session.add(
            Decision(
                key=key, policy_id=policy.id, rep_id=rep.id, identifier_id=row.id,
                day=local(now).date(), kind="greedy", content_id=notice.content_id,
                content_version_id=notice.id, options=[], held=True, holdout=0.3, created_at=now,
            )
        )  # fmt: skip
        offered = talk_about.topics(session, rep, row.one_id, 3, now)
        assert [one.version.id for one in offered] == [notice.id], "beside the chat as well"
    made = plan(session, rep, now)
    (shown,) = session.scalars(select(Suggestion))
    assert (shown.content_id, made.left_out) == (notice.content_id, {"held": 1})
    assert decisions(session)[-1].kind == DecisionKind.SAFETY


def test_who_is_held_out_and_who_is_not_get_the_same_notice(
    session: Session, clock: SetClock
) -> None:
    now = clock()
    policy, rep = policies.ensure(session, now), hire(session, "rep01", now)
    usual = publish(session, "房颤", ("af",), now)
    notice = publish(session, "召回通知", ("af", "nsclc"), now, purpose=Purpose.SAFETY)
    held, free = (meet(session, rep, key, now, tags=("af",)) for key in ("held", "free"))
    best = consider(session, rep, now).options[free.one_id]
    assert [fit.piece.content_id for fit in best] == [usual.content_id, notice.content_id]
    session.add(
        Decision(
            key="held", policy_id=policy.id, rep_id=rep.id, identifier_id=held.id,
            day=local(now).date(), kind="greedy", content_id=usual.content_id,
            content_version_id=usual.id, options=[], held=True, holdout=0.3, created_at=now,
        )
    )  # fmt: skip
    plan(session, rep, now)
    got = {one.identifier_id: one.content_id for one in session.scalars(select(Suggestion))}
    assert got == dict.fromkeys((held.id, free.id), notice.content_id)


@pytest.mark.parametrize("asked", [False, True])
def test_the_lists_cap_holds_also_for_whom_only_one_content_is_left(
    session: Session, clock: SetClock, asked: bool
) -> None:
    make_live(session, clock(), floor=0.1)
    rep = hire(session, "rep01", clock(), daily_limit=2)
    few, other = (publish(session, title, ("af",), clock()) for title in ("房颤", "抗凝"))
    for key in ("first", "last"):
        meet(session, rep, key, clock(), tags=("af",))
    found = consider(session, rep, clock())
    fits = {fit.piece.content_id: fit for fit in found.options[found.candidates[0].person]}
    one, two = sorted(found.options)
    found.options = {one: [fits[few.content_id]], two: [fits[few.content_id]]}
    chosen = [
        Candidate(one, one, fits[few.content_id]),
        Candidate(two, two, fits[few.content_id if asked else other.content_id], float(asked)),
    ]
    day = local(clock()).date()
    made = decide.decide(session, rep, chosen, found, day, clock(), room=2)
    assert [c.person for c in made.shown] == [two if asked else one]
    assert [row.content_id for row in made.rows] == [few.content_id]
    assert made.empty == {one if asked else two: decide.USED_UP}


def test_what_a_rep_postponed_is_not_drawn_anew_and_not_held_out(
    session: Session, clock: SetClock
) -> None:
    make_live(session, clock(), alpha=0.5, floor=0.2, holdout=0.2, holdout_from=0)
    rep = company(session, clock(), 1)
    plan(session, rep, clock())
    (first,) = decisions(session)
    if first.held:
        pytest.fail("the coin of this example falls on the other side; choose another name")
    (suggestion,) = recommend.of_rep(session, rep.id, local(clock()).date())
    recommend.answer(session, suggestion, Answer.LATER, ref="inbox:1", now=clock())
    plan(session, rep, clock.tick(days=1))
    again = decisions(session)[-1]
    assert (again.kind, again.content_id, again.holdout) == (
        DecisionKind.ASKED, suggestion.content_id, 0.0,
    )  # fmt: skip


def test_whom_one_rep_postponed_is_not_held_out_by_the_coin_of_another(
    session: Session, clock: SetClock
) -> None:
    rep = company(session, clock(), 10)
    plan(session, rep, clock())
    for one in recommend.of_rep(session, rep.id, local(clock()).date())[:9]:
        recommend.answer(session, one, Answer.LATER, ref=f"inbox:{one.id}", now=clock())
    make_live(session, clock(), holdout=0.2, holdout_from=0)
    other = hire(session, "rep02", clock(), daily_limit=10)
    for _, identifier in list(reps.contacts_of(session, rep.id)):
        reps.connect(session, other, identifier, since=clock(), now=clock())
    rep.active = False
    plan(session, other, clock.tick(days=4))
    rows = [row for row in decisions(session) if row.rep_id == other.id]
    asked = {s.identifier_id for s in session.scalars(select(Suggestion)) if s.hidden_until}
    tossed = {row.identifier_id for row in rows if row.holdout}
    assert len(rows) > 1
    assert not tossed & asked


def test_a_physician_of_many_reps_is_one_physician(session: Session, clock: SetClock) -> None:
    rep = company(session, clock(), 2)
    rows = [identifier for _, identifier in reps.contacts_of(session, rep.id)]
    for n in range(9):
        for row in rows:
            reps.connect(session, hire(session, f"more{n}", clock()), row, since=clock(),
                         now=clock())  # fmt: skip
    assert decide._are_enough(session, 2)
    assert not decide._are_enough(session, 3)


def test_who_is_held_out_is_nobodys_suggestion_for_a_fortnight_and_then_again(
    session: Session, clock: SetClock
) -> None:
    make_live(session, clock(), holdout=0.2, holdout_from=0)
    rep = company(session, clock(), 10)
    other = hire(session, "rep02", clock())
    for _, identifier in list(reps.contacts_of(session, rep.id)):
        reps.connect(session, other, identifier, since=clock(), now=clock())
    made = plan(session, rep, clock())
    first = decisions(session)
    held = {row.identifier_id for row in first if row.held}
    assert 1 <= len(held) <= 6
    assert {row.holdout for row in first} == {0.2}
    assert sum(p.left_out.get("held", 0) for p in session.scalars(select(DailyPlan))) == len(held)
    shown = {row.identifier_id for row in session.scalars(select(Suggestion))}
    assert not held & shown
    for row in session.scalars(select(Identifier).where(Identifier.id.in_(held | shown))):
        offered = talk_about.topics(session, rep, row.one_id, 3, clock())
        assert row.id not in held or offered == [], "beside the chat neither"
        last = talk_about.rests(session, row.one_id, clock())
        assert last == (first[0].day + timedelta(days=13) if row.id in held else None)
    assert made.suggested == len([s for s in session.scalars(select(Suggestion))
                                  if s.rep_id == rep.id])  # fmt: skip
    for days in (4, 9):
        plan(session, other, clock.tick(days=days))
        plan(session, rep, clock())
    session.flush()
    assert not held & {row.identifier_id for row in session.scalars(select(Suggestion))}
    second = [row for row in decisions(session) if row.day > first[0].day]
    assert {row.holdout for row in second} <= {0.0}, "one coin a fortnight"
    plan(session, rep, clock.tick(days=1))
    plan(session, other, clock())
    later = {r.identifier_id for r in decisions(session) if r.day == local(clock()).date()}
    assert held & later, "a fortnight is over, they have their turn"


def test_the_lift_asks_both_arms_the_same(session: Session, clock: SetClock) -> None:
    now = clock()
    policy = policies.ensure(session, now)
    version = publish(session, "房颤抗凝", ("af",), now, days=400)
    people = []
    for r in range(6):
        rep = hire(session, f"rep{r}", now)
        for n in range(10):
            row = meet(session, rep, f"p{r}-{n}", now, tags=("af",))
            people.append((rep, row, n < 3))
    for n, (rep, row, held) in enumerate(people):
        session.add(
            Decision(
                key=f"k{n}", policy_id=policy.id, rep_id=rep.id, identifier_id=row.id,
                day=local(now).date(), kind="greedy", content_id=version.content_id,
                content_version_id=version.id, options=[], held=held, holdout=0.3, created_at=now,
            )
        )  # fmt: skip
        if n % 10 in (0, 4, 5, 6, 7):  # one of three, four of seven: through whatever way
            link = links.create_link(
                session, version.id, identifier_id=row.id, channel="oa", now=now
            )
            at = now + timedelta(days=20 if n % 10 == 7 else 3)  # and one of them too late
            links.open_page(session, link.id, f"visit-{n:04}", agent="wechat", now=at)
    session.flush()
    early = lifting.lifted(session, now + timedelta(days=5))
    assert (early.opened.gain, early.waiting) == (None, (42, 18))
    assert early.first == local(now).date() + timedelta(days=14)
    found = lifting.lifted(session, now + timedelta(days=15))
    assert (found.opened.suggested, found.opened.held, found.opened.reps) == (42, 18, 6)
    assert found.opened.share == pytest.approx(3 / 7)
    assert found.opened.held_share == pytest.approx(1 / 3)
    assert found.opened.low is not None
    assert found.opened.low < 0 < found.opened.high  # type: ignore[operator]
    assert found.opened.more_days
    assert list(found.by_brand) == [lifting.OTHER]


def test_old_deviations_go_and_are_found_by_an_index_of_their_own(
    session: Session, clock: SetClock
) -> None:
    plan(session, company(session, clock(), 1), clock())
    clock.tick(days=decided.DEVIATIONS_DAYS)
    decided.forget_deviations(session, clock())
    assert not decided.has_old_deviations(session, clock())
    assert [row.deviations is not None for row in decisions(session)] == [True]
    clock.tick(days=1)
    with explained(session) as ways:
        assert decided.has_old_deviations(session, clock())
        decided.forget_deviations(session, clock())
    assert ["ix_decision_deviations" in way for way in ways] == [True, True], ways
    assert not decided.has_old_deviations(session, clock())
    assert [row.deviations for row in decisions(session)] == [None]


@contextmanager
def explained(session: Session) -> Iterator[list[str]]:
    """The way that the database goes for each statement, filled at the end of the block."""
    asked: list[tuple[str, Any]] = []
    ways: list[str] = []

    def note(_conn: Any, _cursor: Any, statement: str, values: Any, *_more: Any) -> None:
        asked.append((statement, values))

    connection = session.connection()
    event.listen(connection, "before_cursor_execute", note)
    yield ways
    event.remove(connection, "before_cursor_execute", note)
    explain = "EXPLAIN QUERY PLAN"
    if connection.dialect.name == "postgresql":
        explain = "EXPLAIN"
        connection.exec_driver_sql("SET LOCAL enable_seqscan = off")  # one row is read whole
    for statement, values in asked:
        ways.append(str(connection.exec_driver_sql(f"{explain} {statement}", values).all()))


def ripe(session: Session, clock: SetClock, days: int) -> None:
    """Everything was shown, half of it is taken."""
    for n, row in enumerate(session.scalars(select(Suggestion).order_by(Suggestion.id))):
        row.delivered_at = row.created_at
        row.state = State.ADOPTED if n % 2 else State.EXPIRED
    session.flush()
    clock.tick(days=days)


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
    policies_now = (policies.ensure(session, clock()), policies.on_trial(session))
    assert {policies.of_rep(policies_now, one.id).version for one in crew} == {1, 2}

    bad_days(session, clock, crew, tried)
    assert trial.is_due(session, clock())
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


def test_what_was_computed_of_erased_tags_goes_and_its_slot_is_judged_no_more(
    session: Session, clock: SetClock
) -> None:
    rep = company(session, clock(), 2)
    plan(session, rep, clock())
    first, second = decisions(session)
    decided.forget(session, first.identifier_id, clock() - timedelta(days=1))
    session.expire_all()
    assert first.options, "it is younger"
    decided.forget(session, first.identifier_id)
    session.expire_all()
    assert (first.options, first.deviations, first.eligible) == ([], None, second.eligible)
    ripe(session, clock, 10)
    (known,) = decided.decided(session, {"accept": 1.0}, clock())
    assert list(known.logged.contents) == [option[0] for option in second.options]
    lifting.lifted(session, clock())


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
