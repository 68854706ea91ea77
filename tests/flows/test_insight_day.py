"""A day of all reps, and what would be planned: the same rules as the plan's, and nothing written."""

from __future__ import annotations

from collections import Counter
from datetime import date, datetime, timedelta

import pytest
from sqlalchemy import event, func, select
from sqlalchemy.orm import Session

from app import journey, links, recommend, tagging
from app.flows.insight import day as days
from app.flows.insight import people, row, tomorrow
from app.flows.planning import when
from app.flows.planning.plan_day import plan_day
from app.flows.sending import ways
from app.infra.clock import local, midnight
from app.infra.db import Base, Database
from app.journey import Happened
from app.recommend import Answer, DailyPlan, State, timing
from app.reps import Rep
from tests.company import hire, meet, publish
from tests.conftest import NOON
from tests.recommend.deciding import make_live

TODAY = local(NOON).date()
TAGS = ("af", "hypertension", "heart-failure")


def company(session: Session, now: datetime) -> list[Rep]:
    """Three reps of two teams, who share physicians, and one physician who allows nothing."""
    tagging.seed(session, now)
    team = [hire(session, f"rep{n:02}", now, team="东一" if n < 3 else "西一", daily_limit=2)
            for n in (1, 2, 3)]  # fmt: skip
    for n, tag in enumerate(TAGS * 2):
        publish(session, f"内容{n}", (tag,), now - timedelta(days=n))
    for n in range(9):
        meet(session, team[n % 3], f"n{n}", now, tags=(TAGS[n % 3], TAGS[n % 2]),
             permitted=n != 8)  # fmt: skip
    for n in range(3):
        meet(session, team[(n + 1) % 3], f"n{n}", now)
    return team


def plan(session: Session, rep: Rep, day: date, now: datetime) -> DailyPlan:
    return plan_day(session, rep, day, base_url="http://yishu.test", now=now)


def counts(session: Session) -> dict[str, int]:
    return {
        table.name: session.scalar(select(func.count()).select_from(table)) or 0
        for table in Base.metadata.sorted_tables
    }


@pytest.mark.parametrize("drawing", [False, True])
def test_a_preview_is_the_plan_and_writes_nothing(database: Database, drawing: bool) -> None:
    at = NOON.replace(hour=1)  # nine o'clock, when the plan is made
    with database.transaction() as session:
        (rep, *_others) = company(session, NOON - timedelta(days=11))
        rep.daily_limit = 4
        for one in plan_and_refuse(session, rep, at - timedelta(days=10)):
            journey.note(session, one, Happened.MENU_USED, channel="oa", at=at, ref=f"{one}")
        if drawing:
            make_live(session, NOON, alpha=1.0, floor=0.2, holdout=0.2, holdout_from=0)
    with database.transaction() as session:
        before = counts(session)
        found = tomorrow.preview(session, rep, TODAY, at)
        assert counts(session) == before
        assert not session.dirty
    with database.reading() as session:  # PostgreSQL would refuse any change
        assert tomorrow.preview(session, rep, TODAY, at).out == found.out
    assert found.at == at
    with database.transaction() as session:
        made = plan(session, session.get_one(Rep, rep.id), TODAY, at)
        stored = row.of_day(session, rep.id, TODAY)
        told = [(w.candidate.person, w.title, list(w.reasons), w.card_at, round(w.paid, 4))
                for w in found.rows]  # fmt: skip
        assert told == [
            (r.physician and r.physician.one_id, r.title, r.suggestion.reasons,
             r.card and r.card.not_before, r.paid or 0.0)
            for r in stored
        ]  # fmt: skip
        assert Counter(found.out.values()) == made.left_out
        assert made.suggested == len(told) > 0
        assert "公众号菜单" in str(told), "a recent thing is told"
        assert {local(w.card_at).hour for w in found.rows if w.card_at} - {9}, "nine did not suit"


def test_a_preview_is_of_the_hour_and_the_reps_of_whoever_is_planned_first(
    database: Database,
) -> None:
    at = NOON.replace(hour=1)
    with database.transaction() as session:
        first, other, rep = company(session, NOON - timedelta(days=1))
        first.daily_at_minute, rep.daily_at_minute = 9 * 60, 15 * 60
        other.daily_at_minute = 10 * 60
        session.flush()
        found = tomorrow.preview(session, rep, TODAY, at - timedelta(hours=1))
        assert found.at == at
        assert {one.id for one in found.together_with} == {first.id, other.id}
        told = [(w.candidate.person, w.title, w.card_at, round(w.paid, 4)) for w in found.rows]
        plan(session, first, TODAY, at)
        assert told == [
            (r.physician and r.physician.one_id, r.title, r.card and r.card.not_before,
             r.paid or 0.0)
            for r in row.of_day(session, rep.id, TODAY)
        ] != []  # fmt: skip


def test_a_preview_says_when_the_rep_wants_no_cards(database: Database) -> None:
    with database.transaction() as session:
        (rep, *_others) = company(session, NOON - timedelta(days=11))
        plan_and_refuse(session, rep, NOON - timedelta(days=10))
        recommend.mute(session, recommend.of_rep(session, rep.id)[0], ref="mute", now=NOON)
        found = tomorrow.preview(session, rep, TODAY, NOON)
        assert {w.card_at for w in found.rows} == {None}


def test_a_look_at_tomorrow_leaves_nothing_for_tomorrow(database: Database) -> None:
    with database.transaction() as session:
        (rep, *_others) = company(session, NOON - timedelta(days=11))
        read = publish(session, "另一份", TAGS[:1], NOON - timedelta(days=9))
        for one in plan_and_refuse(session, rep, NOON - timedelta(days=10)):
            for n in range(timing.ENOUGH):  # else nobody's hours are known
                at = NOON - timedelta(days=n + 3)
                link = links.create_link(session, read.id, identifier_id=one, channel="oa", now=at)
                links.open_page(session, link.id, f"visit-{one}-{n:04}", agent="wechat", now=at)
        assert tomorrow.preview(session, rep, TODAY + timedelta(days=1), NOON).rows
        for known in (ways._known, when._known):
            kept = known[session.get_bind().engine]
            assert kept.begun == midnight(NOON), "what others do is learned of until the night"


def plan_and_refuse(session: Session, rep: Rep, at: datetime) -> list[int]:
    """A day of which the rep says each time that the hour does not suit; about whom."""
    plan(session, rep, local(at).date(), at)
    rows = recommend.of_rep(session, rep.id, local(at).date())
    for one in rows:
        recommend.answer(session, one, Answer.REFUSE, ref=f"{one.id}", now=at, reason="timing")
    return [one.identifier_id for one in rows]


def test_everybody_is_on_the_list_or_left_out_by_name(database: Database) -> None:
    with database.transaction() as session:
        for rep in company(session, NOON):
            made = plan(session, rep, TODAY, NOON)
            out = tomorrow.left_out(session, rep, TODAY, NOON)
            listed = {r.physician.one_id for r in row.of_day(session, rep.id, TODAY) if r.physician}
            assert not listed & set(out)
            assert len(listed) + len(out) == made.considered
        assert "no_consent" in out.values()


def test_a_day_is_counted_by_rep_and_team_with_names_behind_each_figure(database: Database) -> None:
    with database.transaction() as session:
        team = company(session, NOON)
        for rep in team:
            plan(session, rep, TODAY, NOON)
        mine = recommend.of_rep(session, team[0].id, TODAY)
        mine[0].delivered_at = mine[1].delivered_at = NOON
        mine[0].verdict = mine[0].verdict | {"attention": 0.25}
        gone = recommend.of_rep(session, team[1].id, TODAY)[0]  # adopted, and not allowed any more
        gone.state, gone.delivered_at = State.CANCELLED, NOON
        gone.verdict = gone.verdict | {"attention": 0.5}
        recommend.answer(session, mine[0], Answer.ADOPT, ref="1", now=NOON)
        recommend.answer(session, mine[1], Answer.REFUSE, ref="2", now=NOON, reason="content")
        session.flush()
        found = days.of_day(session, TODAY)
        assert [line.rep.userid for line in found.lines] == ["rep01", "rep02", "rep03"]
        first = found.lines[0].figures
        assert (first.planned, first.shown, first.open, first.considered) == (2, 2, 0, 4)
        assert (first.states["adopted"], first.states["refused"]) == (1, 1)
        assert found.total.paid >= 0.25
        assert set(found.teams) == {"东一", "西一"}
        assert found.teams["东一"].planned + found.teams["西一"].planned == found.total.planned
        east = days.of_day(session, TODAY, team="东一")
        assert (len(east.lines), east.total.planned) == (2, found.teams["东一"].planned)
        assert days.of_day(session, TODAY, sort="adopted").lines[0].rep.id == team[0].id
        assert [x.rep.userid for x in days.of_day(session, TODAY, text="REP03").lines] == ["rep03"]
        for what in days.FIGURES:
            names = people.names(session, days.who(TODAY, what, rep_id=team[0].id))
            number = {"planned": 2, "shown": 2, "adopted": 1, "refused": 1, "paying": 1}
            assert names.total == len(names.people) == number.get(what, 0), what
        figures = {"shown": found.total.shown, "paying": found.total.paying}
        for what, number in figures.items():
            assert people.names(session, days.who(TODAY, what)).total == number, what
        other = days.of_day(session, TODAY - timedelta(days=1))
        assert (other.total.planned, other.total.without_plan, other.total.reps) == (0, 3, 3)


def test_five_reps_cost_as_many_statements_as_one(database: Database) -> None:
    asked: list[str] = []
    event.listen(
        database.engine, "before_cursor_execute", lambda _c, _u, what, *_m: asked.append(what)
    )
    seen = []
    with database.transaction() as session:
        tagging.seed(session, NOON)
        for n in range(5):
            rep = hire(session, f"rep{n}", NOON)
            plan(session, rep, TODAY, NOON)
            asked.clear()
            assert len(days.of_day(session, TODAY).lines) == n + 1
            seen.append(len(asked))
    assert len(set(seen)) == 1
