"""Messages are written down once, claimed once, and never lost between claim and record."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from app import delivery
from app.connectors import errors
from app.delivery import Dispatch, Receipt, State, Way
from app.delivery.channels import Delivered
from app.infra.db import Database
from app.infra.errors import Refused
from tests.company import CORP, hire, meet
from tests.conftest import SetClock

TEXT = {"corp_id": CORP, "userid": "rep01", "text": "您好"}


@pytest.fixture
def write(database: Database, clock: SetClock) -> Callable[..., int]:
    """Writes a message to rep01 down and returns its id."""

    def write(key: str = "one", **fields: object) -> int:
        values: dict[str, object] = {"way": Way.REP_TEXT, "payload": TEXT, "now": clock()}
        with database.transaction() as session:
            rep = hire(session, "rep01", clock())
            values |= {"rep_id": rep.id} | fields
            made = delivery.queue(session, dedupe_key=key, **values)  # type: ignore[arg-type]
            assert made is not None
            return made

    return write


def claim(database: Database, dispatch_id: int, now: datetime) -> Dispatch | None:
    with database.transaction() as session:
        taken = delivery.claim(session, [dispatch_id], now)
        return delivery.get(session, dispatch_id) if taken else None


def answer(
    database: Database, dispatch_id: int, answer: Delivered | Exception, now: datetime
) -> Dispatch:
    with database.transaction() as session:
        dispatch = delivery.get(session, dispatch_id)
        delivery.record(dispatch, answer, now)
        return dispatch


def test_one_key_is_one_message_and_its_payload_stays_frozen(
    database: Database, clock: SetClock, write: Callable[..., int]
) -> None:
    first = write()
    with database.transaction() as session:
        again = delivery.queue(
            session, way=Way.REP_TEXT, dedupe_key="one", payload=TEXT | {"text": "别的"},
            now=clock(),
        )  # fmt: skip
        assert again is None
        assert delivery.get(session, first).payload["text"] == "您好"


def test_two_workers_never_claim_one_message(
    database: Database, clock: SetClock, write: Callable[..., int]
) -> None:
    ids = [write(f"m{n}") for n in range(6)]
    barrier, won = threading.Barrier(2), []

    def work() -> None:
        for dispatch_id in ids:
            barrier.wait()
            if claim(database, dispatch_id, clock()) is not None:
                won.append(dispatch_id)

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(won) == ids


def test_a_message_is_not_claimed_before_its_time_or_when_it_is_taken(
    database: Database, clock: SetClock, write: Callable[..., int]
) -> None:
    dispatch_id = write(not_before=clock() + timedelta(minutes=1))
    assert claim(database, dispatch_id, clock()) is None
    assert claim(database, dispatch_id, clock.tick(minutes=1)) is not None
    assert claim(database, dispatch_id, clock()) is None


@pytest.mark.parametrize(
    ("way", "then"),
    [
        (Way.REP_CARD, State.QUEUED), (Way.REP_TEXT, State.QUEUED), (Way.WELCOME, State.QUEUED),
        (Way.GROUP_TASK, State.UNKNOWN), (Way.OA_TEXT, State.UNKNOWN),
    ],
)  # fmt: skip
def test_a_worker_that_dies_after_the_claim_leaves_an_unknown_outcome(
    database: Database, clock: SetClock, write: Callable[..., int], way: Way, then: State
) -> None:
    dispatch_id = write(way=way)
    claim(database, dispatch_id, clock())
    with database.transaction() as session:
        assert delivery.expire_leases(session, clock.tick(seconds=3)) == []
        (row,) = delivery.expire_leases(session, clock.tick(seconds=1))
        assert (row.state, row.maybe_sent) == (then, True)


def test_the_late_answer_of_a_slow_worker_settles_an_unknown_message(
    database: Database, clock: SetClock, write: Callable[..., int]
) -> None:
    dispatch_id = write(way=Way.GROUP_TASK)
    claim(database, dispatch_id, clock())
    with database.transaction() as session:
        delivery.expire_leases(session, clock.tick(minutes=2))
    row = answer(database, dispatch_id, Delivered("msg1"), clock())
    assert (row.state, row.provider_id) == (State.SENT, "msg1")


def test_what_may_have_been_sent_is_not_cancelled_but_stays_unknown(
    database: Database, clock: SetClock, write: Callable[..., int]
) -> None:
    dispatch_id = write(way=Way.REP_CARD, campaign_id=7)
    claim(database, dispatch_id, clock())
    row = answer(database, dispatch_id, errors.OutcomeUnknown("cut"), clock())
    assert row.state == State.QUEUED
    with database.transaction() as session:
        assert delivery.cancel_for(session, "推送已暂停", campaign_id=7) == 0
        row = delivery.get(session, dispatch_id)
        delivery.cancel(session, row, "已过有效时间")
        assert row.state == State.UNKNOWN


@pytest.mark.parametrize(
    ("decision", "state"),
    [("sent", State.SENT), ("failed", State.FAILED), ("resend", State.QUEUED)],
)
def test_an_operator_settles_an_unknown_message_and_is_named(
    database: Database, clock: SetClock, write: Callable[..., int], decision: str, state: State
) -> None:
    dispatch_id = write(way=Way.OA_TEXT)
    with database.transaction() as session, pytest.raises(Refused):
        delivery.settle(session, dispatch_id, decision, clock())
    claim(database, dispatch_id, clock())
    answer(database, dispatch_id, errors.OutcomeUnknown("cut"), clock())
    with database.transaction() as session:
        assert [row.id for row in delivery.listing(session, state=State.UNKNOWN)] == [dispatch_id]
        row = delivery.settle(session, dispatch_id, decision, clock(), actor="user:1")
        assert row.state == state
        assert "user:1" in row.error


def test_of_promises_that_are_too_many_the_newest_gives_way(
    database: Database, clock: SetClock, write: Callable[..., int]
) -> None:
    now = clock()
    with database.transaction() as session:
        row = meet(session, hire(session, "rep01", now), "wang", now)
    ids = [write(f"m{n}", identifier_id=row.id, counts_as_contact=True) for n in range(3)]
    since = now - timedelta(days=7)
    with database.transaction() as session:
        messages = [delivery.get(session, i) for i in ids]
        assert len(delivery.contacted_at(session, [row.one_id], since)[row.one_id]) == 3
        before = [
            len(delivery.contacted_at(session, [row.one_id], since, before=m)[row.one_id])
            for m in messages
        ]
    assert before == [0, 1, 2]
    claim(database, ids[2], now)  # what has gone out counts for everybody
    with database.transaction() as session:
        first = delivery.get(session, ids[0])
        assert len(delivery.contacted_at(session, [row.one_id], since, before=first)[row.one_id])


def test_group_tasks_are_counted_by_month_and_one_that_did_not_arrive_does_not_count(
    database: Database, clock: SetClock, write: Callable[..., int]
) -> None:
    now = clock()
    with database.transaction() as session:
        row = meet(session, hire(session, "rep01", now), "wang", now)
    for n in range(2):
        fields = {"way": Way.GROUP_TASK, "identifier_id": row.id, "counts_as_contact": True}
        dispatch_id = write(f"t{n}", **fields)
        claim(database, dispatch_id, now)
        answer(database, dispatch_id, Delivered(f"msg{n}"), now)
    with database.transaction() as session:
        assert delivery.group_tasks_this_month(session, [row.id], now) == {row.id: 2}
        assert list(delivery.awaiting_receipt(session, now)) == []
        waiting = delivery.awaiting_receipt(session, clock.tick(minutes=2))
        assert [w.provider_id for w in waiting] == ["msg0", "msg1"]
        delivery.record_receipt(session, waiting[0], Receipt.NOT_FRIEND, clock())
        delivery.checked(session, waiting[1], clock())
    with database.transaction() as session:
        assert delivery.group_tasks_this_month(session, [row.id], now) == {row.id: 1}
        contacted = delivery.contacted_at(session, [row.one_id], now - timedelta(days=7))
        assert len(contacted[row.one_id]) == 1
        assert list(delivery.awaiting_receipt(session, clock())) == []
        assert len(delivery.awaiting_receipt(session, clock.tick(hours=2))) == 1
        delivery.checked(session, waiting[1], clock.tick(days=8))
        session.flush()
        assert delivery.group_tasks_this_month(session, [row.id], clock.tick(days=30)) == {
            row.id: 0
        }


def test_a_moment_counts_in_the_month_in_which_it_is_seen_or_still_may_be(
    database: Database, clock: SetClock, write: Callable[..., int]
) -> None:
    clock.now = datetime(2026, 11, 30, 15, 30, tzinfo=UTC)  # half an hour before midnight in China
    with database.transaction() as session:
        row = meet(session, hire(session, "rep01", clock()), "wang", clock())
    marks = [
        write(f"m{n}", way=Way.MOMENT_VIEW, identifier_id=row.id, counts_as_contact=True)
        for n in range(3)
    ]
    for mark in marks:
        claim(database, mark, clock())
        answer(database, mark, Delivered(""), clock())
    next_month = clock.tick(hours=1)
    with database.transaction() as session:
        assert delivery.moments_this_month(session, [row.id], next_month) == {row.id: 3}
        seen, unseen, _waits = (session.get_one(Dispatch, mark) for mark in marks)
        delivery.record_receipt(session, seen, Receipt.FORWARDED, next_month)
        delivery.record_receipt(session, unseen, Receipt.NOT_SEEN, next_month)
        assert delivery.moments_this_month(session, [row.id], next_month) == {row.id: 2}
        seen.receipt_at = next_month - timedelta(hours=1)
        session.flush()
        assert delivery.moments_this_month(session, [row.id], next_month) == {row.id: 1}
        in_a_month = clock.tick(days=31)
        assert delivery.moments_this_month(session, [row.id], in_a_month) == {row.id: 0}


def test_a_message_written_while_the_clock_was_ahead_goes_out_when_it_was_set_back(
    database: Database, clock: SetClock, write: Callable[..., int]
) -> None:
    """It waited two hours for its own time of writing, and its physician for an answer."""
    right = clock()
    later = right + timedelta(hours=9)
    patient = write("patient", not_before=later)
    ahead = clock.tick(hours=2)
    at_once = write("at once", not_after=ahead + timedelta(hours=1))
    in_an_hour = write("in an hour", not_before=ahead + timedelta(hours=1))
    for _ in range(2):
        with database.transaction() as session:
            delivery.pull_back(session, right)
    with database.reading() as session:
        rows = {number: delivery.get(session, number) for number in (patient, at_once, in_an_hour)}
        assert rows[patient].not_before == later
        assert rows[at_once].not_before == right
        assert rows[at_once].not_after == right + timedelta(hours=1)
        assert rows[in_an_hour].not_before == right + timedelta(hours=1)
