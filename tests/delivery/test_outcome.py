"""What each answer of the platform makes of each kind of message."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.connectors import errors
from app.delivery.channels import Delivered
from app.delivery.models import State, Way
from app.delivery.outcome import MAX_ATTEMPTS, REPEATABLE, TEXT_RESEND, Tried, outcome_of
from app.infra.errors import Permanent, Transient

NOW = datetime(2026, 11, 24, 4, 0, tzinfo=UTC)
PAST_RECALL = [way for way in Way if way not in REPEATABLE and way is not Way.REP_TEXT]


def tried(way: Way = Way.REP_TEXT, **changes: object) -> Tried:
    values: dict[str, object] = {
        "way": way, "attempts": 1, "maybe_sent": False, "first_attempt_at": NOW, "not_after": None,
    }  # fmt: skip
    return Tried(**(values | changes))  # type: ignore[arg-type]


def problem(kind: type[Transient] | type[Permanent], code: int = 0) -> Exception:
    error = kind("the api: errcode")
    error.code = code  # type: ignore[union-attr]
    return error


@pytest.mark.parametrize(
    ("way", "answer", "state"),
    [
        (Way.REP_TEXT, Delivered("m1"), State.SENT),
        (Way.REP_TEXT, Delivered("m1", refused=("rep01",)), State.FAILED),
        (Way.REP_TEXT, problem(errors.NotSent), State.QUEUED),
        (Way.REP_TEXT, problem(errors.Busy), State.QUEUED),
        (Way.REP_TEXT, problem(errors.TokenExpired), State.QUEUED),
        (Way.REP_TEXT, problem(errors.PersonGone), State.FAILED),
        (Way.OA_TEXT, problem(errors.WindowClosed, 45015), State.FAILED),
        (Way.GROUP_TASK, problem(errors.NotAFriend, 84061), State.FAILED),
        (Way.WELCOME, problem(errors.WelcomeOver, 41050), State.FAILED),
        (Way.WELCOME, problem(errors.WelcomeInProgress, 41096), State.QUEUED),
        (Way.REP_CARD, problem(errors.OutcomeUnknown), State.QUEUED),
        (Way.REP_TEXT, problem(errors.OutcomeUnknown), State.QUEUED),
        (Way.OA_TEMPLATE, problem(errors.OutcomeUnknown), State.QUEUED),
        (Way.GROUP_TASK, problem(errors.OutcomeUnknown), State.UNKNOWN),
        (Way.MOMENT, problem(errors.OutcomeUnknown), State.UNKNOWN),
        (Way.MOMENT_VIEW, problem(errors.OutcomeUnknown), State.QUEUED),
        (Way.OA_TEXT, problem(errors.OutcomeUnknown), State.UNKNOWN),
        (Way.OA_TEXT, KeyError("a bug, who knows where"), State.UNKNOWN),
    ],
)
def test_the_state_table(way: Way, answer: Delivered | Exception, state: State) -> None:
    assert outcome_of(tried(way), answer, NOW).state is state


@pytest.mark.parametrize("way", sorted(REPEATABLE - {Way.WELCOME, Way.CARD_UPDATE}))
def test_a_repeat_that_is_refused_says_nothing_of_the_attempt_that_nobody_answered(
    way: Way,
) -> None:
    gone = outcome_of(tried(way, maybe_sent=True), problem(errors.PersonGone, 43004), NOW)
    assert (gone.state, gone.maybe_sent, gone.errcode) == (State.UNKNOWN, True, 43004)
    assert outcome_of(tried(way), problem(errors.PersonGone, 43004), NOW).state is State.FAILED


def test_a_reason_is_a_sentence_with_the_platforms_code() -> None:
    outcome = outcome_of(tried(Way.OA_TEXT), problem(errors.WindowClosed, 45015), NOW)
    assert outcome.error == "医生近期没有与公众号互动，平台不允许主动发送（45015）"
    assert outcome.errcode == 45015


def test_the_platforms_wish_to_wait_is_honoured() -> None:
    busy = errors.RateLimited("quota", retry_after_s=3600)
    assert outcome_of(tried(), busy, NOW).again_at == NOW + timedelta(hours=1)


def test_waits_grow_and_end() -> None:
    waits = [
        outcome_of(tried(attempts=n), problem(errors.Busy), NOW).again_at
        for n in range(1, MAX_ATTEMPTS)
    ]
    assert all(waits)
    assert waits == sorted(waits)  # type: ignore[type-var]
    assert outcome_of(tried(attempts=MAX_ATTEMPTS), problem(errors.Busy), NOW).state is State.FAILED


def test_a_retry_that_would_come_too_late_is_not_made() -> None:
    soon = NOW + timedelta(seconds=1)
    late = outcome_of(tried(not_after=soon), problem(errors.Busy), NOW)
    assert late.state is State.CANCELLED
    maybe = outcome_of(tried(not_after=soon), problem(errors.OutcomeUnknown), NOW)
    assert maybe.state is State.UNKNOWN


def test_a_text_is_repeated_only_inside_the_platforms_duplicate_check() -> None:
    inside = tried(first_attempt_at=NOW - TEXT_RESEND + timedelta(seconds=5))
    outside = tried(first_attempt_at=NOW - TEXT_RESEND)
    assert outcome_of(inside, problem(errors.OutcomeUnknown), NOW).state is State.QUEUED
    assert outcome_of(outside, problem(errors.OutcomeUnknown), NOW).state is State.UNKNOWN


@pytest.mark.parametrize(
    ("way", "answer"),
    [
        (Way.WELCOME, problem(errors.WelcomeOver, 41051)),
        (Way.CARD_UPDATE, problem(errors.BadRequest, 60140)),
    ],
)
def test_a_used_code_on_a_repeated_message_means_that_the_first_got_through(
    way: Way, answer: Exception
) -> None:
    assert outcome_of(tried(way, attempts=2, maybe_sent=True), answer, NOW).state is State.SENT
    assert outcome_of(tried(way, attempts=2), answer, NOW).state is State.FAILED


answers = st.sampled_from(
    [problem(kind) for kind in (errors.NotSent, errors.Busy, errors.OutcomeUnknown)]
    + [ValueError("a bug")]
)


@given(st.sampled_from(PAST_RECALL), answers, st.integers(1, 10), st.booleans())
def test_what_may_have_arrived_and_cannot_be_repeated_is_never_sent_again(
    way: Way, answer: Exception, attempts: int, maybe_sent: bool
) -> None:
    outcome = outcome_of(tried(way, attempts=attempts, maybe_sent=maybe_sent), answer, NOW)
    surely_not_sent = isinstance(answer, errors.NotSent | errors.Busy) and not maybe_sent
    if outcome.state is State.QUEUED:
        assert surely_not_sent
    else:
        assert outcome.state is (State.FAILED if surely_not_sent else State.UNKNOWN)


@given(st.sampled_from(list(Way)), answers, st.integers(1, 10))
def test_what_may_have_arrived_is_never_called_failed_or_cancelled(
    way: Way, answer: Exception, attempts: int
) -> None:
    soon = NOW + timedelta(seconds=1)
    before = tried(way, attempts=attempts, maybe_sent=True, not_after=soon)
    assert outcome_of(before, answer, NOW).state is State.UNKNOWN
