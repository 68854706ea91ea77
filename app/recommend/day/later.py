"""稍后: until when a suggestion rests, and another hour for a card that came at a bad one. Pure."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from enum import StrEnum

from app.infra import workdays
from app.infra.clock import local, midnight

AFTERNOON, EVENING = 14, 18  # o'clock
SOON = timedelta(hours=2)
AROUND = 1  # hours beside a bad one that are bad as well


class Later(StrEnum):
    """What a rep may choose."""

    AFTERNOON = "afternoon"
    TOMORROW = "tomorrow"
    NEXT_WEEK = "next_week"


class Part(StrEnum):
    """A better part of the day, by the rep."""

    MORNING = "morning"
    AFTERNOON = "afternoon"
    EVENING = "evening"


HOURS = {Part.MORNING: range(8, 12), Part.AFTERNOON: range(13, 18), Part.EVENING: range(18, 24)}


def until(choice: Later, now: datetime) -> datetime:
    """When the suggestion comes back: today at two (in two hours once it is past noon, on the full
    hour), on the next working day, for nothing is suggested on others, or on the first one of next
    week; in China."""
    here = local(now)
    if choice is Later.AFTERNOON and here.hour + SOON.seconds // 3600 < EVENING:
        hour = max(AFTERNOON, here.hour + 2)
        return midnight(now) + timedelta(hours=hour)
    week = 6 - here.weekday() if choice is Later.NEXT_WEEK else 0
    day = workdays.next_workday(here.date() + timedelta(days=week))
    return midnight(now) + (day - here.date())


def other_hour(
    usual: int, bad: Collection[int], better: Part | None, legal: Sequence[int]
) -> int | None:
    """The first legal hour, not before the usual one, in the better part of the day and not around
    a bad one; None when the usual one may stay or there is no other."""
    shunned = {hour + near for hour in bad for near in range(-AROUND, AROUND + 1)}
    wanted = [hour for hour in legal if hour >= usual and hour not in shunned]
    inside = [hour for hour in wanted if better is not None and hour in HOURS[better]]
    best = min(inside or wanted, default=None)
    return None if best == usual else best
