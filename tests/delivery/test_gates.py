"""Calls that write marks take places as messages do, so an account's platform is never crowded."""

from __future__ import annotations

from app import tagging
from app.delivery import Gate, Limits, Way
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


def is_open(database: Database, clock: SetClock) -> tuple[bool, bool]:
    """For a message of this account, and of another."""
    with database.transaction() as session:
        mine, other = (Gate(session, account, clock(), TWO) for account in (CORP, "ww-other"))
        return mine.is_open(Way.REP_TEXT), other.is_open(Way.REP_TEXT)
