"""Learning from the product's own answers: what reps refuse again and again is suggested less."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy.orm import Session

from app import links, recommend, tagging
from app.flows.fitting.scoring import scorer_of
from app.flows.learning import learn, shown
from app.flows.learning.learn_tonight import learn_tonight
from app.flows.learning.shown import examples
from app.flows.planning.candidates import consider
from app.identity import Identifier
from app.infra.clock import local
from app.infra.db import Database
from app.recommend import State, Suggestion
from app.recommend.proof import available
from app.tagging import Source
from tests.company import hire, meet, publish
from tests.conftest import SetClock

pytestmark = pytest.mark.skipif(
    not available(), reason="numpy (requirements-recommend.lock) is not installed"
)


@pytest.fixture
def session(database: Database, clock: SetClock) -> Session:  # type: ignore[misc]
    with database.transaction() as session:
        tagging.seed(session, clock())
        yield session  # type: ignore[misc]


def test_few_answers_change_nothing_and_many_change_the_order(
    session: Session, clock: SetClock
) -> None:
    begun = clock()
    rep = hire(session, "rep01", begun)
    liked = publish(session, "心衰新进展", ("heart-failure",), begun, days=400)
    refused = publish(session, "房颤抗凝", ("af",), begun, days=400)
    people = [meet(session, rep, f"p{n}", begun, tags=("af", "heart-failure")) for n in range(12)]

    assert recommend.current(session) == recommend.DAY_0
    few = learn_tonight(session, begun)
    assert few.figures["used"] == "day 0"

    for n in range(240):
        version, state = (liked, State.ADOPTED) if n % 2 else (refused, State.REFUSED)
        shown_at = begun + timedelta(hours=n)
        session.add(suggestion(rep.id, people[n % 12], version, state, n, shown_at))
    session.flush()
    now = begun + timedelta(days=120)
    clock.tick(days=120)
    learned = learn_tonight(session, now)
    assert learned.figures["used"] == "learned"
    assert learned.rows == 240
    recommend.keep(session, learned, now)
    assert recommend.current(session) == learned
    answered = {liked.content_id, refused.content_id}
    assert set(learned.spread.contents) == answered, "surer than before, of these only"
    assert learned.spread.steep < recommend.DAY_0.spread.steep

    fresh = [
        publish(session, "心衰随访", ("heart-failure",), now),
        publish(session, "房颤随访", ("af",), now),
    ]
    row = meet(session, rep, "new", now, tags=("af", "heart-failure"))
    considered = consider(session, rep, now)
    mine = {
        c.fit.piece.content_id: c.fit
        for c in considered.whole([c for c in considered.candidates if c.person == row.one_id])
    }
    good, bad = (mine[version.content_id] for version in fresh)
    assert good.score > bad.score + 0.2  # new contents, nobody has answered about them
    assert learned.chance(good.score) > 0.7 > 0.4 > learned.chance(bad.score)
    assert good.score == pytest.approx(sum(good.parts.values()) + sum(good.others.values()))


def test_it_is_trained_on_what_is_served(session: Session, clock: SetClock) -> None:
    """Trust that was learned, tags that exclude each other, and one step in the tree."""
    rep, now = hire(session, "rep01", clock()), clock()
    who = meet(session, rep, "p1", now, tags=("af", "cardio", "stage-aware", "stage-trial"))
    given = {key: tagging.id_of(session, key) for key in ("af", "cardio", "stage-aware")}
    for key, value in (("af", 0.3), ("cardio", 0.9), ("stage-aware", 0.1)):
        number = given[key]
        assert number is not None
        tagging.fix(
            session, Source.WECOM_TAG, number, value, actor="user:1", reason="示例", now=now
        )
    narrow = publish(session, "冠心病随访", ("cad",), now)
    at = now + timedelta(days=20)
    session.add(suggestion(rep.id, who, narrow, State.ADOPTED, 1, at))
    session.flush()

    served = tagging.weights(session, [who.one_id], at)[who.one_id]
    assert len(served) == 3, "one of the stages was given up for the other"
    assert examples(session, at + timedelta(days=1)) == [], "a no could not have come yet"
    found = examples(session, at + timedelta(days=4))
    assert found[0].held == pytest.approx({tag: one.value for tag, one in served.items()})

    lesson = learn.lesson(session, found, at)
    scorer, _ = scorer_of(session, lesson.pieces, at)
    (fit,) = scorer.best(found[0].held, 1)
    assert fit.parts, "by the broader tag"
    assert learn.scores(lesson, recommend.DAY_0, [0]) == pytest.approx([fit.score])


def test_a_task_that_nobody_has_confirmed_is_not_one_that_was_not_opened(
    session: Session, clock: SetClock
) -> None:
    rep, at = hire(session, "rep01", clock()), clock()
    who = meet(session, rep, "p1", at, tags=("af",))
    version = publish(session, "房颤随访", ("af",), at)
    made = suggestion(rep.id, who, version, State.ADOPTED, 1, at)
    made.way = "group_task"
    session.add(made)
    session.flush()
    links.create_link(
        session, version.id, identifier_id=who.id, rep_id=rep.id, suggestion_id=made.id,
        channel="group_task", now=at,
    )  # fmt: skip
    later = at + timedelta(days=8)
    assert [one.labels for one in examples(session, later)] == [{"accept": True}]
    made.forwarded_at = at + timedelta(days=5)
    session.flush()
    assert [one.labels for one in examples(session, later)] == [{"accept": True}]
    made.forwarded_at = at + timedelta(hours=1)
    session.flush()
    assert [one.labels for one in examples(session, later)] == [{"accept": True, "open": False}]


def test_of_a_large_company_is_learned_from_weeks_and_not_from_the_last_day(
    session: Session, clock: SetClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    rep, now = hire(session, "rep01", clock()), clock()
    who = meet(session, rep, "p1", now, tags=("af",))
    version = publish(session, "房颤随访", ("af",), now)
    for n in range(300):
        at = now - timedelta(days=35) + timedelta(days=30 * n / 300)
        session.add(suggestion(rep.id, who, version, State.ADOPTED, n, at))
    session.flush()
    assert len(examples(session, now)) == 300
    monkeypatch.setattr(shown, "MOST", 60)
    found = [one.at for one in examples(session, now)]
    assert found == sorted(found)
    assert len(found) == 60
    assert [sum(at < now - timedelta(days=days) for at in found) for days in (25, 15)] == [20, 40]
    assert found == [one.at for one in examples(session, now)], "the same sample"


def suggestion(
    rep_id: int, row: Identifier, version: object, state: State, n: int, at: object
) -> Suggestion:
    return Suggestion(
        plan_key=f"test:{n}", rep_id=rep_id, identifier_id=row.id, state=state,
        content_id=version.content_id, content_version_id=version.id,  # type: ignore[attr-defined]
        refusal="content" if state == State.REFUSED else None, day=local(at).date(),  # type: ignore[arg-type]
        created_at=at, delivered_at=at, answered_at=at,
    )  # fmt: skip
