"""What is kept of decisions, and what goes with time or with who is erased."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from app import recommend
from app.flows.learning import decided, lifting, shown
from app.infra.clock import local
from app.recommend import Answer, DailyPlan, State, Suggestion
from app.recommend.policy import policies
from app.recommend.policy.policies import Settings
from app.recommend.policy.policy_models import Policy
from tests.conftest import SetClock
from tests.recommend.deciding import (
    company,
    decisions,
    explained,
    plan,
    ripe,
    session,
)

__all__ = ["session"]


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


def test_of_more_than_is_looked_at_every_day_has_its_part_and_drawn_ones_go_first(
    session: Session, clock: SetClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan(session, company(session, clock(), 2), clock())
    ended = policies.draft(session, Settings("示例", floor=0.1), by="user:1", now=clock())
    first = local(clock()).date()
    for back in range(1, 24):
        lived_again(session, back, ended if back > 15 else None)
    ripe(session, clock, 10)

    def looked_at(most: int) -> tuple[Counter[str], list[int]]:
        monkeypatch.setattr(decided, "MOST", most)
        known = decided.decided(session, {"accept": 1.0}, clock())
        days = decided._lists(session, first - timedelta(days=23), first)
        assert len(known) == 2 * len(days)
        return Counter(one.kind for one in known), [(first - day).days for day in sorted(days)]

    assert looked_at(1000) == ({"exact": 16, "greedy": 32}, list(range(23, -1, -1)))
    kinds, days = looked_at(32)
    assert kinds["exact"] == 16, "a trial that ended long ago says more than all that followed"
    assert 8 <= kinds["greedy"] <= 24
    assert max(days[8:]) > 8, "not the newest alone"
    few, _ = looked_at(8)
    assert few["exact"] > few["greedy"]


def lived_again(session: Session, back: int, policy: Policy | None) -> None:
    """The one day that was planned once more, so many days ago, as if drawn by this policy."""
    span = timedelta(days=back)
    made = session.scalars(select(DailyPlan).order_by(DailyPlan.id)).first()
    assert made is not None
    session.add(
        DailyPlan(
            rep_id=made.rep_id, day=made.day - span, suggested=made.suggested,
            policy_version=policy.version if policy else 1, created_at=made.created_at - span,
        )
    )  # fmt: skip
    for row in decisions(session):
        if row.day != made.day or row.suggestion_id is None:
            continue
        shown = session.get_one(Suggestion, row.suggestion_id)
        copy = like(shown, day=made.day - span, created_at=made.created_at - span,
                    plan_key=f"day:{made.rep_id}:{back}")  # fmt: skip
        session.add(copy)
        session.flush()
        changes = {"policy_id": policy.id, "kind": "exact"} if policy else {}
        session.add(
            like(row, key=f"{row.key}:{back}", day=made.day - span, suggestion_id=copy.id,
                 created_at=made.created_at - span, **changes)
        )  # fmt: skip
    session.flush()


def like(row: Any, **changes: object) -> Any:
    names = [column.key for column in row.__mapper__.columns if column.key != "id"]
    return type(row)(**{name: getattr(row, name) for name in names} | changes)


def test_what_came_of_a_few_decisions_is_asked_for_these_alone(
    session: Session, clock: SetClock
) -> None:
    """All links of a large company in one sum take longer than a statement may."""
    plan(session, company(session, clock(), 2), clock())
    ripe(session, clock, 10)
    with explained(session) as ways:
        assert len(decided.decided(session, {"accept": 1.0}, clock())) == 2
    (told,) = (way for way in ways if "page_view" in way)
    assert "(suggestion_id=?)" in told or "(suggestion_id = ANY" in told, told


def test_what_a_rep_passed_on_is_a_yes_and_was_not_in_the_way_though_it_was_taken_back(
    session: Session, clock: SetClock
) -> None:
    plan(session, company(session, clock(), 2), clock())
    ripe(session, clock, 10)
    passed_on, forbidden = session.scalars(select(Suggestion).order_by(Suggestion.id))
    passed_on.answered_at = passed_on.delivered_at
    passed_on.state = forbidden.state = State.CANCELLED
    session.flush()
    known = decided.decided(session, {"accept": 1.0}, clock())
    said = {(one.logged.reward, one.logged.blocked) for one in known}
    assert said == {(1.0, 0.0), (0.0, 1.0)}


def test_an_answer_on_the_list_before_the_card_left_is_an_answer(
    session: Session, clock: SetClock
) -> None:
    plan(session, company(session, clock(), 4), clock())
    adopted, refused, again, unseen = session.scalars(select(Suggestion).order_by(Suggestion.id))
    for row, given in ((adopted, Answer.ADOPT), (refused, Answer.REFUSE), (again, Answer.REFUSE)):
        recommend.answer(session, row, given, ref=f"page:{row.id}", now=clock(), reason="content")
    recommend.reopen(session, again, ref="page:again", now=clock())
    again.state = unseen.state = State.EXPIRED  # one was seen, the other one's rep was muted
    session.flush()
    clock.tick(days=10)
    known = decided.decided(session, {"accept": 1.0}, clock())
    assert sorted((one.logged.reward, one.logged.refused) for one in known) == [
        (0.0, 0.0), (0.0, 1.0), (1.0, 0.0),
    ]  # fmt: skip
    assert len(shown.examples(session, clock())) == 3


def test_what_a_rep_picks_or_sends_another_way_says_nothing_about_a_suggestion(
    session: Session, clock: SetClock
) -> None:
    plan(session, company(session, clock(), 2), clock())
    picked, by_hand = session.scalars(select(Suggestion).order_by(Suggestion.id))
    picked.plan_key, by_hand.verdict = f"{recommend.BESIDE}1", {"not_got": "refused"}
    for row in (picked, by_hand):
        recommend.answer(session, row, Answer.ADOPT, ref=f"page:{row.id}", now=clock())
    clock.tick(days=10)
    assert shown.examples(session, clock()) == []
