"""Calls that write marks take places as messages do, so an account's platform is never crowded."""

from __future__ import annotations

from app import tagging
from app.delivery import Gate, Limits, Way
from app.delivery.buckets import app_day
from app.delivery.models import SendBucket
from app.flows.tagging import mirror_marks
from app.infra.db import Database
from app.reps.models import RepContact
from app.tagging import MarkSide, MirrorState, TagMark, TagMirror
from tests.company import CORP, hire, meet
from tests.conftest import SetClock

TWO = Limits(concurrency=2)


def test_marks_take_the_places_of_messages(database: Database, clock: SetClock) -> None:
    with database.transaction() as session:
        tagging.seed(session, clock())
        af, rep = tagging.id_of(session, "af"), hire(session, "rep01", clock())
        assert af is not None
        session.add(TagMirror(
            corp_id=CORP, tag_id=af, wecom_tag_id="et1", state=MirrorState.THERE, at=clock(),
        ))  # fmt: skip
        for n in range(5):
            meet(session, rep, f"p{n}", clock())
        for contact in session.query(RepContact):
            session.add(MarkSide(contact_id=contact.id, due_at=clock()))
            session.flush()
            session.add(TagMark(contact_id=contact.id, tag_id=af, wanted=True, at=clock()))

    todos = mirror_marks._claim(database, clock, TWO)
    assert todos is not None
    assert len(todos) == 2
    assert mirror_marks._claim(database, clock, TWO) is None, "both places are taken"
    assert is_open(database, clock) == (False, True), "by somebody else's account only"

    mirror_marks._record(database, todos[0], None, True, clock(), clock, TWO)
    assert is_open(database, clock) == (True, True)
    assert len(mirror_marks._claim(database, clock, TWO) or []) == 1

    clock.tick(seconds=61)  # whoever had them is gone
    assert is_open(database, clock) == (True, True)


def test_what_leaves_the_gate_makes_room_at_once_for_what_found_the_days_limit_used_up(
    database: Database, clock: SetClock
) -> None:
    quota = app_day(1)
    with database.transaction() as session:
        row = SendBucket(
            bucket=quota.name, account=CORP, subject=quota.subject("app", clock()),
            level=quota.limit - 1.0, ready_at=0.0,
        )  # fmt: skip
        session.add(row)
        session.flush()
        gate = Gate(session, CORP, clock(), Limits(accounts=1))
        assert gate.enter(Way.REP_TEXT, None) is None
        assert gate.enter(Way.REP_TEXT, None) is not None
        assert row.ready_at > clock().timestamp(), "nobody looks again today"
        gate.leave(Way.REP_TEXT, None)
        assert (row.level, row.ready_at) == (quota.limit - 1, 0.0)
        assert gate.enter(Way.REP_TEXT, None) is None


def is_open(database: Database, clock: SetClock) -> tuple[bool, bool]:
    """For a message of this account, and of another."""
    with database.transaction() as session:
        mine, other = (Gate(session, account, clock(), TWO) for account in (CORP, "ww-other"))
        return mine.is_open(Way.REP_TEXT), other.is_open(Way.REP_TEXT)
