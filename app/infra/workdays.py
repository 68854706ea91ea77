"""Working days in China: statutory holidays and the weekend days that are worked for them.

The State Council announces both once a year, usually in November, and the library follows with its
next release. A year it does not know yet is answered by the week alone, and `known_until` says so:
`yishu doctor` warns before such a year begins.
"""

from __future__ import annotations

from datetime import date, timedelta
from functools import lru_cache

import chinese_calendar
from chinese_calendar import constants

WEEKEND = 5  # Saturday is weekday 5
LONGEST_REST_DAYS = 30  # more than any holiday: a search past this is a bug


@lru_cache(maxsize=4096)
def is_workday(day: date) -> bool:
    """Whether offices work on this day; Monday to Friday in a year that nobody announced yet."""
    if not is_known(day.year):
        return day.weekday() < WEEKEND
    return bool(chinese_calendar.is_workday(day))


def next_workday(day: date) -> date:
    """The first working day after `day`."""
    for days in range(1, LONGEST_REST_DAYS):
        later = day + timedelta(days=days)
        if is_workday(later):
            return later
    raise AssertionError(f"no working day within {LONGEST_REST_DAYS} days of {day}")


def workdays_from(first: date, number: int) -> list[date]:
    """`number` days: `first`, whatever it is, and the working days after it."""
    days = [first]
    while len(days) < number:
        days.append(next_workday(days[-1]))
    return days[:number]


def weekday(day: date) -> int:
    """The day of the week that `day` is lived like, Monday is 0.

    A holiday within the week is like a Sunday; a weekend day that is worked is like a Friday.
    """
    if is_workday(day):
        return min(day.weekday(), 4)
    return max(day.weekday(), 6) if day.weekday() < WEEKEND else day.weekday()


def left_in_week(day: date) -> int:
    """Working days from `day` to the end of its week, `day` counted in."""
    later = (day + timedelta(days=n) for n in range(7 - day.weekday()))
    return sum(is_workday(one) for one in later)


def is_known(year: int) -> bool:
    """Whether the calendar of this year has been announced and is in the library."""
    first, last = _years()
    return first <= year <= last


def known_until() -> date:
    """The last day of the last year that the library knows."""
    return date(_years()[1], 12, 31)


@lru_cache(maxsize=1)
def _years() -> tuple[int, int]:
    years = [day.year for day in constants.holidays]
    return min(years), max(years)
