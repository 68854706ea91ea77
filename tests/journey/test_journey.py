"""What happened: written once, read in pages, counted by week."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from app import identity, journey
from app.identity import Id, Identifier, Kind
from app.infra.db import Database
from app.journey import Happened
from tests.conftest import NOON
from tests.tagging.people import person


def note(
    session: Session, who: Identifier, kind: Happened, at: datetime, ref: str, channel: str = "oa"
) -> bool:
    return journey.note(
        session, who.id, kind, channel=channel, at=at, ref=ref, detail={"text": "一句私密的话"}
    )


def test_a_touchpoint_is_written_once_per_ref(database: Database) -> None:
    with database.transaction() as session:
        who = person(session)
        assert note(session, who, Happened.FOLLOWED, NOON, "inbox:1")
        assert not note(session, who, Happened.FOLLOWED, NOON, "inbox:1")
        assert len(journey.timeline(session, who.one_id)) == 1


def test_the_journey_of_one_physician_joins_all_identifiers(database: Database) -> None:
    with database.transaction() as session:
        contact = person(session)
        ids = [Id(Kind.WECOM_EXTERNAL_USERID, "wwtestcorp", "wm1"), Id(Kind.UNIONID, "open", "oU")]
        _, union = identity.observe(session, ids, event_key="t", source="test", at=NOON, now=NOON)
        session.refresh(contact)
        note(session, contact, Happened.CONTACT_ADDED, NOON, "a", "wecom")
        note(session, union, Happened.FOLLOWED, NOON + timedelta(hours=1), "b")
        told = journey.timeline(session, contact.one_id)
        assert [entry.kind for entry in told] == [Happened.FOLLOWED, Happened.CONTACT_ADDED]
        only = journey.timeline(session, contact.one_id, kinds=[Happened.FOLLOWED])
        assert [entry.id for entry in only] == [told[0].id]
        assert journey.timeline(session, contact.one_id, channel="wecom") == [told[1]]
        assert journey.last_at(session, [contact.one_id]) == {
            contact.one_id: NOON + timedelta(hours=1)
        }


def test_pages_neither_lose_nor_repeat_entries_of_one_second(database: Database) -> None:
    with database.transaction() as session:
        who = person(session)
        for n in range(7):
            note(session, who, Happened.MENU_USED, NOON + timedelta(seconds=n // 4), f"r{n}")
        whole = journey.timeline(session, who.one_id)
        pages = journey.timeline(session, who.one_id, limit=2)
        while True:
            last = pages[-1]
            more = journey.timeline(session, who.one_id, before=last.at, before_id=last.id, limit=2)
            if not more:
                break
            pages += more
        assert pages == whole
        assert len(whole) == 7


def test_what_was_said_is_not_in_the_database_in_clear(database: Database) -> None:
    with database.transaction() as session:
        note(session, person(session), Happened.MESSAGE_RECEIVED, NOON, "inbox:1")
    with database.engine.connect() as raw:
        (stored,) = raw.exec_driver_sql("SELECT detail FROM touchpoint").scalars()
        assert "一句私密的话".encode() not in bytes(stored)
    with database.reading() as session:
        (entry,) = journey.timeline(session, person(session).one_id)
        assert entry.detail == {"text": "一句私密的话"}
