"""What goes into a slot: drawn with the chances that are logged, or held out for a fortnight."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from app import identity, links, recommend, reps
from app.content import Purpose
from app.flows.learning import decided, lifting
from app.flows.planning import decide, talk_about
from app.flows.planning.candidates import consider
from app.identity import Identifier
from app.infra.clock import local
from app.recommend import Answer, Candidate, DailyPlan, Suggestion
from app.recommend.policy import drawing, policies
from app.recommend.policy.policy_models import Decision, DecisionKind
from tests.company import hire, meet, publish
from tests.conftest import SetClock
from tests.recommend.deciding import (
    company,
    decisions,
    explained,
    make_live,
    plan,
    ripe,
    session,
)

__all__ = ["session"]


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


def test_what_draws_nothing_takes_the_best_of_the_log_also_where_lists_vary(
    session: Session, clock: SetClock
) -> None:
    rep = hire(session, "rep01", clock(), daily_limit=10)
    for n in range(6):
        meet(session, rep, f"p{n}", clock(), tags=("af", "heart-failure"))
    titles = {
        publish(session, tag, (tag,), clock(), days=400).content_id: tag
        for tag in ("af", "heart-failure")
    }
    plan(session, rep, clock())
    rows = decisions(session)
    assert {titles[row.content_id] for row in rows[:2]} == {"af", "heart-failure"}
    assert [row.content_id for row in rows] == [row.options[0][0] for row in rows]
    ripe(session, clock, 10)
    for one in decided.decided(session, {"accept": 1.0}, clock()):
        assert one.under(drawing.Knobs()) == one.logged.chances, "so the gate knows what is live"


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
    people = [row.one_id for row in session.scalars(select(Identifier))]
    assert len(decide.resting(session, people, first[0].day)) == len(held)
    ahead = first[0].day - timedelta(days=60)  # the clock has been set back
    assert not decide.resting(session, people, ahead)
    assert not decide.in_window(session, people, ahead)
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


def test_the_lift_asks_both_arms_the_same(
    session: Session, clock: SetClock, monkeypatch: pytest.MonkeyPatch
) -> None:
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
    assert (found.ripe, found.is_part) == ((42, 18), False)
    later = [
        Decision(
            key=f"later{n}", policy_id=policy.id, rep_id=rep.id, identifier_id=people[n][1].id,
            day=local(now).date() + timedelta(days=14), kind="greedy", options=[], held=n < 20,
            content_id=version.content_id, content_version_id=version.id, holdout=0.3,
            created_at=now + timedelta(days=14),
        )
        for n in range(60)
    ]  # fmt: skip
    session.add_all(later)  # in a large company more begin in a fortnight than are looked at
    session.flush()
    monkeypatch.setattr(lifting, "MOST", 44)
    found = lifting.lifted(session, now + timedelta(days=15))
    assert found.opened.held == 18, "whoever is held out says the most"
    assert 17 <= found.opened.suggested <= 27
    assert (found.ripe, found.is_part, found.opened.more_days) == ((42, 18), True, None)
    with explained(session) as ways:
        found = lifting.lifted(session, now + timedelta(days=29))
    assert found.days == 16, "of all days, not of the newest"
    assert found.ripe == (82, 38)
    assert abs(found.opened.suggested - 22) + abs(found.opened.held - 22) <= 8
    assert all("ix_decision_tossed" in way for way in ways[:3]), ways
    found = lifting.lifted(session, now + timedelta(days=15))
    assert (found.waiting, found.first) == ((40, 20), later[0].day + timedelta(days=14))


@pytest.mark.parametrize("held_first", [True, False])
def test_of_fortnights_of_two_records_that_become_one_physician_the_first_goes_on(
    session: Session, clock: SetClock, held_first: bool
) -> None:
    now = clock()
    day, rep = local(now).date(), hire(session, "rep01", now)
    version = publish(session, "房颤抗凝", ("af",), now, days=400)
    policy = policies.ensure(session, now)
    one, other = (meet(session, rep, key, now, tags=("af",)) for key in "ab")
    for row, after, held in (
        (one, 0, held_first), (other, 10, not held_first), (one, 20, True), (other, 36, True),
    ):  # fmt: skip
        begun = timedelta(days=after)
        session.add(
            Decision(
                key=f"k{after}", policy_id=policy.id, rep_id=rep.id, identifier_id=row.id,
                day=day + begun, kind="greedy", content_id=version.content_id,
                content_version_id=version.id, options=[], held=held, holdout=0.3,
                created_at=now + begun,
            )
        )  # fmt: skip
    session.flush()
    assert lifting.lifted(session, now + timedelta(days=60)).opened.held == 3
    identity.merge(session, one.one_id, other.one_id, actor="user:1", reason="同一人", now=now)
    session.refresh(other)

    def rests(after: int) -> date | None:
        on = day + timedelta(days=after)
        assert decide.in_window(session, [other.one_id], on), "no other coin meanwhile"
        return decide.resting(session, [other.one_id], on).get(other.one_id)

    last = day + timedelta(days=13) if held_first else None
    assert [rests(after) for after in (9, 10, 13, 14)] == [last, last, last, None]
    assert [rests(after) for after in (20, 27, 28, 33)] == [None] * 4, "the second was not over"
    assert {rests(after) for after in (36, 45, 49)} == {day + timedelta(days=49)}
    found = lifting.lifted(session, now + timedelta(days=60))
    sides = found.opened.suggested, found.opened.held
    assert (sides, found.twice, found.is_part) == ((1 - held_first, 1 + held_first), 2, False)
