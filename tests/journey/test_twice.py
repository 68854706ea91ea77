"""One happening that a look of our own and a callback both tell, and two that are close together."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select

from app import identity, journey, reps
from app.facts import ContactRemoved
from app.flows.completeness.reconcile_note import note_once
from app.identity import Id, Kind
from app.infra.db import Database
from app.journey import Ending, Happened, Touchpoint
from tests.conftest import NOON


@pytest.mark.parametrize(("seconds", "same"), [(0, True), (2, True), (60, False), (119, False)])
def test_an_addition_soon_after_another_one_that_was_seen_is_news(
    database: Database, seconds: int, same: bool
) -> None:
    one = Id(Kind.WECOM_EXTERNAL_USERID, "ww1", "wm1")
    with database.transaction() as session:
        (row,) = identity.observe(session, [one], event_key="e", source="test", at=NOON, now=NOON)
        rep = reps.ensure_rep(session, "ww1", "rep01", now=NOON)
        journey.note(
            session, row.id, Happened.CONTACT_ADDED, channel="wecom", at=NOON, ref="inbox:1",
            rep_id=rep.id, detail=journey.marked(None, pulled=True),
        )  # fmt: skip
        told = journey.find_told(
            session, row.id, Happened.CONTACT_ADDED, at=NOON + timedelta(seconds=seconds),
            ref="inbox:2", pulled=False, rep_id=rep.id,
        )  # fmt: skip
    assert (told is not None) is same


def test_what_was_seen_excuses_one_callback_also_when_that_comes_again(database: Database) -> None:
    one = Id(Kind.WECOM_EXTERNAL_USERID, "ww1", "wm1")
    with database.transaction() as session:
        (row,) = identity.observe(session, [one], event_key="e", source="test", at=NOON, now=NOON)
        journey.note(
            session, row.id, Happened.CONTACT_ADDED, channel="wecom", at=NOON, ref="inbox:1",
            detail=journey.marked(None, pulled=True),
        )  # fmt: skip
        told = []
        for ref in ("inbox:2", "inbox:3", "inbox:2"):
            found = journey.find_told(
                session, row.id, Happened.CONTACT_ADDED, at=NOON, ref=ref, pulled=False,
                rep_id=None,
            )  # fmt: skip
            told.append(found is not None)
            if found is not None:
                journey.told_by(found, ref)
                session.flush()
    assert told == [True, False, True]


def minute(number: float) -> datetime:
    return NOON + timedelta(minutes=number)


@pytest.mark.parametrize("seen_first", [True, False])
def test_an_end_that_was_seen_is_the_end_of_what_had_begun_then(
    database: Database, seen_first: bool
) -> None:
    """F1 with 100,000 events: a relation ended, began again, and only then the look at the first
    one was worked on. Its end was dated after the new beginning, and swallowed the next end."""
    one = Id(Kind.WECOM_EXTERNAL_USERID, "ww1", "wm1")
    with database.transaction() as session:
        (row,) = identity.observe(session, [one], event_key="e", source="test", at=NOON, now=NOON)

        def tell(at: datetime, ref: str, since: datetime | None = None) -> bool:
            ends = Ending(Happened.CONTACT_ADDED, since)
            told = journey.find_told(
                session, row.id, Happened.CONTACT_REMOVED, at=at, ref=ref,
                pulled=since is not None, rep_id=None, ends=ends,
            )  # fmt: skip
            if told is None:
                journey.note(
                    session, row.id, Happened.CONTACT_REMOVED, channel="wecom", at=at, ref=ref,
                    detail=journey.marked(None, since is not None, ends),
                )  # fmt: skip
            elif since is None:
                journey.told_by(told, ref)
            return told is None

        def begin(at: datetime, ref: str) -> None:
            journey.note(
                session, row.id, Happened.CONTACT_ADDED, channel="wecom", at=at, ref=ref
            )  # fmt: skip

        begin(minute(0), "add 1")
        begin(minute(10), "add 2")
        if seen_first:  # the callback about the first end comes late
            assert tell(minute(11), "look", since=minute(0))
            assert not tell(minute(5), "end 1")
        else:
            assert tell(minute(5), "end 1")
            assert not tell(minute(11), "look", since=minute(0))
        assert not tell(minute(12), "look again", since=minute(0))
        assert tell(minute(20), "end 2")
        begin(minute(30), "add 3")
        assert tell(minute(31), "end 3")


def test_a_callback_knows_when_it_was_and_a_look_only_by_its_own_clock(database: Database) -> None:
    """F7: the clock of a look was three days behind, and so was the end in the journey."""
    one = Id(Kind.WECOM_EXTERNAL_USERID, "ww1", "wm1")
    with database.transaction() as session:
        (row,) = identity.observe(session, [one], event_key="e", source="test", at=NOON, now=NOON)
        looks = ContactRemoved(
            at=minute(0),
            corp_id="ww1",
            rep_userid="rep01",
            external_userid="wm1",
            by="rep",
            pulled=True,
        )
        ends = Ending(Happened.CONTACT_ADDED, since=minute(0))
        behind = minute(5) - timedelta(days=3)
        seen = note_once(
            session, row.id, Happened.CONTACT_REMOVED, looks, channel="wecom", at=behind,
            ref="look", ends=ends,
        )  # fmt: skip
        tells = replace(looks, at=minute(4), pulled=False)
        told = note_once(
            session, row.id, Happened.CONTACT_REMOVED, tells, channel="wecom", at=minute(4),
            ref="callback", ends=Ending(Happened.CONTACT_ADDED),
        )  # fmt: skip
        assert (seen.fresh, told.fresh, told.ref) == (True, False, "look")
        assert session.scalars(select(Touchpoint.at)).all() == [minute(4)]
