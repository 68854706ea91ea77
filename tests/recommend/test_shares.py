"""Shares with intervals: never outside of what is possible, and alarms that chance does not ring."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.recommend.policy.shares import FAIR, Rate, difference, short_of, wilson

COUNTS = st.integers(1, 5000).flatmap(lambda of: st.tuples(st.integers(0, of), st.just(of)))


@given(COUNTS)
def test_an_interval_holds_its_share_and_stays_between_nothing_and_all(
    pair: tuple[int, int],
) -> None:
    rate = Rate(*pair)
    assert rate.share is not None
    assert 0.0 <= rate.low <= rate.share <= rate.high <= 1.0
    low, high = wilson(rate.of - rate.hits, rate.of)
    assert (1 - high, 1 - low) == pytest.approx((rate.low, rate.high))
    more = Rate(rate.hits * 4, rate.of * 4)
    assert more.high - more.low < rate.high - rate.low


def test_known_intervals() -> None:
    assert wilson(0, 0) == (0.0, 1.0)
    assert wilson(8, 20) == pytest.approx((0.2188, 0.6134), abs=1e-4)
    assert difference(Rate(56, 70), Rate(48, 80)) == pytest.approx((0.0524, 0.3339), abs=1e-4)


@given(COUNTS, COUNTS)
def test_a_difference_is_the_same_from_both_sides(
    one: tuple[int, int], other: tuple[int, int]
) -> None:
    low, high = difference(Rate(*one), Rate(*other))
    back = difference(Rate(*other), Rate(*one))
    assert (-back[1], -back[0]) == pytest.approx((low, high))
    assert low <= one[0] / one[1] - other[0] / other[1] <= high


def test_chance_alone_hardly_ever_names_a_group() -> None:
    alarms = 0
    for seed in range(300):
        rng = random.Random(seed)
        sizes = [rng.choice((5, 12, 30, 80, 300)) for _ in range(20)]
        groups = {n: (sum(rng.random() < 0.3 for _ in range(of)), of) for n, of in enumerate(sizes)}
        alarms += bool(short_of(groups))
    assert alarms <= 6  # of 300 companies in which everybody is treated alike


def test_who_gets_half_is_named_with_the_others_share_and_small_groups_are_not() -> None:
    groups = {"肿瘤": (60, 400), "心血管": (600, 2000), "神经": (0, 9), "内分泌": (120, 400)}
    found = short_of(groups)
    assert set(found) == {"肿瘤"}
    short = found["肿瘤"]
    assert (short.mine.hits, short.others.hits, short.others.of) == (60, 720, 2409)
    assert short.mine.high < short.others.low * FAIR


@given(st.dictionaries(st.integers(0, 30), COUNTS, max_size=12))
def test_only_groups_below_the_bar_are_named(groups: dict[int, tuple[int, int]]) -> None:
    for group, short in short_of(groups).items():
        assert (short.mine.hits, short.mine.of) == groups[group]
        assert short.mine.share is not None
        assert short.others.share is not None
        assert short.mine.share < short.others.share * FAIR
