"""The figures of the identity graph, on a small company that can be counted by hand."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from app import identity, journey, linkage
from app.flows.identity.identity_figures import identity_figures, with_waiting
from app.identity import Id, Identifier, Kind, quality
from app.identity.models import Conflict, QualityDay
from app.infra.clock import local
from app.infra.db import Database
from app.web.console.identity.trends import Trend, trends
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


def test_events_of_people_in_no_register_and_open_pairs_are_counted(database: Database) -> None:
    with database.transaction() as session:
        for n, ids in enumerate(
            [(contact(1), Id(Kind.CRM_ID, "", "HCP1")), (contact(2),), (CLINIC, contact(3))]
        ):
            see(session, *ids, key=str(n))
        for row in session.scalars(select(Identifier)).all():
            for days in (1, 29, 31):
                journey.note(
                    session, row.id, journey.Happened.MESSAGE_RECEIVED, channel="wecom",
                    at=NOON - timedelta(days=days), ref=f"{row.id}:{days}",
                )  # fmt: skip
        a, b, c = sorted(session.scalars(select(Identifier.id)))[:3]
        for pair, state in (((a, b), "open"), ((a, c), "unsure"), ((b, c), "rejected")):
            session.add(
                linkage.LinkCandidate(
                    a_id=pair[0], b_id=pair[1], score=1.0, probability=0.5, weights={},
                    model_version="test", state=state, created_at=NOON, updated_at=NOON,
                )
            )  # fmt: skip
        found = identity_figures(session, NOON)
    assert (found.events, found.unlinked, found.duplicates) == (10, 6, 2)
    assert found.unlinked_share == 0.6


def test_what_waits_is_what_waits_now(database: Database) -> None:
    kept = quality.Quality(*[7] * 14)
    with database.transaction() as session:
        for n in (1, 2, 3):
            see(session, contact(n), key=str(n))
        a, b, c = session.scalars(select(Identifier).order_by(Identifier.id)).all()
        session.add_all(
            Conflict(
                component_id=a.component_id, a_id=one.id, b_id=other.id, reason=reason,
                state=state, at=NOON,
            )
            for one, other, reason, state in (
                (a, b, "licences", "open"), (a, c, "licences", "done"), (b, c, "cannot_link", "open"),
            )
        )  # fmt: skip
        now = with_waiting(session, kept)
        assert now == replace(kept, duplicates=0, conflicts=1)
        assert now.conflicts == len(identity.open_conflicts(session, 9))


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
        kept = session.get_one(QualityDay, today)
        kept.more = {**(kept.more or {}), "of a newer process": 7}
    with database.reading() as session:
        assert quality.is_kept(session, today)
        days = quality.trend(session, today)
        assert [day for day, _ in days] == [today - timedelta(days=1), today]
        assert [figures.persons for _, figures in days] == [1, 2]
        (largest, one_id), *_ = quality.largest(session)
        assert largest == 1
        assert identity.get_physician(session, one_id).one_id == one_id


def test_days_are_lines_and_what_older_days_did_not_count_begins_later() -> None:
    old = quality.Quality(*range(11))
    days = [old, replace(old, persons=5, duplicates=4), replace(old, persons=10, duplicates=2)]
    found = trends(days)
    assert found["persons"] == Trend(0, "0.0,22.0 60.0,12.0 120.0,2.0")
    assert found["duplicates"] == Trend(4, "0.0,2.0 120.0,12.0")
    assert "unlinked_share" not in found
    assert not trends(days[:1])
    assert trends([quality.Quality(*([0] * 11))] * 2)["shared"].points == "0.0,22.0 120.0,22.0"
