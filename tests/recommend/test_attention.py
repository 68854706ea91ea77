"""What planning reads about physicians whom several reps or brands want."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from app import content, links, recommend, reps
from app.content import Brand, Content
from app.flows.insight import tomorrow
from app.flows.planning.attention import neighbours
from app.infra.clock import local
from app.recommend.policy import drawing, policies
from app.recommend.policy.policy_models import Decision, DecisionKind
from app.reps import RelationState, RepContact
from tests.company import hire, meet, publish
from tests.conftest import SetClock
from tests.recommend.deciding import make_live
from tests.recommend.test_plan_day import plan, session

__all__ = ["session"]


@pytest.mark.parametrize(("times", "expected"), [(0, "loud"), (3, "quiet")])
def test_of_two_equal_contents_that_of_the_brand_with_less_attention_is_chosen(
    session: Session, clock: SetClock, times: int, expected: str
) -> None:
    now = clock()
    rep = hire(session, "rep01", now, daily_limit=1)
    row = meet(session, rep, "wang", now, tags=("af",))
    brands = [Brand(key=key, name=key, therapy_area="cardiology") for key in ("loud", "quiet")]
    session.add_all(brands)
    session.flush()
    loud, quiet, old = (publish(session, title, ("af",), now) for title in ("一", "二", "三"))
    for version, brand in ((loud, brands[0]), (quiet, brands[1]), (old, brands[0])):
        session.get_one(Content, version.content_id).brand_id = brand.id
    for version in [old] * (times or 1):
        at = now if times else now - timedelta(days=60)  # no longer in the ledger
        links.create_link(session, version.id, identifier_id=row.id, channel="oa", now=at)
    _, (made,) = plan(session, rep, now)
    assert made.content_id == {"loud": loud, "quiet": quiet}[expected].content_id


@pytest.mark.parametrize("times", [0, 3])
def test_a_brand_that_had_more_than_its_share_is_drawn_less(
    session: Session, clock: SetClock, times: int
) -> None:
    now = clock()
    policy = make_live(session, now, floor=0.1)
    rep = hire(session, "rep01", now, daily_limit=1)
    row = meet(session, rep, "wang", now, tags=("af",))
    brands = [content.add_brand(session, key, key, "心血管") for key in ("loud", "quiet")]
    versions = [publish(session, title, ("af",), now, days=400) for title in ("一", "二", "三")]
    loud, quiet, old = (session.get_one(Content, version.content_id) for version in versions)
    loud.brand_id, quiet.brand_id, old.brand_id = brands[0].id, brands[1].id, brands[0].id
    for _ in range(times):
        links.create_link(session, versions[2].id, identifier_id=row.id, channel="oa", now=now)
    plan(session, rep, now)
    (made,) = session.scalars(select(Decision))
    chances = {content_id: chance for content_id, chance, _ in made.options}
    expected = quiet if times else loud
    assert chances[expected.id] == max(chances.values()) > 0.9
    means = [mean for *_, mean in made.options]
    assert means == sorted(means, reverse=True)
    known = drawing.chances(means, drawing.unpack(made.deviations), policies.knobs(policy))
    assert known == pytest.approx(list(chances.values()), abs=1e-6)


def test_what_draws_nothing_takes_the_best_of_all_that_could_be_drawn(
    session: Session, clock: SetClock
) -> None:
    now = clock()
    rep = hire(session, "rep01", now, daily_limit=1)
    row = meet(session, rep, "wang", now, tags=("af",))
    brands = [content.add_brand(session, key, key, "心血管") for key in ("loud", "quiet", "other")]
    *loud, old, quiet, other = (publish(session, title, ("af",), now) for title in "一二三四五六")
    for version in (*loud, old, quiet, other):
        brand = brands[(version is quiet) + 2 * (version is other)]
        session.get_one(Content, version.content_id).brand_id = brand.id
    for had in (old, old, old, other):
        links.create_link(session, had.id, identifier_id=row.id, channel="oa", now=now)
    (would,) = tomorrow.preview(session, rep, local(now).date(), now).rows
    assert would.candidate.fee == 0.0, "the plan came with a loud one, which pays"
    _, (made,) = plan(session, rep, now)
    (slot,) = session.scalars(select(Decision))
    assert slot.kind == DecisionKind.GREEDY
    assert made.content_id == slot.content_id == slot.options[0][0] == quiet.content_id
    assert slot.chance == 1.0


def test_neighbours_are_active_reps_who_share_somebody_and_have_no_plan(
    session: Session, clock: SetClock
) -> None:
    now, day = clock(), local(clock()).date()
    mine, close, far, gone, done, apart = (
        hire(session, name, now) for name in ("mine", "close", "far", "gone", "done", "apart")
    )
    rows = [meet(session, mine, f"p{n}", now) for n in range(3)]
    for rep, shared in ((far, rows[:1]), (close, rows[:2]), (gone, rows), (done, rows)):
        for row in shared:
            reps.connect(session, rep, row, since=now, now=now)
    meet(session, apart, "other", now)
    gone.active = False
    session.add(recommend.DailyPlan(rep_id=done.id, day=day, created_at=now))
    session.flush()
    assert [rep.userid for rep in neighbours(session, mine, day)] == ["close", "far"]
    for relation in session.query(RepContact).filter_by(rep_id=close.id):
        relation.state = RelationState.REMOVED_BY_REP
    session.flush()
    assert [rep.userid for rep in neighbours(session, mine, day)] == ["far"]
