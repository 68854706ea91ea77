"""What speaks against somebody who is marked for a moment is asked at once, not within the hour."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from sqlalchemy.orm import Session

from app import content, delivery, feedback, tagging
from app.delivery.moment_models import Moment, Step
from app.feedback import ClaimState, RuleState, Scope, StopRule
from app.feedback.rules import What
from app.flows.allowed import terms_changed
from app.flows.contacts.claim_decided import decide_claim, undo_claim
from app.flows.learning.rule_decided import approve_rule
from app.flows.segments import audiences
from app.flows.sending import moments
from app.flows.sending.moment_asked import Answer
from app.infra.db import Database
from app.segments import lists, saved
from tests.company import hire, meet, publish
from tests.conftest import NOON
from tests.segments.test_index import ONE_DATABASE

BY = {"author": "u", "now": NOON}
LATER = NOON + timedelta(days=30)


def marked_moment(session: Session) -> Moment:
    """Of one rep for one physician, waiting for the rep's confirmation; looked at in an hour."""
    tagging.seed(session, NOON)
    rep, version = hire(session, "rep01", NOON), publish(session, "甲", ("af",), NOON)
    moment = delivery.moments.plan_moment(
        session, belongs_to="t", rep_id=rep.id, content_version_id=version.id, url="u", now=NOON
    )
    moment.step = Step.CONFIRMING
    delivery.moments.show_to(session, moment, meet(session, rep, "wang", NOON).id)
    return moment


def spared(session: Session, moment: Moment) -> dict[str, Callable[[], object]]:
    named = lists.draft(
        session, name="投诉", purpose="示例", filename="a.csv", members=[], figures={}, report=[],
        expires_at=None, **BY,
    )  # fmt: skip
    lists.confirm(session, named.id)
    again = lists.draft(
        session, name="会议", purpose="示例", filename="a.csv", members=[], figures={}, report=[],
        expires_at=LATER, **BY,
    )  # fmt: skip
    lists.confirm(session, again.id)
    row = saved.save(session, name="云岭", expression="城市 = 云岭市", **BY)
    return {
        "a list": lambda: audiences.spare(session, list_id=named.id, **BY),
        "a segment": lambda: audiences.spare(session, segment_id=row.id, **BY),
        "its list again": lambda: audiences.prolong_list(session, named.id, LATER, NOON),
        "others by name of a list": lambda: change(session, row.id, "名单:会议"),
        "a list in a segment": lambda: audiences.prolong_list(session, again.id, LATER, NOON),
        "others": lambda: audiences.change_segment(session, row.id, expression="全部", **BY),
        "as before": lambda: audiences.segment_back(session, row.id, 1, **BY),
    }


def otherwise(session: Session, moment: Moment) -> dict[str, Callable[[], object]]:
    content_id = content.get_version(session, moment.content_version_id).content_id
    terms = {"verified_only": True, "refusal_for_all": False, "provinces": (), "specialties": ()}
    brand = content.add_brand(session, "b", "品牌", "心血管")
    return {
        "terms": lambda: terms_changed.set_terms(session, content_id, by="u", now=NOON, **terms),  # type: ignore[arg-type]
        "brands": lambda: terms_changed.set_brands(session, moment.rep_id, [brand.id], NOON),
    }


def decided(session: Session, moment: Moment) -> dict[str, Callable[[], object]]:
    ((viewer, _),) = delivery.moments.viewers_of(session, moment.id)
    claim = feedback.claims.claim(session, moment.rep_id, viewer.identifier_id, 1, NOON)
    decide_claim(session, claim.id, ClaimState.WRONG, by="u", reason="您的片区", now=NOON)
    rule = StopRule(state=RuleState.PROPOSED, scope=Scope.ALL, content_id=1, until=LATER,
                    created_at=NOON)  # fmt: skip
    session.add(rule)
    session.flush()
    what = What((), 1, Scope.ALL, LATER)
    return {
        "a claim that waits anew": lambda: undo_claim(session, claim.id, NOON),
        "a rule": lambda: approve_rule(session, rule.id, what, by="u", reason="", now=NOON),
    }


@ONE_DATABASE
def test_a_marked_moment_is_looked_at_when_somebody_may_not_see_it_any_more(
    database: Database,
) -> None:
    with database.transaction() as session:
        moment = marked_moment(session)
        acts = spared(session, moment) | decided(session, moment) | otherwise(session, moment)
        for what, act in acts.items():
            assert woken(session, moment, act), what


@ONE_DATABASE
def test_a_segment_wakes_moments_only_when_it_keeps_back_others_than_before(
    database: Database,
) -> None:
    with database.transaction() as session:
        moment = marked_moment(session)
        inner = saved.save(session, name="内", expression="城市 = 云岭市", **BY)
        outer = saved.save(session, name="外", expression="人群:内 且 全部", **BY)
        assert not woken(session, moment, lambda: change(session, inner.id, "全部")), (
            "spares nobody"
        )
        audiences.spare(session, segment_id=outer.id, **BY)
        assert woken(session, moment, lambda: change(session, inner.id, "城市 = 云岭市"))
        assert not woken(session, moment, lambda: change(session, inner.id, "城市 = 云岭市")), (
            "same"
        )
        moment.step = Step.NEW
        assert not woken(session, moment, lambda: change(session, inner.id, "全部")), "gathers yet"


@ONE_DATABASE
def test_woken_moments_do_not_overtake_what_was_due_before(database: Database) -> None:
    with database.transaction() as session:
        moment = marked_moment(session)
        due = delivery.moments.plan_moment(
            session, belongs_to="u", rep_id=moment.rep_id, url="u", now=NOON,
            content_version_id=moment.content_version_id,
        )  # fmt: skip
        delivery.moments.begin(due, NOON + timedelta(hours=1))
        moment.check_at = LATER
        session.flush()
        now = NOON + timedelta(hours=2)
        delivery.moments.wake(session, now)
        assert delivery.moments.due_moments(session, now, 5) == [due.id, moment.id]


@ONE_DATABASE
def test_who_wakes_a_moment_while_the_platform_is_asked_has_it_looked_at_again(
    database: Database,
) -> None:
    with database.transaction() as session:
        moment = marked_moment(session)
        for is_woken in (False, True):
            moment.check_at = NOON
            session.flush()
            question = moments.look(session, moment.id, NOON)
            assert question is not None
            if is_woken:
                delivery.moments.wake(session, NOON + timedelta(seconds=3))
                session.refresh(moment)
            answered = NOON + timedelta(seconds=5)
            moments.note(session, question, Answer(), answered)
            session.flush()
            due = delivery.moments.due_moments(session, answered, 5)
            assert due == ([moment.id] if is_woken else [])


def change(session: Session, segment_id: int, expression: str) -> None:
    audiences.change_segment(
        session, segment_id, expression=expression, description="新的说明", **BY
    )


def woken(session: Session, moment: Moment, act: Callable[[], object]) -> bool:
    moment.check_at = NOON + timedelta(hours=1)
    session.flush()
    act()
    return delivery.moments.due_moments(session, NOON, 5) == [moment.id]
