"""Who is reached: each physician once, by each kind of group, with the names behind."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import event, select, text
from sqlalchemy.orm import Session

from app import content, delivery, identity, links, reps, tagging
from app.delivery import Dispatch
from app.delivery.moment_models import Moment, MomentViewer
from app.flows.insight import contents, coverage, overview, people
from app.flows.insight.coverage import STEPS, By, Group
from app.flows.planning.plan_day import plan_day
from app.identity import Id, Identifier, Kind
from app.infra.clock import local
from app.infra.db import Database
from app.recommend import State
from app.reps import RelationState
from tests.company import hire, meet, publish
from tests.conftest import NOON
from tests.flows.test_insight_contents import sent, suggested


def test_groups_add_up_to_everybody_connected(database: Database) -> None:
    with database.transaction() as session:
        tagging.seed(session, NOON)
        rep, other = hire(session, "rep01", NOON), hire(session, "rep02", NOON)
        version = publish(session, "甲", ("af",), NOON)
        rows = [
            meet(session, rep, f"n{n}", NOON, specialty="心血管" if n < 3 else "", city="云岭市",
                 province="示例省")
            for n in range(5)
        ]  # fmt: skip
        reps.connect(session, other, rows[0], since=NOON, now=NOON)
        gone = meet(session, other, "gone", NOON, specialty="心血管")
        account = Id(Kind.OPENID, "wxtest", "o1")  # the fourth, to whom the account writes
        (follower,) = identity.observe(
            session, [account], event_key="test:o1", source="test", at=NOON, now=NOON
        )
        identity.merge(
            session, rows[3].one_id, follower.one_id, actor="user:1", reason="同一人", now=NOON
        )
        reps.disconnect(session, other, gone, RelationState.REMOVED_BY_REP, NOON)
        plan_day(session, rep, local(NOON).date(), base_url="http://yishu.test", now=NOON)
        suggested(session, rep, rows[0], version, State.ADOPTED)
        suggested(session, other, rows[0], version, State.CANCELLED, place=2)
        sent(session, rep, rows[0], version, NOON, 30)
        sent(session, rep, rows[0], version, NOON)
        sent(session, other, gone, version, NOON, 30)
        sent(session, rep, follower, version, NOON, 30)
        sent(session, rep, rows[4], version, NOON - timedelta(days=10), 30)
        found = {by: coverage.coverage(session, by, NOON, 7) for by in By}
        specialty = {group.key: group for group in found[By.SPECIALTY].groups}
        assert specialty["心血管"] == Group("心血管", 3, 3, 1, 1, 1)
        assert specialty[""] == Group("", 2, 2, 0, 1, 1)
        for by in (By.SPECIALTY, By.PROVINCE, By.CITY, By.LEVEL):
            assert found[by].total == Group("", 5, 5, 1, 2, 2), by
        # The second rep shares a physician, so both days were planned together.
        assert found[By.REP].groups == [
            Group(str(rep.id), 5, 5, 1, 2, 2), Group(str(other.id), 1, 1, 0, 0, 0)
        ]  # fmt: skip
        assert coverage.coverage(session, By.CITY, NOON, 28).total.contacted == 3
        for by in By:
            for group in found[by].groups:
                steps = {"connected": group.connected} | {s: getattr(group, s) for s in STEPS}
                for step, number in steps.items():
                    who = coverage.who(by, group.key, step, NOON, 7)
                    assert people.names(session, who).total == number, (by, group, step)
        missed = people.names(session, coverage.who(By.SPECIALTY, "心血管", "missed", NOON, 7))
        assert {p.one_id for p in missed.people} == {rows[1].one_id, rows[2].one_id}


def test_no_set_is_gone_through_once_for_every_physician(database: Database) -> None:
    """PostgreSQL does so where a set is asked for by IN and does not fit into its memory."""
    if database.engine.dialect.name != "postgresql":
        pytest.skip("how PostgreSQL plans")
    asked: list[tuple[str, Any]] = []

    def see(_c: Any, _u: Any, statement: str, values: Any, *_more: Any) -> None:
        asked.append((statement, values))

    with database.reading() as session:
        session.execute(text("set local work_mem = '64kB'"))
        event.listen(database.engine, "before_cursor_execute", see)
        try:
            for by in By:
                coverage.coverage(session, by, NOON, 28)
                people.names(session, coverage.who(by, "1", "missed", NOON, 28))
            coverage.brand_shares(session, NOON, 28)
        finally:
            event.remove(database.engine, "before_cursor_execute", see)
        connection = session.connection()
        for statement, values in asked:
            plan = connection.exec_driver_sql(f"explain {statement}", values)
            assert "SubPlan" not in "\n".join(line for (line,) in plan), statement
    assert len(asked) >= 2 * len(By)


def test_a_brand_is_seen_beside_its_demand(database: Database) -> None:
    with database.transaction() as session:
        tagging.seed(session, NOON)
        rep = hire(session, "rep01", NOON)
        brand = content.add_brand(session, "a", "甲品", "心血管")
        silent = content.add_brand(session, "b", "乙品", "肿瘤")
        version = publish(session, "甲", ("af",), NOON)
        session.get_one(content.Content, version.content_id).brand_id = brand.id
        session.flush()
        wang = meet(session, rep, "wang", NOON, tags=("af",))
        meet(session, rep, "li", NOON, tags=("af",))
        meet(session, rep, "zhao", NOON, tags=("heart-failure",))
        sent(session, rep, wang, version, NOON - timedelta(hours=1), 30)
        sent(session, rep, wang, version, NOON - timedelta(days=60), 30)
    with database.reading() as session:
        (only,) = coverage.brand_shares(session, NOON, 28)
        assert (only.brand.id, only.contacts, only.opened, only.wanted) == (brand.id, 1, 1, 2)
        assert silent.id != only.brand.id


@pytest.mark.parametrize(("planned", "contacted", "named"), [
    (40, 90, ["planned"]), (90, 40, ["contacted"]), (40, 40, ["planned"]), (90, 90, []),
])  # fmt: skip
def test_a_group_is_named_once_at_the_first_step_where_it_gets_less(
    planned: int, contacted: int, named: list[str]
) -> None:
    groups = [Group("大", 1000, 1000, 600, 600, 300), Group("小", 150, 150, planned, contacted, 0),
              Group("", 500, 500, 0, 0, 0)]  # fmt: skip
    assert [(a.group.key, a.step) for a in coverage.alarms(groups)] == [("小", s) for s in named]


def test_everybody_who_sees_a_moment_is_counted_though_it_has_one_link(database: Database) -> None:
    with database.transaction() as session:
        tagging.seed(session, NOON)
        rep = hire(session, "rep01", NOON)
        version, then = publish(session, "甲", ("af",), NOON), NOON - timedelta(days=3)
        rows = [meet(session, rep, f"n{n}", then, specialty="心血管") for n in range(4)]
        links.create_link(session, version.id, rep_id=rep.id, channel="moment", now=then)
        moment = delivery.moments.plan_moment(
            session, belongs_to="t", rep_id=rep.id, content_version_id=version.id, url="u", now=then
        )
        for row in rows:
            seen_by(session, moment, row, then)
        queued, not_shown = session.scalars(select(Dispatch).order_by(Dispatch.id)).all()[2:]
        queued.state, not_shown.counts_as_contact = delivery.State.QUEUED, False
        session.flush()
        for by in By:
            assert coverage.coverage(session, by, NOON, 28).total.contacted == 2, by
            assert coverage.coverage(session, by, NOON, 2).total.contacted == 0, by
        for key in (coverage.who(By.REP, str(rep.id), "contacted", NOON, 28),
                    contents.who(version.id, "sent", NOON, 28)):  # fmt: skip
            assert [p.one_id for p in people.names(session, key).people] == sorted(
                row.one_id for row in rows[:2]
            )
        assert contents.of_version(session, version.id, NOON, 28).sent == 2
        assert contents.contents(session, NOON, 28, team=rep.team).total.sent == 2
        by_value, ways = contents.split(session, version.id, NOON, 28)
        assert by_value["心血管"].sent == 2
        assert {way: figures.sent for way, figures in ways.items()} == {"moment": 2}
        assert [overview.funnel(session, NOON, days).sent for days in (28, 2)] == [2, 0]
        assert overview.funnel(session, then - timedelta(hours=1), 28).sent == 0
        brand = content.add_brand(session, "a", "甲品", "心血管")
        session.get_one(content.Content, version.content_id).brand_id = brand.id
        session.flush()
        assert [one.contacts for one in coverage.brand_shares(session, NOON, 28)] == [2]


def seen_by(session: Session, moment: Moment, row: Identifier, at: datetime) -> None:
    delivery.moments.show_to(session, moment, row.id)
    delivery.queue(
        session, way=delivery.Way.MOMENT_VIEW, dedupe_key=f"t:{row.id}", payload={},
        rep_id=moment.rep_id, identifier_id=row.id, counts_as_contact=True, now=at,
    )  # fmt: skip
    made = session.scalars(select(Dispatch).where(Dispatch.identifier_id == row.id)).one()
    viewer = select(MomentViewer).where(MomentViewer.identifier_id == row.id)
    session.scalars(viewer).one().dispatch_id = made.id
    made.state, made.sent_at = delivery.State.SENT, at
    session.flush()
