"""Sends over a real line with faults: never twice, never late, never dropped without a word."""

from __future__ import annotations

import os
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from app import delivery
from app.bootstrap import build
from app.delivery import Dispatch, State, Way
from app.delivery.channels import Delivered
from app.delivery.models import SendBucket
from tests.company import CORP
from tests.workers.conftest import Sends
from workers.claiming import claim_some
from workers.sending import Answered, _call, _record_all, send_due, send_one

API = "message/send"


def counts(sends: Sends) -> dict[str, int]:
    with sends.parts.db.reading() as session:
        return {state: n for state, n in delivery.count_by_state(session).items() if n}


def why_stopped(sends: Sends) -> dict[str, str]:
    with sends.parts.db.reading() as session:
        return {row.api: row.why for row in delivery.stopped(session, sends.clock())}


@pytest.mark.parametrize("way", [Way.REP_CARD, Way.REP_TEXT])
def test_a_cut_after_the_effect_is_settled_by_the_same_bytes_again(sends: Sends, way: Way) -> None:
    sends.sandbox.trouble(cut_after_effect=True)
    number = sends.write("one", way)
    send_due(sends.parts)
    row = sends.get(number)
    assert (row.state, row.maybe_sent) == (State.QUEUED, True)
    sends.clock.tick(minutes=1)
    send_due(sends.parts)
    assert sends.state(number) == State.SENT
    first, second = sends.sent_bytes()
    assert first == second
    assert len(sends.phone()) == 1


def test_a_text_is_not_repeated_when_the_platforms_check_has_ended_meanwhile(sends: Sends) -> None:
    sends.sandbox.trouble(cut_after_effect=True)
    number = sends.write("one")
    send_due(sends.parts)
    sends.clock.tick(hours=3)  # nobody worked: the retry was planned in time and comes too late
    send_due(sends.parts)
    assert sends.state(number) == State.UNKNOWN
    assert len(sends.sent_bytes()) == 1
    with sends.parts.db.transaction() as session:
        delivery.settle(session, number, "resend", sends.clock(), actor="user:1")
    send_due(sends.parts)
    assert sends.state(number) == State.SENT


def test_what_the_platform_has_no_key_for_waits_for_a_person(sends: Sends) -> None:
    sends.sandbox.trouble(cut_after_effect=True)
    number = sends.write("task", Way.GROUP_TASK)
    send_due(sends.parts)
    assert sends.state(number) == State.UNKNOWN
    sends.clock.tick(hours=1)
    assert send_due(sends.parts) == 0
    assert len(sends.sent_bytes("add_msg_template")) == 1


def test_a_stopped_platform_is_tried_with_nothing_that_could_stay_unknown(sends: Sends) -> None:
    sends.sandbox.trouble(outage="503")
    lost = [sends.write(f"task {n}", Way.GROUP_TASK) for n in range(5)]
    send_due(sends.parts)
    assert {sends.state(number) for number in lost} == {State.UNKNOWN}
    assert why_stopped(sends) == {"externalcontact/add_msg_template": "trouble"}
    waiting = [sends.write(f"waits {n}", Way.GROUP_TASK) for n in range(3)]
    for _ in range(4):  # a long outage costs no more messages
        sends.clock.tick(seconds=31)
        send_due(sends.parts)
    assert {sends.state(number) for number in waiting} == {State.QUEUED}
    assert len(sends.sent_bytes("add_msg_template")) == 5
    assert len(sends.sent_bytes("get_api_domain_ip")) == 4
    assert sends.get(waiting[0]).attempts == 0
    sends.sandbox.trouble()
    sends.clock.tick(seconds=31)
    send_due(sends.parts)
    assert State.UNKNOWN not in {sends.state(number) for number in waiting}
    assert len(sends.sent_bytes("get_api_domain_ip")) == 5
    assert why_stopped(sends) == {}


def test_an_official_account_in_trouble_is_asked_before_a_text_tries(sends: Sends) -> None:
    sends.parts.outside.official_accounts[sends.parts.settings.oa_app_id].obtain_token()
    sends.sandbox.trouble(outage="503")
    payload = {"app_id": sends.parts.settings.oa_app_id, "openid": "oAwang", "text": "您好"}
    for n in range(5):
        sends.write(f"text {n}", Way.OA_TEXT, payload=payload)
    send_due(sends.parts)
    waits = sends.write("waits", Way.OA_TEXT, payload=payload)
    sends.clock.tick(seconds=31)
    send_due(sends.parts)
    assert sends.state(waits) == State.QUEUED
    assert len(sends.sent_bytes("message/custom/send")) == 5
    assert len(sends.sent_bytes("get_api_domain_ip")) == 1


def test_a_killed_workers_message_is_taken_up_in_under_five_seconds(sends: Sends) -> None:
    card, task = sends.write("card", Way.REP_CARD), sends.write("task", Way.GROUP_TASK)
    claimed, _ = claim_some(sends.parts, 10)  # and then the process is gone
    assert {one.id for one in claimed} == {card, task}
    sends.clock.tick(seconds=3)
    send_due(sends.parts)
    assert sends.state(card) == State.SENDING
    sends.clock.tick(seconds=1)
    send_due(sends.parts)
    assert sends.state(task) == State.UNKNOWN
    sends.clock.tick(seconds=10)
    send_due(sends.parts)
    assert (sends.state(card), len(sends.phone())) == (State.SENT, 1)


def test_a_slow_call_is_not_taken_twice_while_its_worker_lives(sends: Sends) -> None:
    number = sends.write("task", Way.GROUP_TASK)
    ((one,), _) = claim_some(sends.parts, 1)
    for _ in range(8):
        sends.clock.tick(seconds=1)
        with sends.parts.db.transaction() as session:
            delivery.extend_leases(session, [(one.id, one.turn)], sends.clock())
        send_due(sends.parts)
    assert sends.state(number) == State.SENDING
    _record_all(sends.parts, [Answered(one, Delivered("msg1"))])
    assert sends.get(number).provider_id == "msg1"


def test_a_late_worker_overwrites_neither_a_person_nor_the_next_turn(sends: Sends) -> None:
    number = sends.write("task", Way.GROUP_TASK)
    ((late,), _) = claim_some(sends.parts, 1)
    sends.clock.tick(seconds=4)
    send_due(sends.parts)
    with sends.parts.db.transaction() as session:
        delivery.settle(session, number, "failed", sends.clock(), actor="user:1")
    _record_all(sends.parts, [Answered(late, Delivered("msg1"))])
    assert sends.state(number) == State.FAILED

    card = sends.write("card", Way.REP_CARD)
    ((late,), _) = claim_some(sends.parts, 1)
    sends.clock.tick(seconds=4)
    send_due(sends.parts)  # its lease has ended
    sends.clock.tick(seconds=10)
    ((again,), _) = claim_some(sends.parts, 1)
    assert again.turn == late.turn + 1
    _record_all(sends.parts, [Answered(late, RuntimeError("late"))])
    assert sends.state(card) == State.SENDING
    with sends.parts.db.transaction() as session:  # nor does it prolong what is not its own
        before = delivery.get(session, card).lease_until
        delivery.extend_leases(session, [(late.id, late.turn)], sends.clock.tick(seconds=1))
        session.expire_all()
        assert delivery.get(session, card).lease_until == before


def test_a_late_answer_still_settles_what_nobody_decided(sends: Sends) -> None:
    number = sends.write("task", Way.GROUP_TASK)
    ((late,), _) = claim_some(sends.parts, 1)
    sends.clock.tick(seconds=4)
    send_due(sends.parts)
    assert sends.state(number) == State.UNKNOWN
    _record_all(sends.parts, [Answered(late, Delivered("msg1"))])
    assert (sends.state(number), sends.get(number).provider_id) == (State.SENT, "msg1")


def test_a_used_up_quota_stops_the_api_for_all_and_costs_no_attempt(sends: Sends) -> None:
    sends.sandbox.trouble(errcodes={API: {"errcode": 45009, "times": 2}})
    ids = [sends.write(f"m{n}", rep=f"rep{n % 4 + 1:02d}") for n in range(12)]
    update = sends.write("u", Way.GROUP_TASK)
    send_due(sends.parts)
    tried = len(sends.sent_bytes())
    assert tried <= 8  # what was under way, and in places freed before the first refusal was read
    assert why_stopped(sends) == {API: "quota"}
    assert sends.state(update) in (State.SENT, State.FAILED)  # another API goes on
    for _ in range(5):
        sends.clock.tick(seconds=9)
        send_due(sends.parts)
    assert len(sends.sent_bytes()) == tried
    sends.clock.tick(seconds=30)
    for _ in range(10):
        send_due(sends.parts)
        sends.clock.tick(seconds=10)
    assert {sends.state(number) for number in ids} == {State.SENT}
    assert {sends.get(number).attempts for number in ids} == {1}
    assert why_stopped(sends) == {}


def test_what_was_permitted_before_the_api_was_stopped_is_no_second_strike(sends: Sends) -> None:
    sends.sandbox.trouble(errcodes={API: {"errcode": 45009, "times": 2}})
    ids = [sends.write(f"m{n}") for n in range(2)]
    claimed = [one for _ in ids for one in claim_some(sends.parts, 1)[0]]
    assert len(claimed) == 2
    for one in claimed:  # by two workers: the second begins its call when the first is refused
        sends.clock.tick(seconds=1)
        _record_all(sends.parts, [_call(sends.parts, one)])
    assert why_stopped(sends) == {API: "quota"}
    sends.clock.tick(seconds=60)  # and not an hour
    send_due(sends.parts)
    sends.clock.tick(seconds=10)
    send_due(sends.parts)
    assert {sends.state(number) for number in ids} == {State.SENT}


def test_too_many_at_once_lower_the_pace_and_nothing_fails(sends: Sends) -> None:
    sends.sandbox.trouble(errcodes={API: {"errcode": 45033, "times": 3}})
    ids = [sends.write(f"m{n}", rep=f"rep{n % 4 + 1:02d}") for n in range(8)]
    for _ in range(8):
        send_due(sends.parts)
        sends.clock.tick(seconds=3)
    assert {sends.state(number) for number in ids} == {State.SENT}
    assert {sends.get(number).attempts for number in ids} == {1}
    assert why_stopped(sends) == {}


def test_half_an_hour_of_outage_sends_only_what_is_still_wanted(sends: Sends) -> None:
    now = sends.clock()
    brief = [
        sends.write(
            f"b{n}", Way.REP_CARD, f"rep{n % 8 + 1:02d}", not_after=now + timedelta(minutes=20)
        )
        for n in range(40)
    ]
    lasting = [sends.write(f"l{n}", Way.REP_CARD, f"rep{n % 8 + 1:02d}") for n in range(40)]
    sends.sandbox.trouble(outage="503")
    for _ in range(60):
        send_due(sends.parts)
        sends.clock.tick(seconds=30)
    assert why_stopped(sends) == {API: "trouble"}
    assert len(sends.sent_bytes()) <= 5 + 5 + 61  # five of each burst, then one in 30 seconds
    sends.sandbox.trouble()
    for _ in range(120):
        send_due(sends.parts)
        sends.clock.tick(seconds=20)
    states = {sends.state(number) for number in lasting}
    assert states == {State.SENT}
    assert {sends.state(number) for number in brief} <= {State.CANCELLED, State.UNKNOWN}
    assert sum(sends.state(number) == State.CANCELLED for number in brief) >= 20
    shown = [text for n in range(1, 9) for text in sends.phone(f"rep{n:02d}")]
    assert sorted(shown) == sorted(f"task-l{n}" for n in range(40))


def test_a_refused_secret_holds_messages_back_and_loses_none(sends: Sends) -> None:
    sends.sandbox.trouble(errcodes={API: {"errcode": 60020, "times": 1}})
    ids = [sends.write(f"m{n}", rep=f"rep{n % 4 + 1:02d}") for n in range(8)]
    send_due(sends.parts)
    assert why_stopped(sends) == {API: "refused"}
    sends.clock.tick(minutes=6)
    for _ in range(4):
        send_due(sends.parts)
        sends.clock.tick(seconds=6)
    assert {sends.state(number) for number in ids} == {State.SENT}


def test_a_message_that_waits_says_why_and_a_daily_quota_waits_for_tomorrow(sends: Sends) -> None:
    ids = [sends.write(f"m{n}") for n in range(7)]
    send_due(sends.parts)
    assert counts(sends) == {"sent": 5, "queued": 2}
    assert "每名代表每分钟最多 25 条" in sends.get(ids[5]).error
    assert (sends.get(ids[5]).attempts, sends.get(ids[5]).first_attempt_at) == (0, None)
    with sends.parts.db.transaction() as session:
        day = session.scalars(select(SendBucket).where(SendBucket.bucket == "app_day")).one()
        assert day.level == 5
        day.level = 3_600.0
    sends.clock.tick(seconds=30)
    send_due(sends.parts)
    assert counts(sends) == {"sent": 5, "queued": 2}
    assert "每天最多" in sends.get(ids[5]).error
    sends.clock.tick(hours=12)  # midnight in China
    send_due(sends.parts)
    assert counts(sends) == {"sent": 7}


def test_two_workers_at_once_never_exceed_a_bucket(sends: Sends) -> None:
    for n in range(40):
        sends.write(f"m{n}")
    barrier = threading.Barrier(4)

    def work() -> None:
        barrier.wait()
        send_due(sends.parts)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert counts(sends) == {"sent": 5, "queued": 35}
    assert len(sends.phone()) == 5


def test_a_clock_that_is_set_back_freezes_neither_leases_nor_buckets(sends: Sends) -> None:
    for n in range(6):
        sends.write(f"m{n}")
    send_due(sends.parts)
    card = sends.write("card", Way.REP_CARD, "rep02")
    claim_some(sends.parts, 1)
    sends.clock.tick(days=-3)
    with sends.parts.db.transaction() as session:
        session.execute(update(Dispatch).values(not_before=sends.clock()))
    send_due(sends.parts)
    sends.clock.tick(seconds=10)
    for _ in range(3):
        send_due(sends.parts)
        sends.clock.tick(seconds=10)
    assert sends.state(card) == State.SENT
    assert counts(sends) == {"sent": 7}


def test_one_bell_sends_one_message(sends: Sends) -> None:
    first, second = sends.write("one"), sends.write("two")
    send_one(sends.parts, second)
    assert (sends.state(first), sends.state(second)) == (State.QUEUED, State.SENT)


# More than the platform lets through in a minute to each; BURST=2000 is the whole proof.
BURST = int(os.environ.get("BURST", "600"))


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_burst_to_few_reps_arrives_whole(sends: Sends) -> None:
    """Two workers, the platform's silent limits, a clock that moves on three seconds a step."""
    reps, number = [f"rep{n:02d}" for n in range(1, 9)], BURST
    for rep in reps:
        sends.write(f"first {rep}", rep=rep)
    with sends.parts.db.transaction() as session:
        for n in range(number - len(reps)):
            rep = reps[n % len(reps)]
            payload = {"corp_id": CORP, "userid": rep, "text": f"m{n}"}
            delivery.queue(
                session, way=Way.REP_TEXT, dedupe_key=f"m{n}", payload=payload,
                rep_id=sends.reps[rep], now=sends.clock(),
            )  # fmt: skip
    others = build(sends.parts.settings, clock=sends.clock)
    with ThreadPoolExecutor(2) as workers:
        for _ in range(600):
            list(workers.map(send_due, (sends.parts, others)))
            if counts(sends) == {"sent": number}:
                break
            sends.clock.tick(seconds=3)
    others.db.engine.dispose()
    assert counts(sends) == {"sent": number}
    assert sends.dropped() == 0
    assert sum(len(sends.phone(rep)) for rep in reps) == number
