"""A pair that is told is asked in one statement on PostgreSQL, and ends as the long way does."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app import identity
from app.identity import Kind, Known, make_id
from app.identity.evidence import Sentence
from app.identity.models import Evidence, Identifier
from app.identity.pair import told_pair
from app.infra.db import Database
from tests.conftest import NOON

CONTACT = identity.Id(Kind.WECOM_EXTERNAL_USERID, "wwexample", "wmexample")
UNION = make_id("unionid", "oExample") or pytest.fail("a unionid")
SAID = Sentence("inbox:2", "api_assert", "wecom.contact", 90, NOON)
BUSY_S = 5.0


@pytest.fixture
def told(database: Database) -> Database:
    if database.engine.dialect.name != "postgresql":
        pytest.skip("on SQLite a writer is alone")
    with database.transaction() as session:
        observe(session, SAID._replace(event_key="inbox:1"))
    return database


def observe(session: Session, said: Sentence = SAID) -> list[Known]:
    return identity.recognise(session, [CONTACT, UNION], now=NOON, **said._asdict())


def test_what_is_told_comes_back_in_order_and_nothing_is_written(told: Database) -> None:
    with told.transaction() as session:
        found = told_pair(session, [UNION, CONTACT], SAID)
        assert found is not None
        assert [row.kind for row in found] == [Kind.UNIONID, Kind.WECOM_EXTERNAL_USERID]
        assert found == observe(session)[::-1]
        assert session.scalar(select(func.count(Evidence.id))) == 1


@pytest.mark.parametrize(
    "said",
    [
        SAID._replace(source="oa.user_info"),
        SAID._replace(kind="cooccur"),
        SAID._replace(trust=91),
        SAID._replace(at=NOON - timedelta(seconds=1)),
    ],
)
def test_another_source_surer_or_earlier_is_not_told(told: Database, said: Sentence) -> None:
    with told.transaction() as session:
        assert told_pair(session, [CONTACT, UNION], said) is None
        observe(session, said)
        assert session.scalar(select(func.count(Evidence.id))) == 2


def test_what_is_not_told_is_not_held(told: Database) -> None:
    """Two that both held it, and then both computed it again, would wait for each other."""
    with told.transaction() as first, told.transaction() as second:
        news = SAID._replace(source="crm.import", trust=95)
        assert told_pair(first, [CONTACT, UNION], news) is None
        rows = second.scalars(select(Identifier)).all()
        identity.forget(second, rows[0], cause="a test", now=NOON)


def test_evidence_that_is_taken_back_meanwhile_is_written_down_again(told: Database) -> None:
    """The statement began before the evidence was gone, and was granted its hold afterwards."""
    found: list[list[Known]] = []

    def say_it_again() -> None:
        with told.transaction() as session:
            found.append(observe(session))

    asking = threading.Thread(target=say_it_again)
    with told.transaction() as session:
        row = session.scalars(select(Identifier).where(Identifier.kind == Kind.UNIONID)).one()
        identity.forget(session, row, cause="a test", now=NOON)
        asking.start()
        _until_somebody_waits(told)
    asking.join(BUSY_S)
    with told.reading() as session:
        assert len({row.one_id for row in found[0]}) == 1
        assert session.scalars(select(Evidence.event_key)).all() == [SAID.event_key]
        assert session.scalars(
            select(Identifier.value).where(Identifier.kind == Kind.UNIONID)
        ).all() == [UNION.value]


def _until_somebody_waits(database: Database) -> None:
    waiting = "select count(*) from pg_locks where not granted"
    for _ in range(2000):
        with database.reading() as session:
            if session.connection().exec_driver_sql(waiting).scalar():
                return
    raise AssertionError("nobody waited for the component")
