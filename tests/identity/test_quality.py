"""The figures of the identity graph, on a small company that can be counted by hand."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy.orm import Session

from app import identity
from app.identity import Id, Kind, quality
from app.infra.clock import local
from app.infra.db import Database
from tests.conftest import NOON

CLINIC = Id(Kind.PHONE, "", "+8619900000000")


def see(session: Session, *ids: Id, key: str) -> None:
    identity.observe(session, ids, event_key=key, source="test", at=NOON, now=NOON)


def contact(number: int) -> Id:
    return Id(Kind.WECOM_EXTERNAL_USERID, "ww", f"wm{number}")


def test_everybody_is_counted_once_and_phones_are_nobody(database: Database) -> None:
    with database.transaction() as session:
        assert quality.measure(session) == quality.Quality(*([0] * 11))
        assert quality.measure(session).linked_share is None
        see(session, contact(1), Id(Kind.UNIONID, "open", "oU1"), key="1")
        see(session, Id(Kind.LICENCE_NO, "", "110440000012341"), contact(1), key="2")
        see(session, contact(2), key="3")
        for number in (3, 4, 5):  # a clinic's phone
            see(session, contact(number), CLINIC, key=f"c{number}")
        found = quality.measure(session)
    assert (found.persons, found.verified, found.alone, found.most) == (5, 1, 4, 3)
    assert (found.contacts, found.linked, found.shared) == (5, 1, 1)
    assert found.identifiers == 7  # the clinic's phone is nobody's
    assert found.linked_share == 0.2


def test_a_day_is_kept_once_and_the_days_show_where_it_goes(database: Database) -> None:
    today = local(NOON).date()
    with database.transaction() as session:
        see(session, contact(1), key="1")
        first = quality.measure(session)
        assert quality.keep(session, today - timedelta(days=1), first, NOON)
        see(session, contact(2), key="2")
        second = quality.measure(session)
        assert not quality.is_kept(session, today)
        assert quality.keep(session, today, second, NOON)
        assert not quality.keep(session, today, first, NOON)
    with database.reading() as session:
        assert quality.is_kept(session, today)
        days = quality.trend(session, today)
        assert [day for day, _ in days] == [today - timedelta(days=1), today]
        assert [figures.persons for _, figures in days] == [1, 2]
        (largest, one_id), *_ = quality.largest(session)
        assert largest == 1
        assert identity.get_physician(session, one_id).one_id == one_id
