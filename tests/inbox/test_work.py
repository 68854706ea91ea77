"""Working through the inbox: order, attempts, back-off, parking, replay."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import pytest

from app import inbox
from app.inbox import State
from app.infra.db import Database
from app.infra.errors import NotFound
from tests.conftest import NOON, SetClock


def arrive(
    database: Database, clock: SetClock, *names: str, partition: str = "contact:1", **kw: object
) -> list[int]:
    """Ids of new events whose bodies are `names`."""
    with database.transaction() as session:
        ids = [
            inbox.append(
                session,
                source="wecom",
                receiver="wwtestcorp",
                body=name.encode(),
                event_type="test/event",
                partition=partition,
                occurred_at=None,
                urgent=bool(kw.get("urgent", False)),
                now=clock(),
            )
            for name in names
        ]
    return [number for number in ids if number is not None]


def due(database: Database, clock: SetClock) -> Sequence[bytes]:
    with database.reading() as session:
        return [one.partition for one in inbox.due(session, clock(), 10)]


def begin(database: Database, clock: SetClock, partition: str = "contact:1") -> inbox.Claim | None:
    key = inbox.partition_key("wwtestcorp", partition)
    with database.transaction() as session:
        found = [one for one in inbox.due(session, clock(), 10) if one.partition == key]
        return next(iter(inbox.begin(session, found, clock())), None)


def finish(database: Database, clock: SetClock, claim: inbox.Claim, partition: str) -> bool:
    with database.transaction() as session:
        held = inbox.hold(session, [claim])
        inbox.finish(session, held, clock())
        return claim.id in held


def fail(database: Database, clock: SetClock, claim: inbox.Claim, **kw: object) -> bool:
    with database.transaction() as session:
        return inbox.fail(
            session,
            claim,
            "Trouble in handler:7",
            clock(),
            final=bool(kw.get("final", False)),
            retry_after=timedelta(seconds=float(str(kw.get("retry_after_s", 0)))),
            patient=bool(kw.get("patient", False)),
        )


def state_of(database: Database, event_id: int) -> str:
    with database.reading() as session:
        return inbox.find(session, event_id).state


def test_the_same_bytes_for_the_same_receiver_are_stored_once(
    database: Database, clock: SetClock
) -> None:
    assert len(arrive(database, clock, "a", "b", "a")) == 2
    assert arrive(database, clock, "b") == []


def test_the_parts_of_a_dedupe_key_cannot_be_shifted_into_each_other() -> None:
    assert inbox.dedupe_key("wecom", "ab", b"c") != inbox.dedupe_key("wecom", "a", b"bc")
    assert inbox.dedupe_key("wecom", "a", b"x") != inbox.dedupe_key("oa", "a", b"x")


def test_text_that_no_database_can_store_does_not_stop_an_event(
    database: Database, clock: SetClock
) -> None:
    arrival = inbox.Arrival(
        "oa", "wx1", b"{}", "event/\x00\ud800odd" + "x" * 200, "contact:\ud800", None, False, NOON
    )
    intake = inbox.Intake(database)
    intake.write(arrival)
    intake.close()
    with database.reading() as session:
        (event,) = inbox.listing(session)
    assert event.event_type.startswith("event/?odd")
    assert len(event.event_type) == 80


def test_a_partition_is_handled_in_order_and_one_at_a_time(
    database: Database, clock: SetClock
) -> None:
    first, second = arrive(database, clock, "a", "b")
    claim = begin(database, clock)
    assert claim is not None
    assert (claim.id, claim.body, claim.attempts) == (first, b"a", 1)
    assert begin(database, clock) is None  # the first is under way
    assert list(due(database, clock)) == []
    assert finish(database, clock, claim, "contact:1")
    following = begin(database, clock)
    assert following is not None
    assert following.id == second


def test_partitions_do_not_wait_for_each_other(database: Database, clock: SetClock) -> None:
    arrive(database, clock, "a", partition="contact:1")
    arrive(database, clock, "b", partition="contact:2")
    assert begin(database, clock, "contact:1") is not None
    assert list(due(database, clock)) == [inbox.partition_key("wwtestcorp", "contact:2")]


def test_a_running_welcome_code_goes_first(database: Database, clock: SetClock) -> None:
    arrive(database, clock, "a", partition="contact:1")
    arrive(database, clock, "b", partition="contact:2", urgent=True)
    assert due(database, clock)[0] == inbox.partition_key("wwtestcorp", "contact:2")
    with database.reading() as session:
        assert inbox.is_due(session, clock(), urgent=True)


def test_failures_back_off_and_the_fifth_parks_the_event(
    database: Database, clock: SetClock
) -> None:
    poison, neighbour = arrive(database, clock, "poison", "later")
    waits = []
    for attempt in range(1, inbox.MAX_ATTEMPTS + 1):
        claim = begin(database, clock)
        assert claim is not None
        assert (claim.id, claim.attempts) == (poison, attempt)
        parked = fail(database, clock, claim)
        assert parked == (attempt == inbox.MAX_ATTEMPTS)
        waited = 0
        while not parked and not due(database, clock):
            clock.tick(seconds=1)
            waited += 1
        waits.append(waited)
    assert waits == [1, 10, 60, 300, 0]
    with database.reading() as session:
        event = inbox.find(session, poison)
    assert (event.state, event.error) == (State.DEAD, "Trouble in handler:7")
    following = begin(database, clock)
    assert following is not None
    assert following.id == neighbour


def test_a_platform_that_asks_for_more_patience_gets_it(
    database: Database, clock: SetClock
) -> None:
    arrive(database, clock, "a")
    claim = begin(database, clock)
    assert claim is not None
    fail(database, clock, claim, retry_after_s=60)
    clock.tick(seconds=59)
    assert begin(database, clock) is None
    clock.tick(seconds=1)
    assert begin(database, clock) is not None


def test_a_platform_in_trouble_parks_nothing_for_a_day(database: Database, clock: SetClock) -> None:
    (event_id,) = arrive(database, clock, "a")
    begun, attempts, parked = clock(), 0, False
    while not parked:
        claim = begin(database, clock)
        if claim is None:
            clock.tick(minutes=1)
            continue
        attempts += 1
        assert claim.attempts == attempts
        parked = fail(database, clock, claim, patient=True)
    assert timedelta(hours=24) <= clock() - begun < timedelta(hours=24, minutes=16)
    assert 90 < attempts < 110
    assert state_of(database, event_id) == State.DEAD


def test_an_event_that_kills_after_an_outage_is_parked(database: Database, clock: SetClock) -> None:
    (event_id,) = arrive(database, clock, "a")
    for _ in range(2 * inbox.MAX_ATTEMPTS):
        claim = begin(database, clock)
        assert claim is not None
        fail(database, clock, claim, patient=True)
        clock.tick(minutes=15)
    assert begin(database, clock) is not None  # and nothing more is heard of it
    clock.tick(minutes=2)
    assert begin(database, clock) is None
    assert state_of(database, event_id) == State.DEAD


def test_a_permanent_error_parks_at_once(database: Database, clock: SetClock) -> None:
    (event_id,) = arrive(database, clock, "a")
    claim = begin(database, clock)
    assert claim is not None
    assert fail(database, clock, claim, final=True)
    assert state_of(database, event_id) == State.DEAD


def test_an_event_that_kills_its_process_is_parked_too(database: Database, clock: SetClock) -> None:
    (event_id,) = arrive(database, clock, "killer")
    for _ in range(inbox.MAX_ATTEMPTS):
        assert begin(database, clock) is not None  # and nothing more is heard of it
        clock.tick(minutes=2)
    assert begin(database, clock) is None
    assert state_of(database, event_id) == State.DEAD


def test_an_abandoned_event_takes_effect_once_whoever_finishes(
    database: Database, clock: SetClock
) -> None:
    arrive(database, clock, "a")
    slow = begin(database, clock)
    clock.tick(minutes=2)
    second = begin(database, clock)
    assert slow is not None
    assert second is not None
    assert not fail(database, clock, slow)  # overtaken: it may not disturb the second
    assert finish(database, clock, slow, "contact:1")
    assert not finish(database, clock, second, "contact:1")


def test_only_one_transaction_holds_a_partition(database: Database, clock: SetClock) -> None:
    if database.engine.dialect.name != "postgresql":
        pytest.skip("SQLite has one writer at a time anyway")
    arrive(database, clock, "a")
    claim = begin(database, clock)
    assert claim is not None
    with database.transaction() as session:
        assert inbox.hold(session, [claim]) == {claim.id}
        with database.transaction() as other:
            assert inbox.hold(other, [claim]) == set()


def test_parked_and_unknown_events_can_be_replayed_by_id_or_by_kind(
    database: Database, clock: SetClock
) -> None:
    one, two, three = arrive(database, clock, "a", "b", "c")
    with database.transaction() as session:
        inbox.keep_unknown(session, one, "no translator", clock())
        inbox.finish(session, [two], clock())
    with database.transaction() as session:
        assert inbox.replay(session, clock(), ids=[two, three]) == 1  # three still waits
        assert inbox.replay(session, clock(), state=State.UNKNOWN, event_type="other") == 0
        assert inbox.replay(session, clock(), state=State.UNKNOWN) == 1
        with pytest.raises(ValueError):
            inbox.replay(session, clock())
    with database.reading() as session:
        assert inbox.count_by_state(session)["pending"] == 3
        assert inbox.oldest_pending(session) == NOON


def test_events_are_listed_newest_first_and_page_by_page(
    database: Database, clock: SetClock
) -> None:
    ids = arrive(database, clock, *"abcde")
    with database.reading() as session:
        first = [event.id for event in inbox.listing(session, limit=2)]
        rest = [event.id for event in inbox.listing(session, before_id=first[-1])]
        assert first + rest == ids[::-1]
        assert not inbox.listing(session, state=State.DEAD)
        with pytest.raises(NotFound):
            inbox.find(session, 999_999)


def test_of_those_that_ended_without_a_word_one_is_begun_with_others(
    database: Database, clock: SetClock
) -> None:
    for n in range(5):
        arrive(database, clock, f"e{n}", partition=f"contact:{n}")
    claims = [begin(database, clock, f"contact:{n}") for n in range(4)]
    for answered in claims[2:]:
        assert answered is not None
        fail(database, clock, answered)
    clock.tick(seconds=20)
    with database.transaction() as session:
        found = inbox.begin(session, inbox.due(session, clock(), 10), clock())
    assert sorted((one.body, one.attempts) for one in found) == [
        (b"e0", 2), (b"e2", 2), (b"e3", 2), (b"e4", 1)
    ]  # fmt: skip


def test_many_that_wait_for_another_attempt_leave_room_for_what_is_new(
    database: Database, clock: SetClock
) -> None:
    for n in range(9):
        arrive(database, clock, f"old{n}", partition=f"contact:{n}")
        begin(database, clock, f"contact:{n}")  # and its process ends
    clock.tick(seconds=20)
    arrive(database, clock, "new", partition="contact:new")
    with database.reading() as session:
        assert [one.body for one in inbox.due(session, clock(), 4)] == [b"old0", b"new"]


def test_two_that_found_the_same_events_begin_them_once(
    database: Database, clock: SetClock
) -> None:
    arrive(database, clock, "a", partition="contact:1")
    with database.reading() as session:
        found = inbox.due(session, clock(), 10)
    for expected in (1, 0):
        with database.transaction() as session:
            assert len(inbox.begin(session, found, clock())) == expected
