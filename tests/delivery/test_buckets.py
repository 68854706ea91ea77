"""No window of a limit ever sees more than the limit, and no jump of a clock blocks or floods."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from app.delivery.buckets import DAILY, MEMBER, Flow, app_day, next_day
from app.delivery.ways import spread
from app.infra.clock import local

NOW = datetime(2026, 11, 24, 4, 0, tzinfo=UTC)
PLATFORM_MINUTE = 30  # to one member; what is over is dropped without a word
gaps = st.lists(st.floats(0, 40, allow_nan=False), max_size=400)
flows = st.builds(
    Flow,
    name=st.just("f"),
    limit=st.integers(3, 60),
    window_s=st.floats(1, 3600),
    burst=st.integers(1, 2),
    words=st.just(""),
)


def passed(flow: Flow, moments: list[datetime]) -> list[datetime]:
    """Those of `moments` at which one more was let through."""
    level, through = None, []
    for at in moments:
        after = flow.taken(level, at)
        if after is None:
            level = flow.settled(level, at)
        else:
            level = after
            through.append(at)
    return through


def most_in(window_s: float, moments: list[datetime]) -> int:
    span = timedelta(seconds=window_s)
    return max((sum(1 for at in moments if m <= at < m + span) for m in moments), default=0)


def at_gaps(found: list[float]) -> list[datetime]:
    moments, at = [], NOW
    for gap in found:
        at += timedelta(seconds=gap)
        moments.append(at)
    return moments


@given(flows, gaps)
def test_no_window_sees_more_than_the_limit(flow: Flow, found: list[float]) -> None:
    assert most_in(flow.window_s, passed(flow, at_gaps(found))) <= flow.limit


def test_a_member_gets_at_once_what_a_burst_allows_and_then_all_that_fits() -> None:
    minute = MEMBER[0]
    every_second = [NOW + timedelta(seconds=n) for n in range(3600)]
    through = passed(minute, [NOW] * 10 + every_second)
    assert through[:6] == [NOW] * 5 + [NOW + timedelta(seconds=3)]
    assert most_in(60, through) == minute.limit - 1
    assert len(through) == 5 + 3597 // 3


@given(st.floats(-3 * 86400, 3 * 86400), st.integers(0, 40))
def test_a_clock_that_jumps_once_neither_floods_nor_freezes(jump_s: float, before: int) -> None:
    minute = MEMBER[0]
    real = [NOW + timedelta(seconds=n / 2) for n in range(240)]
    shown = [at + timedelta(seconds=jump_s if n >= before else 0) for n, at in enumerate(real)]
    level, through = None, []
    for at, clock in zip(real, shown, strict=True):
        after = minute.taken(level, clock)
        level = minute.settled(level, clock) if after is None else after
        if after is not None:
            through.append(at)
    assert most_in(60, through) <= PLATFORM_MINUTE
    late = [at for at in through if at > real[before] + timedelta(seconds=2 * minute.step_s)]
    assert late, "the jump closed the gate"


@given(flows, gaps)
def test_the_moment_it_names_is_the_moment_it_opens(flow: Flow, found: list[float]) -> None:
    level = None
    for at in at_gaps(found):
        after = flow.taken(level, at)
        if after is None:
            level = flow.settled(level, at)
            ready = datetime.fromtimestamp(flow.ready_at(level, at), UTC)
            assert timedelta() < ready - at <= timedelta(seconds=flow.longest_wait_s)
            assert flow.taken(level, ready + timedelta(milliseconds=1)) is not None
        else:
            level = after


def test_a_quota_is_a_days_and_names_the_next_midnight_in_china() -> None:
    quota = app_day(10)
    assert quota.limit == 1_800
    level = 0.0
    for _ in range(1_800):
        after = quota.taken(level, NOW)
        assert after is not None
        level = after
    assert quota.taken(level, NOW) is None
    assert quota.ready_at(level, NOW) == next_day(NOW).timestamp()
    assert local(next_day(NOW)).strftime("%d %H:%M") == "25 00:00"
    assert quota.subject("app", NOW) != quota.subject("app", next_day(NOW))
    assert app_day(0).limit == 180
    assert DAILY["message/template/send"].limit == 90_000


@given(st.integers(0, 7200), st.integers(0, 2000))
def test_many_messages_are_spread_and_do_not_begin_at_the_full_or_half_hour(
    after_s: int, number: int
) -> None:
    now = NOW + timedelta(seconds=after_s)
    moments = [spread(now, f"run:{n}", number) for n in range(number)]
    if number <= 50:
        assert set(moments) <= {now}
        return
    assert all(moment >= now for moment in moments)
    assert min((m.minute % 30, m.second) for m in moments) >= (0, 0)
    begins = min(moments)
    assert begins.minute % 30 >= 1 or begins - now > timedelta(minutes=20)
    assert max(moments) - begins <= timedelta(seconds=number * 0.2)
    assert len(set(moments)) > number / 2
