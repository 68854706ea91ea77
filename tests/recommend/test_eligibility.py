"""Every rule of eligibility is asked when a day is planned, when it is shown, and when it is sent."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import update
from sqlalchemy.orm import Session

from app import content, identity, recommend, reps, tagging
from app.content import Content, ContentVersion
from app.delivery import Dispatch, Way
from app.flows.allowed.permission import verdict_for
from app.flows.allowed.still_allowed import still_allowed
from app.flows.fitting.best_content import best_for
from app.flows.planning import talk_about
from app.flows.planning.plan_day import plan_day
from app.identity import Id, Identifier, Kind, Physician
from app.infra import stamp, workdays
from app.infra.clock import local
from app.infra.db import Database
from app.recommend.day.eligibility import Compiled, Terms, Whom, against
from app.recommend.day.later import Later, Part, other_hour, until
from app.reps import Rep
from tests.company import hire, meet, publish
from tests.conftest import NOON, SetClock

FEW = st.sampled_from(["浙江省", "浙江", "北京", "北京市", "黑龙江", ""])
AREAS = st.sampled_from(["肿瘤", "心血管", ""])
TERMS = st.builds(
    Terms, st.sampled_from([None, 1, 2]), st.booleans(),
    st.frozensets(FEW.filter(bool), max_size=2), st.frozensets(AREAS.filter(bool), max_size=2),
)  # fmt: skip
WHOM = st.builds(Whom, st.booleans(), FEW, AREAS)
BRANDS = st.one_of(st.none(), st.frozensets(st.sampled_from([1, 2]), max_size=2))


@given(st.dictionaries(st.integers(1, 5), TERMS), WHOM, BRANDS)
def test_what_is_compiled_is_what_is_asked_one_by_one(
    terms: dict[int, Terms], whom: Whom, brands: frozenset[int] | None
) -> None:
    barred = Compiled(terms, brands).barred(whom)
    assert barred == {
        one: why for one, mine in terms.items() if (why := against(mine, whom, brands))
    }


@given(TERMS, WHOM, BRANDS)
def test_less_known_of_somebody_never_opens_more(
    terms: Terms, whom: Whom, brands: frozenset[int] | None
) -> None:
    known, unknown = against(terms, whom, brands), against(terms, Whom(), brands)
    assert {reason.code for reason in known} <= {reason.code for reason in unknown}


@given(st.datetimes().map(lambda d: NOON + timedelta(minutes=d.toordinal() % 20000)))
def test_what_is_put_off_comes_back_later_and_in_its_order(now) -> None:  # type: ignore[no-untyped-def]
    afternoon, tomorrow, week = (until(choice, now) for choice in Later)
    assert now < afternoon <= tomorrow <= week
    assert local(week).weekday() < 5
    assert local(tomorrow).date() == workdays.next_workday(local(now).date())


@given(st.integers(8, 19), st.sets(st.integers(0, 23), max_size=6), st.sampled_from([None, *Part]))
def test_another_hour_is_legal_not_bad_and_not_before_the_usual(
    usual: int, bad: set[int], better: Part | None
) -> None:
    hour = other_hour(usual, bad, better, range(8, 20))
    assert hour is None or (usual < hour < 20 and not {hour - 1, hour, hour + 1} & bad)


@pytest.fixture
def session(database: Database, clock: SetClock) -> Session:  # type: ignore[misc]
    with database.transaction() as session:
        tagging.seed(session, clock())
        yield session  # type: ignore[misc]


Break = Callable[[Session, Rep, ContentVersion, Identifier, SetClock], None]


def terms(**changes: object) -> Break:
    values = {
        "verified_only": False, "provinces": (), "specialties": (), "refusal_for_all": False,
    } | changes  # fmt: skip

    def change(
        session: Session, _: Rep, version: ContentVersion, __: Identifier, clock: SetClock
    ) -> None:
        content.set_terms(session, version.content_id, by="user:1", now=clock(), **values)  # type: ignore[arg-type]

    return change


def scope(session: Session, rep: Rep, version: ContentVersion, _: Identifier, __: SetClock) -> None:
    mine = content.add_brand(session, "one", "甲", "心血管")
    other = content.add_brand(session, "two", "乙", "肿瘤")
    session.get_one(Content, version.content_id).brand_id = other.id
    stamp.change(session, content.TERMS)
    reps.set_brands(session, rep.id, [mine.id])


def withdrawn(
    session: Session, _: Rep, version: ContentVersion, __: Identifier, clock: SetClock
) -> None:
    content.withdraw(session, version.id, reason="更新", now=clock())


def left(session: Session, rep: Rep, _: ContentVersion, __: Identifier, clock: SetClock) -> None:
    reps.leave(session, rep, clock())


def alone(session: Session, rep: Rep, _: ContentVersion, row: Identifier, clock: SetClock) -> None:
    ended = reps.RelationState.REMOVED_BY_PHYSICIAN
    reps.disconnect(session, rep, row, ended, clock())


RULES: dict[str, tuple[Break, str]] = {
    "licence": (terms(verified_only=True), "licence"),
    "place": (terms(provinces=["浙江"]), "place"),
    "specialty": (terms(specialties=["肿瘤"]), "specialty"),
    "scope": (scope, "scope"),
    "approval": (withdrawn, "content"),
    "rep left": (left, "rep_left"),
    "not connected": (alone, "not_connected"),
}


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # the same on both: saves time
@pytest.mark.parametrize("rule", RULES)
def test_a_rule_is_asked_when_planned_when_shown_and_when_sent(
    session: Session, clock: SetClock, rule: str
) -> None:
    breaks, code = RULES[rule]
    rep = hire(session, "rep01", clock())
    version = publish(session, "房颤抗凝", ("af",), clock())
    row = meet(session, rep, "wang", clock(), tags=("af",))
    day = local(clock()).date()
    plan_day(session, rep, day, base_url="http://x", now=clock())
    (planned,) = recommend.of_rep(session, rep.id, day)
    asked = Dispatch(
        way=Way.REP_TEXT, rep_id=rep.id, identifier_id=row.id, payload={}, not_before=clock(),
        content_version_id=version.id, counts_as_contact=True,
    )  # fmt: skip
    shown = still_allowed(session, rep, [planned], {}, clock())[planned.id]
    sent = verdict_for(session, asked, clock())
    assert (shown.allowed, sent is not None and sent.allowed) == (True, True)

    breaks(session, rep, version, row, clock)

    shown = still_allowed(session, rep, [planned], {}, clock())[planned.id]
    assert [reason.code for reason in shown.reasons] == [code]
    sent = verdict_for(session, asked, clock())
    assert sent is not None
    assert [reason.code for reason in sent.reasons] == [code]
    if code in ("licence", "place", "specialty", "scope"):
        assert talk_about.topics(session, rep, row.one_id, 3, clock()) == []
        session.delete(planned)
        clock.tick(days=1)
        day = local(clock()).date()
        made = plan_day(session, rep, day, base_url="http://x", now=clock())
        assert made.left_out == {code: 1}
        assert [v.id for v in best_for(session, row.one_id, 3, clock())] == (
            [version.id] if code == "scope" else []
        )


def test_a_licence_opens_what_is_for_verified_physicians(session: Session, clock: SetClock) -> None:
    rep = hire(session, "rep01", clock())
    version = publish(session, "处方信息", ("af",), clock())
    terms(verified_only=True)(session, rep, version, None, clock)  # type: ignore[arg-type]
    row = meet(session, rep, "wang", clock(), tags=("af",), province="浙江省")
    day = local(clock()).date()
    assert plan_day(session, rep, day, base_url="", now=clock()).left_out == {"licence": 1}
    identity.observe(
        session,
        [Id(Kind.WECOM_EXTERNAL_USERID, "wwtestcorp", "wmwang"), Id(Kind.LICENCE_NO, "", "110")],
        event_key="crm:1", source="crm.import", at=clock(), now=clock(),
    )  # fmt: skip
    session.refresh(row)
    session.execute(
        update(Physician).where(Physician.one_id == row.one_id).values(province="浙江省")
    )
    clock.tick(days=1)
    day = local(clock()).date()
    assert plan_day(session, rep, day, base_url="", now=clock()).suggested == 1
    terms(provinces=["浙江"], verified_only=True)(session, rep, version, None, clock)  # type: ignore[arg-type]
    (planned,) = recommend.of_rep(session, rep.id, day)
    assert still_allowed(session, rep, [planned], {}, clock())[planned.id].allowed
