"""Which days are worked in China, and what is said about years nobody announced yet."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.infra import workdays

KNOWN = st.dates(date(2010, 1, 1), workdays.known_until())


@pytest.mark.parametrize(
    ("day", "works"),
    [
        (date(2026, 2, 14), True),  # a Saturday that is worked for the Spring Festival
        (date(2026, 2, 16), False),  # a Monday within it
        (date(2026, 10, 1), False),
        (date(2026, 10, 10), True),  # a Saturday that is worked for the National Day
        (date(2026, 11, 28), False),
        (date(2026, 11, 26), True),
    ],
)
def test_holidays_rest_and_made_up_weekends_work(day: date, works: bool) -> None:
    assert workdays.is_workday(day) is works


@given(st.dates(date(2000, 1, 1), date(2090, 1, 1)))
def test_the_next_working_day_is_one_and_none_lies_between(day: date) -> None:
    following = workdays.next_workday(day)
    assert following > day
    assert workdays.is_workday(following)
    between = (day + timedelta(days=n) for n in range(1, (following - day).days))
    assert not any(workdays.is_workday(one) for one in between)


@given(KNOWN)
def test_a_day_is_lived_like_a_working_day_exactly_when_it_is_one(day: date) -> None:
    assert (workdays.weekday(day) < 5) is workdays.is_workday(day)
    if workdays.is_workday(day) is (day.weekday() < 5):
        assert workdays.weekday(day) == day.weekday()


def test_a_year_that_nobody_announced_has_weeks_and_no_holidays() -> None:
    after = date(workdays.known_until().year + 1, 10, 1)
    assert not workdays.is_known(after.year)
    week = [after + timedelta(days=n) for n in range(7)]
    assert [workdays.is_workday(day) for day in week] == [day.weekday() < 5 for day in week]


def test_the_rest_of_a_week_counts_what_is_worked() -> None:
    assert workdays.left_in_week(date(2026, 11, 23)) == 5
    assert workdays.left_in_week(date(2026, 11, 27)) == 1
    assert workdays.left_in_week(date(2026, 2, 9)) == 6  # its Saturday is worked
    assert workdays.left_in_week(date(2026, 10, 1)) == 0


def test_days_to_spread_over_begin_today_and_skip_the_holiday() -> None:
    assert workdays.workdays_from(date(2026, 9, 30), 3) == [
        date(2026, 9, 30), date(2026, 10, 8), date(2026, 10, 9),
    ]  # fmt: skip
