"""“Not my physician”: off the rep's lists, decided by staff, undone, and the rep hears of it."""

from __future__ import annotations

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from app import feedback, recommend, reps, tagging
from app.delivery import Dispatch
from app.feedback import ClaimState
from app.flows.answers import refusal
from app.flows.contacts.claim_decided import decide_claim, undo_claim
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


def claimed(session: Session, rep: Rep, clock: SetClock) -> feedback.RelationClaim:
    (row,) = plan(session, rep, clock)[1]
    recommend.answer(session, row, Answer.REFUSE, ref="x", now=clock(), reason="not_mine")
    for _ in range(2):  # a second tap is the same claim
        refusal.follow(session, row, "not_mine", "", clock())
    (claim,) = feedback.claims.listing(session)
    return claim


def told(session: Session, rep: Rep) -> list[str]:
    rows = session.scalars(select(Dispatch).where(Dispatch.rep_id == rep.id).order_by(Dispatch.id))
    return [row.payload["text"] for row in rows if "text" in row.payload]


def test_a_claim_is_for_this_rep_alone_and_a_decision_and_its_undoing_follow(
    session: Session, clock: SetClock
) -> None:
    one, other = hire(session, "rep01", clock()), hire(session, "rep02", clock())
    for n in range(4):
        publish(session, f"房颤{n}", ("af",), clock())
    row = meet(session, one, "wang", clock(), tags=("af",))
    claim = claimed(session, one, clock)
    reps.connect(session, other, row, since=clock(), now=clock())
    clock.tick(days=1)
    assert plan(session, one, clock)[0].left_out == {"not_mine": 1}
    assert len(plan(session, other, clock)[1]) == 1, "another rep's list goes on"
    decide_claim(
        session, claim.id, ClaimState.REASSIGNED, by="user:1", reason="", to_rep_id=other.id,
        now=clock(),
    )  # fmt: skip
    assert "改由 代表rep02 负责" in told(session, one)[-1]
    assert "示例wang 改由您负责（原代表 代表rep01）" in told(session, other)[-1]
    with pytest.raises(Refused):
        decide_claim(session, claim.id, ClaimState.REMOVED, by="user:2", reason="", now=clock())
    clock.tick(days=40)
    assert plan(session, one, clock)[0].left_out == {"not_mine": 1}
    undo_claim(session, claim.id, clock())
    assert "已撤销" in told(session, one)[-1]
    with pytest.raises(Refused, match="写明"):
        decide_claim(session, claim.id, ClaimState.WRONG, by="user:1", reason=" ", now=clock())
    decide_claim(session, claim.id, ClaimState.WRONG, by="user:1", reason="您的片区", now=clock())
    assert "仍由您负责，会继续向您推荐。原因：您的片区" in told(session, one)[-1]
    clock.tick(days=1)
    assert "not_mine" not in plan(session, one, clock)[0].left_out


def test_of_two_refusals_one_is_taken_back_and_the_claim_stays(
    session: Session, clock: SetClock
) -> None:
    rep = hire(session, "rep01", clock())
    publish(session, "房颤", ("af",), clock())
    row = meet(session, rep, "wang", clock(), tags=("af",))
    claim = claimed(session, rep, clock)
    (first,) = recommend.of_rep(session, rep.id)
    second = Suggestion(
        plan_key="campaign:1:1:1", rep_id=rep.id, identifier_id=row.id, day=first.day,
        content_id=first.content_id, content_version_id=first.content_version_id,
        created_at=clock(),
    )  # fmt: skip
    session.add(second)
    session.flush()
    recommend.answer(session, second, Answer.REFUSE, ref="y", now=clock(), reason="not_mine")
    refusal.follow(session, second, "not_mine", "", clock())
    refusal.take_back(session, first, "z", clock())
    assert feedback.claims.listing(session) == [claim], "the rep still says so with the other"
    assert claim.suggestion_id == second.id
    refusal.take_back(session, second, "a", clock())
    assert feedback.claims.listing(session) == []


def test_who_is_mistaken_is_asked_again_at_once_and_not_after_a_month(
    session: Session, clock: SetClock
) -> None:
    rep = hire(session, "rep01", clock())
    for n in range(2):
        publish(session, f"房颤{n}", ("af",), clock())
    meet(session, rep, "wang", clock(), tags=("af",))
    claim = claimed(session, rep, clock)
    decide_claim(session, claim.id, ClaimState.WRONG, by="user:1", reason="是您的", now=clock())
    clock.tick(days=1)
    assert len(plan(session, rep, clock)[1]) == 1


def test_adding_the_physician_anew_ends_what_was_decided(session: Session, clock: SetClock) -> None:
    rep = hire(session, "rep01", clock())
    for n in range(2):
        publish(session, f"房颤{n}", ("af",), clock())
    row = meet(session, rep, "wang", clock(), tags=("af",))
    claim = claimed(session, rep, clock)
    decide_claim(session, claim.id, ClaimState.REMOVED, by="user:1", reason="", now=clock())
    clock.tick(days=31)
    assert feedback.claims.held(session, [row.one_id], rep.id) == {row.one_id: False}
    reps.connect(session, rep, row, since=clock(), now=clock())
    assert feedback.claims.held(session, [row.one_id], rep.id) == {}
    assert len(plan(session, rep, clock)[1]) == 1
