# ruff: noqa: F811 — pytest finds the fixture `line` by its name
"""Ways in which public systems of our kind lose callbacks, each as a regression test.

They were read in their sources: an acknowledgement although the broker did not take the event; a
panic in a handler that is recovered and answered as OK; a duplicate check by sender and second;
an event marked as seen before its effect, so that a crash turns its retry into a duplicate.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from app import inbox
from app.bootstrap import Parts, build, build_web
from app.inbox import Arrival, InboxEvent, State
from app.inbox.work import LEASE
from app.infra import crashpoint
from app.journey import Happened
from app.journey.models import Touchpoint
from tests.conftest import SetClock, make_settings
from tests.connectors.test_translate import contact_event
from tests.flows.seen import contact, tag_keys
from tests.scenarios.conftest import Line, line  # noqa: F401
from tests.web.test_callbacks import post
from workers.drain import drain_inbox
from workers.polling import poll_once


class Killed(BaseException):
    """Stands for the end of the process: nothing below it may be caught."""


@pytest.fixture
def die_at(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Arm one crash point; the next passage dies there."""

    def crash() -> None:
        monkeypatch.setattr(crashpoint, "_armed", "")
        raise Killed

    monkeypatch.setattr(crashpoint, "_crash", crash)
    return lambda point: monkeypatch.setattr(crashpoint, "_armed", point)


def events(parts: Parts) -> list[InboxEvent]:
    with parts.db.reading() as session:
        return list(inbox.listing(session))


def touchpoints(parts: Parts, kind: Happened) -> int:
    with parts.db.reading() as session:
        return session.scalar(select(func.count(Touchpoint.id)).where(Touchpoint.kind == kind)) or 0


# broker down answered as success ----------------------------------------------------------------


def test_broker_down_answered_as_success(
    database_url: str, clock: SetClock, tmp_path: object
) -> None:
    """With Redis away we also say success, and may: the row is durable, and polling finds it."""
    settings = make_settings(database_url, f"unix://{tmp_path}/nobody.sock")
    parts = build(settings, clock=clock)
    web = build_web(parts).test_client()
    assert post(web, contact_event("something_new"), clock) == 200
    other_process = build(settings, clock=clock)
    assert [event.state for event in events(other_process)] == [State.PENDING]
    assert poll_once(other_process) == 1  # no bell was ever heard
    assert [event.state for event in events(parts)] == [State.UNKNOWN]
    for built in (parts, other_process):
        built.db.engine.dispose()


# panic answered as OK ---------------------------------------------------------------------------


@pytest.mark.parametrize("panic", [SystemExit, KeyboardInterrupt, MemoryError, RecursionError])
def test_panic_answered_as_ok(
    line: Line,
    monkeypatch: pytest.MonkeyPatch,
    panic: type[BaseException],
) -> None:
    """No handler runs before the answer, and one that panics afterwards loses nothing."""
    line.do("add_contact", userid="rep01", person="wang")
    before = touchpoints(line.parts, Happened.CONTACT_ADDED)
    assert before == 1

    def panics(*_: object) -> None:
        raise panic

    with monkeypatch.context() as broken:
        broken.setattr("workers.reading.flow_for", lambda _fact: _Panics(panics))
        try:
            line.do("add_contact", userid="rep01", person="li")
        except (SystemExit, KeyboardInterrupt):
            pass
    assert events(line.parts)[0].state == State.PENDING
    assert events(line.parts)[0].attempts == 1
    line.clock.now += LEASE + timedelta(seconds=1)
    line.work()
    assert events(line.parts)[0].state == State.DONE
    assert touchpoints(line.parts, Happened.CONTACT_ADDED) == 2


class _Panics:
    def __init__(self, apply: Callable[..., None]) -> None:
        self.apply = apply

    def prepare(self, *_: object) -> None:
        """Nothing."""


# same-second events merged ----------------------------------------------------------------------


def test_same_second_events_merged(line: Line) -> None:
    """Customer events all come from `sys` and carry whole seconds: each takes effect here."""
    for person in ("wang", "li"):  # the clock stands still: FromUserName and CreateTime are equal
        line.do("add_contact", userid="rep01", person=person)
    assert touchpoints(line.parts, Happened.CONTACT_ADDED) == 2
    assert line.api_says()["total"] == 2


def test_same_second_messages_of_one_sender_merged(line: Line) -> None:
    line.do("follow", person="wang")
    before = touchpoints(line.parts, Happened.MESSAGE_RECEIVED)
    for text in ("你好", "在吗"):
        line.do("oa_says", person="wang", text=text)
    assert touchpoints(line.parts, Happened.MESSAGE_RECEIVED) == before + 2


@pytest.mark.parametrize("through_the_spill", [False, True])
def test_same_second_edits_merged(line: Line, through_the_spill: bool) -> None:
    """The second edit's callback equals the first's to the last byte: the contact is read again."""
    line.do("add_contact", userid="rep01", person="wang")
    line.do("edit_contact", userid="rep01", person="wang", tag_ids=[])
    side = line.world.relation("rep01", line.person("wang").external_userid)
    assert side is not None
    for tag_ids in (["et1"], []):  # each handled before the next edit is made, the clock stands
        if through_the_spill:
            side.tag_ids = tag_ids
            edit = [event for event in events(line.parts) if "edit" in event.event_type][-1]
            line.clock.tick(seconds=1)
            spill_again(line.parts, edit)
            line.work()
        else:
            line.do("edit_contact", userid="rep01", person="wang", tag_ids=tag_ids)
        with line.parts.db.reading() as session:
            assert tag_keys(line, session, contact(line, session).one_id) == (
                {"af"} if tag_ids else set()
            )
    assert {event.state for event in events(line.parts)} == {State.DONE}


def spill_again(parts: Parts, event: InboxEvent) -> None:
    """The same bytes came a moment later, while the database was away."""
    arrival = Arrival(
        event.source, event.receiver, event.body, event.event_type,
        "contact:wm", event.occurred_at, False,
        event.received_at + timedelta(milliseconds=300), reads_only=True,
    )  # fmt: skip
    parts.spill.append([arrival])
    assert parts.spill.bring_in(parts.db) == 1


# crash after the mark ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "point", ["drain.claimed", "drain.prepared", "drain.applied", "drain.committed"]
)
def test_crash_after_the_mark(
    line: Line,
    die_at: Callable[[str], None],
    point: str,
) -> None:
    """There is no mark without its effect: both are one transaction, wherever the worker dies."""
    die_at(point)
    with pytest.raises(Killed):
        line.do("add_contact", userid="rep01", person="wang")
    event = events(line.parts)[-1]  # the oldest; what it led to may have been written down, too
    assert (event.state == State.DONE) == (touchpoints(line.parts, Happened.CONTACT_ADDED) == 1)
    assert event.state == (State.DONE if point == "drain.committed" else State.PENDING)
    line.clock.now += LEASE + timedelta(seconds=1)
    line.work()
    assert {event.state for event in events(line.parts)} == {State.DONE}
    assert touchpoints(line.parts, Happened.CONTACT_ADDED) == 1


@pytest.mark.parametrize("point", ["ack.opened", "ack.committed", "ack.rung"])
def test_crash_after_the_mark_of_the_front_door(
    database_url: str, valkey_url: str, clock: SetClock, die_at: Callable[[str], None], point: str
) -> None:
    """The platform hears no answer and sends again; the second copy is neither lost nor doubled."""
    parts = build(make_settings(database_url, valkey_url), clock=clock)
    web = build_web(parts).test_client()
    die_at(point)
    with pytest.raises(Killed):
        post(web, contact_event("something_new"), clock)
    assert len(events(parts)) == (0 if point == "ack.opened" else 1)
    drain_inbox(parts)  # the first copy may be worked off before the second one comes
    assert post(web, contact_event("something_new"), clock) == 200
    drain_inbox(parts)
    assert [event.state for event in events(parts)] == [State.UNKNOWN]
    parts.db.engine.dispose()
