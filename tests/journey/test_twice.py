"""One happening that a look of our own and a callback both tell, and two that are close together."""

from __future__ import annotations

from datetime import timedelta

import pytest

from app import identity, journey, reps
from app.identity import Id, Kind
from app.infra.db import Database
from app.journey import Happened
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
