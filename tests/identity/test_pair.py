"""A pair that is told is asked in one statement on PostgreSQL, and ends as the long way does."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from datetime import timedelta

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app import identity
from app.identity import Id, Kind, Known, called, make_id
from app.identity.evidence import Sentence
from app.identity.models import Evidence, Identifier, IdentifierName
from app.identity.pair import ask_pair
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


def told_pair(session: Session, ids: Sequence[Id], said: Sentence) -> list[Known] | None:
    """Both as they are now, held until commit; None when this is not told."""
    found, is_told = ask_pair(session, ids, said)
    return [found[one] for one in ids] if is_told else None


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


def test_a_name_is_asked_about_in_the_same_statement_and_its_newest_time_is_kept(
    told: Database,
) -> None:
    phone = make_id("phone", "13912345678") or pytest.fail("a phone")
    later = SAID._replace(at=NOON + timedelta(days=2))

    def is_told(session: Session, name: str, said: Sentence = SAID) -> bool:
        return ask_pair(session, [phone, CONTACT], said, called.token_of(name))[1]

    def tell(session: Session, name: str, said: Sentence) -> None:
        identity.recognise(session, [CONTACT, phone], now=NOON, name=name, **said._asdict())

    with told.transaction() as session:
        tell(session, "王敏", SAID)
        assert is_told(session, "")
        assert is_told(session, "汪小敏医生"), "it sounds as before"
        assert not is_told(session, "李敏")
        assert is_told(session, "王敏", later)
    with told.transaction() as session:
        assert session.scalars(select(IdentifierName.at)).all() == [later.at]
        tell(session, "李敏", SAID._replace(at=NOON + timedelta(days=1)))
        assert is_told(session, "王敏"), "an older word changes nothing"
        tell(session, "李敏", SAID._replace(at=NOON + timedelta(days=3)))
        assert is_told(session, "李敏")


def test_a_name_that_changes_meanwhile_is_not_taken_for_told(told: Database) -> None:
    """The statement saw the name that it asks about, and was granted its hold afterwards."""
    phone = make_id("phone", "13912345678") or pytest.fail("a phone")

    def tell(name: str, days: int, session: Session) -> None:
        said = SAID._replace(at=NOON + timedelta(days=days))
        identity.recognise(session, [CONTACT, phone], now=NOON, name=name, **said._asdict())

    def tell_again() -> None:
        with told.transaction() as session:
            tell("王敏", 2, session)

    with told.transaction() as session:
        tell("王敏", 0, session)
    asking = threading.Thread(target=tell_again)
    with told.transaction() as session:
        tell("李敏", 1, session)
        asking.start()
        _until_somebody_waits(told)
    asking.join(BUSY_S)
    with told.reading() as session:
        (row,) = session.scalars(select(IdentifierName)).all()
        assert (row.token, row.at) == (called.token_of("王敏"), NOON + timedelta(days=2))


def _until_somebody_waits(database: Database) -> None:
    waiting = "select count(*) from pg_locks where not granted"
    for _ in range(2000):
        with database.reading() as session:
            if session.connection().exec_driver_sql(waiting).scalar():
                return
    raise AssertionError("nobody waited for the component")
