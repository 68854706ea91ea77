"""A moment that meets what is rare on the platform; the whole stories are in scenarios/."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from app import consent, content, delivery, tagging
from app.connectors.wecom.moments import MomentJob
from app.consent import About
from app.delivery import Dispatch, State
from app.delivery.moment_models import Moment, MomentViewer, Step
from app.flows.sending import moments
from app.flows.sending.moment_asked import STUCK, Answer, Question, ask
from app.flows.sending.moment_barred import SPLIT, Barred, barred
from app.identity import Identifier
from app.infra.db import Database
from tests.company import hire, meet, publish
from tests.conftest import NOON
from tests.segments.test_index import ONE_DATABASE

pytestmark = ONE_DATABASE
SOON = NOON + timedelta(seconds=10)


@pytest.fixture
def session(database: Database) -> Iterator[Session]:
    with database.transaction() as session:
        tagging.seed(session, NOON)
        yield session


@pytest.fixture
def moment(session: Session) -> Moment:
    """Of one rep for one physician, whose mark is queued."""
    rep, version = hire(session, "rep01", NOON), publish(session, "甲", ("af",), NOON)
    made = delivery.moments.plan_moment(
        session, belongs_to="t", rep_id=rep.id, content_version_id=version.id, url="u", now=NOON
    )
    delivery.moments.show_to(session, made, meet(session, rep, "wang", NOON).id)
    note(session, made, Answer(tag_id="et9"))
    assert made.step == Step.SHOWING
    return made


def note(session: Session, moment: Moment, answer: Answer, age: timedelta = timedelta()) -> None:
    moment.check_at = moment.created_at
    now = NOON + age + timedelta(seconds=1)
    question = Question(
        moment.id, Step(moment.step), "wwtestcorp", "rep01", moment.tag_id, "", "", "u", NOON, now
    )
    moments.note(session, question, answer, now)


def marks(session: Session) -> list[Dispatch]:
    return list(session.scalars(select(Dispatch).where(Dispatch.way == delivery.Way.MOMENT_VIEW)))


@pytest.mark.parametrize(
    ("step", "answer", "hours", "then", "why"),
    [
        (Step.ASKING, Answer(), 7 * 24 - 1, Step.ASKING, ""),
        (Step.ASKING, Answer(), 7 * 24, Step.FAILED, "平台上没有找到这条朋友圈"),
        (Step.MAKING, Answer(job=MomentJob(False, "", 0)), 23, Step.MAKING, ""),
        (Step.MAKING, Answer(job=MomentJob(False, "", 0)), 24, Step.FAILED, "平台一天内没有创建朋友圈"),
        (Step.MAKING, Answer(job=MomentJob(True, "m", 41)), 1, Step.FAILED, "平台没有创建朋友圈（41）"),
        (Step.MAKING, Answer(job=MomentJob(True, "", 0)), 1, Step.FAILED, "平台没有创建朋友圈（0）"),
        (Step.MAKING, Answer(job=MomentJob(True, "m", 0)), 1, Step.CONFIRMING, ""),
    ],
)  # fmt: skip
def test_a_task_that_the_platform_does_not_make_ends_the_moment(
    session: Session, moment: Moment, step: Step, answer: Answer, hours: int, then: Step, why: str
) -> None:
    moment.step = step
    note(session, moment, answer, timedelta(hours=hours))
    assert (moment.step, moment.error) == (then, why)


def test_whoever_comes_late_is_marked_before_the_task_is_asked_for(
    session: Session, moment: Moment
) -> None:
    late = meet(session, hire(session, "rep01", NOON), "li", NOON)
    delivery.moments.show_to(session, moment, late.id)
    assert moments.look(session, moment.id, SOON) is None
    assert [mark.identifier_id for mark in marks(session)][1:] == [late.id]
    assert moment.step == Step.SHOWING


def test_a_task_that_waits_goes_with_its_content(session: Session, moment: Moment) -> None:
    marks(session)[0].state = State.SENT
    assert moments.look(session, moment.id, SOON) is None
    content.withdraw(session, moment.content_version_id, reason="召回", now=SOON)
    assert moments.look(session, moment.id, SOON + timedelta(seconds=10)) is None
    task = delivery.moments.carrier(session, moment)
    assert task is not None
    assert (moment.step, task.state) == (Step.ASKING, State.CANCELLED)
    assert moments.look(session, moment.id, SOON + timedelta(seconds=20)) is None
    assert (moment.step, moment.error) == (Step.FAILED, "内容已撤回")


def test_who_was_somebody_else_when_marked_is_barred(session: Session, moment: Moment) -> None:
    marks(session)[0].state = State.SENT
    assert barred(session, moment, SOON) == ()
    session.scalars(select(Identifier).join(MomentViewer)).one().split_at = SOON
    session.flush()
    (found,) = barred(session, moment, SOON)
    assert found.why == SPLIT


def test_the_mark_itself_is_no_contact_within_the_physicians_own_pace(
    session: Session, moment: Moment
) -> None:
    (mark,) = marks(session)
    mark.state, mark.sent_at, who = State.SENT, NOON, mark.identifier_id
    assert who is not None
    consent.choose(session, who, About.PACE, 14, at=NOON)
    assert barred(session, moment, SOON) == ()
    earlier = delivery.queue(
        session, way=delivery.Way.GROUP_TASK, dedupe_key="earlier", payload={}, identifier_id=who,
        counts_as_contact=True, now=NOON,
    )  # fmt: skip
    assert earlier is not None
    sent = delivery.get(session, earlier)
    sent.state, sent.sent_at = State.SENT, NOON - timedelta(days=13)
    session.flush()
    (found,) = barred(session, moment, SOON)
    assert found.why == "医生希望每两周最多一次"


def test_a_mark_of_somebody_forgotten_cannot_be_taken_back(
    session: Session, moment: Moment
) -> None:
    class Line:
        moments = None  # and nothing is asked of it

    gone = (Barred(1, "", "医生的资料已删除"),)
    question = Question(
        moment.id, Step.SHOWING, "wwtestcorp", "rep01", "et9", "", "", "u", NOON, NOON, "", gone
    )
    assert ask(question, {"wwtestcorp": Line()}) == Answer(over=STUCK)  # type: ignore[dict-item]
