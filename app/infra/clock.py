"""Time as an argument. Stored in UTC, shown in Asia/Shanghai (no daylight saving)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

SHANGHAI = ZoneInfo("Asia/Shanghai")

Clock = Callable[[], datetime]


def utc_now() -> datetime:
    """The real clock: now, with time zone UTC."""
    return datetime.now(UTC)


def local(moment: datetime) -> datetime:
    """`moment` (aware) as wall time in China."""
    return moment.astimezone(SHANGHAI)


def midnight(moment: datetime) -> datetime:
    """When that day began in China."""
    begun = local(moment).replace(hour=0, minute=0, second=0, microsecond=0)
    return begun.astimezone(moment.tzinfo)


def begin_of(day: date, now: datetime) -> datetime:
    """When `day` begins in China, in the time zone of `now`."""
    return datetime.combine(day, time(), SHANGHAI).astimezone(now.tzinfo)
