"""An API that is in trouble is left alone as long as the platform's own block lasts."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from app.connectors import errors
from app.delivery.breaker import (
    COSTLY_PROBE,
    FAILURES,
    HOUR,
    MINUTE,
    PROBE,
    REFUSED_FOR,
    SKEW,
    Breaker,
    Permit,
    Why,
    after,
    permit,
    probing,
)
from app.delivery.buckets import next_day
from app.delivery.channels import Delivered
from app.delivery.pace import ONE_MORE, Pace, halved, slots

NOW = datetime(2026, 11, 24, 4, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def coded(kind: type[errors.CodeMixin], code: int) -> Exception:
    error = kind("the api: errcode")  # type: ignore[call-arg]
    error.code = code
    assert isinstance(error, Exception)
    return error


USED_UP = coded(errors.RateLimited, 45009)
BUSY = coded(errors.Busy, -1)
TAKEN = Delivered("m1")
ANSWERS: list[Delivered | Exception] = [
    TAKEN, USED_UP, BUSY, coded(errors.RateLimited, 45011), coded(errors.RateLimited, 45033),
    coded(errors.NotAFriend, 84061), coded(errors.BadCredential, 40001),
    errors.OutcomeUnknown("cut"), errors.NotSent("no line"), KeyError("a bug"),
]  # fmt: skip


def test_used_up_quotas_stop_it_for_a_minute_an_hour_and_until_tomorrow() -> None:
    breaker, at = Breaker(), NOW
    for until in (NOW + MINUTE, NOW + MINUTE + HOUR, next_day(NOW), next_day(next_day(NOW))):
        breaker = after(breaker, USED_UP, at, at)
        assert (breaker.until, breaker.why) == (until, Why.QUOTA)
        assert permit(breaker, until - SECOND) is Permit.WAIT
        assert permit(breaker, until) is Permit.PROBE
        at = until
        breaker = probing(breaker, at)


def test_a_call_that_the_platform_takes_after_the_block_forgets_all_of_it() -> None:
    breaker = after(Breaker(), USED_UP, NOW, NOW)
    later = NOW + MINUTE
    breaker = after(probing(breaker, later), TAKEN, later, later + SECOND)
    assert breaker == Breaker()
    assert after(breaker, USED_UP, later + MINUTE, later + MINUTE).until == later + 2 * MINUTE


def test_calls_that_were_under_way_together_are_one_warning() -> None:
    breaker = after(Breaker(), USED_UP, NOW - SECOND, NOW)
    for answer in ANSWERS:
        assert after(breaker, answer, NOW - SECOND, NOW + SECOND) == breaker


@pytest.mark.parametrize("problem", [BUSY, errors.OutcomeUnknown("cut"), errors.NotSent("no line")])
def test_five_failures_in_thirty_seconds_stop_it_and_one_call_tries_every_thirty(
    problem: Exception,
) -> None:
    breaker, at = Breaker(), NOW
    for number in range(FAILURES):
        assert permit(breaker, at) is Permit.GO, number
        at += 7 * SECOND
        breaker = after(breaker, problem, at - SECOND, at)
    assert (breaker.why, breaker.until) == (Why.TROUBLE, at + PROBE)
    at += PROBE
    assert permit(breaker, at) is Permit.PROBE
    breaker = probing(breaker, at)
    assert permit(breaker, at + SECOND) is Permit.WAIT
    breaker = after(breaker, problem, at, at + 8 * SECOND)
    assert permit(breaker, at + PROBE) is Permit.WAIT
    assert permit(breaker, at + 8 * SECOND + PROBE) is Permit.PROBE


@pytest.mark.parametrize(("of_ten", "stops"), [(0, False), (1, False), (7, True), (10, True)])
def test_a_share_of_failures_stops_it_and_not_their_number(of_ten: int, stops: bool) -> None:
    breaker, answers = Breaker(), random.Random(of_ten)  # repeatable on purpose
    stopped = False
    for number in range(1500):  # fifty calls a second
        at = NOW + number * SECOND / 50
        answer = BUSY if answers.random() < of_ten / 10 else TAKEN
        breaker = after(breaker, answer, at, at)
        stopped = stopped or breaker.until is not None
    assert stopped is stops


def test_one_answer_takes_one_failure_back_but_not_what_a_person_must_decide() -> None:
    in_turn = [BUSY, TAKEN] * 20
    two_of_three = [BUSY, BUSY, TAKEN] * 5
    for answers, costly, stops in (
        (in_turn, False, False), (two_of_three, False, True), (in_turn, True, True),
    ):  # fmt: skip
        breaker = Breaker()
        for number, answer in enumerate(answers):
            at = NOW + number * SECOND / 2
            breaker = after(breaker, answer, at, at, costly=costly)
            if breaker.until is not None:
                break
        assert (breaker.until is not None) is stops


def test_a_try_that_a_person_must_decide_about_is_repeated_after_five_minutes() -> None:
    breaker = Breaker((), Why.TROUBLE, 0, NOW, NOW + PROBE)
    at = NOW + PROBE
    breaker = probing(breaker, at)
    unknown = errors.OutcomeUnknown("cut")
    assert after(breaker, unknown, at, at + SECOND).until == at + SECOND + PROBE
    costly = after(breaker, unknown, at, at + SECOND, costly=True)
    assert costly.until == at + SECOND + COSTLY_PROBE
    refused = after(breaker, errors.NotSent("knocked"), at, at + SECOND, costly=True)
    assert refused.until == at + SECOND + PROBE


def test_failures_far_apart_and_refusals_of_one_message_stop_nothing() -> None:
    breaker = Breaker()
    for number in range(20):
        at = NOW + number * 8 * SECOND
        breaker = after(breaker, BUSY, at, at)
        breaker = after(breaker, coded(errors.NotAFriend, 84061), at, at)
    assert permit(breaker, at) is Permit.GO


def test_a_refused_secret_stops_the_api_and_not_only_the_message() -> None:
    breaker = after(Breaker(), coded(errors.BadCredential, 40001), NOW, NOW)
    assert (breaker.why, breaker.until) == (Why.REFUSED, NOW + REFUSED_FOR)


@given(st.timedeltas(SKEW + SECOND, timedelta(days=3)))
def test_a_clock_that_was_set_back_does_not_keep_it_stopped(back: timedelta) -> None:
    breaker = after(Breaker(), USED_UP, NOW, NOW)
    at = NOW - back
    assert permit(breaker, at) is Permit.PROBE
    tried = probing(breaker, at)
    assert permit(tried, at + SECOND) is Permit.WAIT
    assert after(tried, TAKEN, at, at + SECOND) == Breaker()


class Calls(RuleBasedStateMachine):
    """Any order of calls, answers and time: what is stopped is tried rarely, and never for ever."""

    def __init__(self) -> None:
        super().__init__()
        self.breaker, self.now = Breaker(), NOW
        self.flying: list[datetime] = []
        self.tries: list[datetime] = []  # while it was stopped

    @rule(seconds=st.floats(0.01, 120))
    def time_passes(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    @rule()
    def call(self) -> None:
        allowed = permit(self.breaker, self.now)
        if allowed is Permit.WAIT:
            return
        if allowed is Permit.PROBE:
            self.breaker = probing(self.breaker, self.now)
            self.tries.append(self.now)
        self.flying.append(self.now)

    @rule(answer=st.sampled_from(ANSWERS), which=st.integers(0, 50))
    def answer(self, answer: Delivered | Exception, which: int) -> None:
        if not self.flying:
            return
        began = self.flying.pop(which % len(self.flying))
        before = self.breaker
        self.breaker = after(before, answer, began, self.now)
        if before.until is not None and self.breaker.until is None:
            assert before.since is None or began > before.since
            self.tries.clear()

    @invariant()
    def is_tried_rarely(self) -> None:
        pairs = zip(self.tries, self.tries[1:], strict=False)
        assert all(later - earlier >= PROBE for earlier, later in pairs)

    @invariant()
    def opens_again_by_the_next_midnight_at_the_latest(self) -> None:
        if self.breaker.until is not None:
            latest = max(next_day(self.now), self.now + HOUR)
            assert self.breaker.until <= latest
            assert permit(self.breaker, latest) is Permit.PROBE


TestCalls = Calls.TestCase


def test_too_many_at_once_halve_the_places_and_they_come_back_slowly() -> None:
    pace = halved(Pace(), 5, NOW, NOW)
    assert slots(pace, 5, NOW) == 2
    assert halved(pace, 5, NOW - SECOND, NOW + SECOND) == pace  # the same warning
    pace = halved(pace, 5, NOW + SECOND, NOW + 2 * SECOND)
    pace = halved(pace, 5, NOW + 3 * SECOND, NOW + 4 * SECOND)
    assert slots(pace, 5, NOW + 4 * SECOND) == 1
    regained = [slots(pace, 5, NOW + 4 * SECOND + n * ONE_MORE) for n in range(7)]
    assert regained == [1, 2, 3, 4, 5, 5, 5]
    assert slots(pace, 5, NOW - timedelta(days=3)) == 5
