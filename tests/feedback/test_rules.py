"""A rep's own words become a rule only when marketing says so, and stop exactly what it says."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event, select
from sqlalchemy.orm import Session

from app import content, delivery, feedback, recommend, reps, segments, tagging
from app.delivery import Dispatch, Way
from app.feedback import RuleState, Scope, StopRule
from app.feedback.rules import What
from app.flows.allowed.permission import verdict_for
from app.flows.answers import refusal
from app.flows.learning.rule_decided import impact, outcome_of, tell_proposers
from app.flows.planning.plan_day import plan_day
from app.infra.clock import local
from app.infra.db import Database
from app.infra.errors import Refused
from app.recommend import Answer, DailyPlan, Suggestion
from app.reps import Rep
from tests.company import hire, meet, publish
from tests.conftest import SetClock


@pytest.fixture
def session(database: Database, clock: SetClock) -> Session:  # type: ignore[misc]
    with database.transaction() as session:
        tagging.seed(session, clock())
        yield session  # type: ignore[misc]


def plan(session: Session, rep: Rep, clock: SetClock) -> tuple[DailyPlan, list[Suggestion]]:
    day = local(clock()).date()
    made = plan_day(session, rep, day, base_url="http://x", now=clock())
    return made, recommend.of_rep(session, rep.id, day)


def write(session: Session, row: Suggestion, text: str, clock: SetClock) -> StopRule:
    """The rep refuses with these words."""
    recommend.answer(session, row, Answer.REFUSE, ref=f"page:{row.id}", now=clock(), reason="other")
    refusal.follow(session, row, "other", text, clock())
    (note,) = session.scalars(
        select(feedback.RefusalNote).where(feedback.RefusalNote.suggestion_id == row.id)
    )
    assert note.rule_id is not None
    assert (note.text, row.refusal_note) == (text, None), "kept, and once"
    return feedback.rules.get(session, note.rule_id)


def what_of(rule: StopRule) -> What:
    return What(
        tuple(rule.tag_ids), rule.content_id, Scope(rule.scope), rule.until, rule.rep_id,
        rule.identifier_id, rule.segment_id,
    )  # fmt: skip


def approve(session: Session, rule: StopRule, clock: SetClock, **changes: object) -> StopRule:
    what = replace(what_of(rule), **changes)  # type: ignore[arg-type]
    return feedback.rules.approve(session, rule.id, what, by="user:1", now=clock())


def town(session: Session, clock: SetClock) -> tuple[Rep, Rep]:
    """Two reps, six contents, and for each rep a physician who cares for 抗凝 alone."""
    for n in range(6):
        publish(session, f"抗凝{n}", ("anticoagulation",), clock(), days=300)
    one, other = hire(session, "rep01", clock()), hire(session, "rep02", clock())
    meet(session, one, "wang", clock(), tags=("anticoagulation",))
    meet(session, other, "li", clock(), tags=("anticoagulation",))
    return one, other


def test_words_stop_nothing_until_they_are_approved_and_then_only_for_who_wrote(
    session: Session, clock: SetClock
) -> None:
    one, other = town(session, clock)
    (mine,), (theirs,) = plan(session, one, clock)[1], plan(session, other, clock)[1]
    rule = write(session, mine, "这个月别再发抗凝", clock)
    assert (rule.state, rule.scope, rule.rep_id) == (RuleState.PROPOSED, Scope.REP, one.id)
    assert local(rule.until - timedelta(seconds=1)).day == 30
    recommend.answer(session, theirs, Answer.LATER, ref="x", now=clock())
    would = impact(session, rule, clock())
    assert (would.suggestions, list(would.by_rep)) == (1, [(one.id, 1)])
    clock.tick(days=1)
    assert [len(plan(session, rep, clock)[1]) for rep in (one, other)] == [1, 1]
    clock.tick(days=3)
    approve(session, rule, clock)
    made, found = plan(session, one, clock)
    assert found == []
    assert made.left_out == {f"rule:{rule.id}": 1}
    assert len(plan(session, other, clock)[1]) == 1, "the other rep's list goes on"


def test_marketing_may_widen_it_to_all_edit_it_and_withdraw_it(
    session: Session, clock: SetClock
) -> None:
    one, other = town(session, clock)
    (mine,) = plan(session, one, clock)[1]
    rule = approve(
        session, write(session, mine, "不想看抗凝", clock), clock, scope=Scope.ALL, rep_id=None
    )
    clock.tick(days=1)
    assert plan(session, other, clock)[0].left_out == {f"rule:{rule.id}": 1}
    later = clock() + timedelta(days=2)
    assert approve(session, rule, clock, until=later).number == 2
    clock.tick(days=2)
    assert len(plan(session, other, clock)[1]) == 1, "it has ended by itself"
    approve(session, rule, clock, until=clock() + timedelta(days=30))
    feedback.rules.withdraw(session, rule.id, by="user:1", reason="指南更新", now=clock())
    with pytest.raises(Refused):
        feedback.rules.withdraw(session, rule.id, by="user:1", reason="再来", now=clock())
    numbers = [v.number for v in feedback.rules.versions_of(session, rule.id)]
    assert numbers == [4, 3, 2, 1]
    clock.tick(days=4)
    assert len(plan(session, one, clock)[1]) == 1
    assert tell_proposers(session, rule, outcome_of(session, rule, "指南更新"), clock()) == 1


def test_who_waits_for_the_rule_is_refused_at_sending_with_its_number_and_day(
    session: Session, clock: SetClock
) -> None:
    one, _ = town(session, clock)
    (mine,) = plan(session, one, clock)[1]
    rule = approve(session, write(session, mine, "他这个月别再发抗凝", clock), clock)
    assert (rule.scope, rule.identifier_id) == (Scope.PERSON, mine.identifier_id)
    asked = Dispatch(
        way=Way.REP_TEXT, rep_id=one.id, identifier_id=mine.identifier_id, payload={},
        content_version_id=mine.content_version_id, not_before=clock(), counts_as_contact=True,
    )  # fmt: skip
    verdict = verdict_for(session, asked, clock())
    assert verdict is not None
    assert [reason.code for reason in verdict.reasons] == [f"rule:{rule.id}"]
    assert verdict.allowed_again_at == rule.until


def test_a_rule_for_a_segment_holds_for_its_members_and_for_all_when_it_cannot_be_said(
    session: Session, clock: SetClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, _ = town(session, clock)
    meet(session, one, "heart", clock(), tags=("anticoagulation", "heart-failure"))
    segment = segments.saved.save(
        session, name="心衰医生", expression="标签:心力衰竭", author="user:1", now=clock()
    )
    found = plan(session, one, clock)[1]
    rule = approve(
        session, write(session, found[0], "别发抗凝", clock), clock, scope=Scope.SEGMENT,
        segment_id=segment.id, rep_id=None,
    )  # fmt: skip
    clock.tick(days=31)
    rule.until = clock() + timedelta(days=9)
    made, rest = plan(session, one, clock)
    assert (made.left_out, len(rest)) == ({f"rule:{rule.id}": 1}, 1)

    def broken(*_: object) -> None:
        raise segments.Unparseable(0, "不能计算")

    monkeypatch.setattr("app.flows.allowed.eligible.which", broken)
    clock.tick(days=4)
    made, rest = plan(session, one, clock)
    assert (made.left_out, rest) == ({f"rule:{rule.id}": 2}, [])


def test_reps_who_ask_for_the_same_are_one_proposal_for_all_and_others_stay_apart(
    session: Session, clock: SetClock
) -> None:
    one, other = town(session, clock)
    meet(session, one, "zhao", clock(), tags=("anticoagulation",))
    rows = [*plan(session, one, clock)[1], *plan(session, other, clock)[1]]
    by_rep = {rep.id: [r for r in rows if r.rep_id == rep.id] for rep in (one, other)}
    first = write(session, by_rep[one.id][0], "这周别发抗凝", clock)
    this_week = first.until
    assert write(session, by_rep[other.id][0], "抗凝治疗这个月不要", clock).id == first.id
    assert (first.scope, first.rep_id) == (Scope.ALL, None)
    assert local(first.until).day == 1, "the longer of the two"
    apart = write(session, by_rep[one.id][1], "版面太花，看不清", clock)
    assert apart.id != first.id
    assert (apart.tag_ids, apart.content_id) == ([], by_rep[one.id][1].content_id)
    feedback.rules.take_back(session, by_rep[other.id][0].id)
    assert (first.scope, first.rep_id, first.until) == (Scope.REP, one.id, this_week)
    with pytest.raises(Refused):
        feedback.rules.reject(session, apart.id, by="user:1", reason=" ", now=clock())
    feedback.rules.reject(session, apart.id, by="user:1", reason="已改版", now=clock())
    with pytest.raises(Refused):
        approve(session, apart, clock)


@pytest.mark.parametrize("reason", ["content", "discussed"])
@pytest.mark.parametrize("shared", [False, True])
def test_one_reps_refusal_hides_a_content_from_another_only_where_marketing_says_so(
    session: Session, clock: SetClock, shared: bool, reason: str
) -> None:
    version = publish(session, "抗凝一", ("anticoagulation",), clock())
    one, other = hire(session, "rep01", clock()), hire(session, "rep02", clock())
    row = meet(session, one, "wang", clock(), tags=("anticoagulation",))
    (mine,) = plan(session, one, clock)[1]
    recommend.answer(session, mine, Answer.REFUSE, ref="x", now=clock(), reason=reason)
    content.set_terms(
        session, version.content_id, verified_only=False, provinces=(), specialties=(),
        refusal_for_all=shared, by="user:1", now=clock(),
    )  # fmt: skip
    reps.connect(session, other, row, since=clock(), now=clock())
    assert len(plan(session, other, clock)[1]) == (0 if shared else 1)
    queued = session.scalars(select(Dispatch).where(Dispatch.rep_id == other.id)).all()
    assert len(queued) == (0 if shared else 1)
    assert delivery.count_by_state(session)["queued"] == len(queued) + 1


def test_words_leave_alone_what_marketing_approves_at_the_same_time(
    database: Database, clock: SetClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    if database.engine.dialect.name == "sqlite":
        pytest.skip("SQLite has one writer: nobody decides in between")
    with database.transaction() as session:
        tagging.seed(session, clock())
        rows = [plan(session, rep, clock)[1][0].id for rep in town(session, clock)]
        first = write(session, session.get_one(Suggestion, rows[0]), "版面太花", clock).id
    alike = feedback.reading.alike

    def decided_meanwhile(*texts: Any) -> bool:
        with database.transaction() as other:
            rule = feedback.rules.get(other, first)
            if rule.state == RuleState.PROPOSED:
                approve(other, rule, clock)
        return alike(*texts)

    monkeypatch.setattr(feedback.reading, "alike", decided_meanwhile)
    with database.transaction() as session:
        second = write(session, session.get_one(Suggestion, rows[1]), "版面太花", clock)
        assert (second.id == first, second.state) == (False, RuleState.PROPOSED)
        rule = feedback.rules.get(session, first)
        (version,) = feedback.rules.versions_of(session, first)
        assert (rule.state, rule.scope, rule.number) == (RuleState.LIVE, Scope.REP, 1)
        assert version.what == what_of(rule).as_json()


def test_new_words_are_compared_with_any_number_of_proposals_at_once(
    session: Session, clock: SetClock
) -> None:
    one, other = town(session, clock)
    for n in range(9):
        meet(session, one, f"p{n}", clock(), tags=("anticoagulation",))
    *mine, last = plan(session, one, clock)[1]
    for row, text in zip(mine, ("版面太花", "字太小", "图不清楚", "有错别字"), strict=False):
        row.content_id = last.content_id
        write(session, row, text, clock)
    (row,) = plan(session, other, clock)[1]
    row.content_id = last.content_id
    asked: list[str] = []
    session.flush()

    def hear(*given: Any) -> None:
        asked.append(given[2])

    event.listen(session.get_bind(), "before_cursor_execute", hear)
    try:
        rule = write(session, row, "图不清楚啊", clock)
    finally:
        event.remove(session.get_bind(), "before_cursor_execute", hear)
    assert (rule.scope, rule.rep_id) == (Scope.ALL, None)
    assert sum(rule.state == RuleState.PROPOSED for rule in feedback.rules.listing(session)) == 4
    assert sum("FROM refusal_note" in text and "rule_id IN" in text for text in asked) == 1
    approve(session, feedback.rules.listing(session)[0], clock)
    waiting = feedback.rules.listing(session, limit=3)
    assert {rule.state for rule in waiting} == {RuleState.PROPOSED}, "however many are decided"
