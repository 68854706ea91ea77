"""How many calls at once. Pure. The platform answers 45033 when there are too many."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

ONE_MORE = timedelta(seconds=60)  # so slowly an account gets its places back
SKEW = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Pace:
    """`slots` at the moment `lowered_at`; one more for each minute since."""

    slots: float | None = None
    lowered_at: datetime | None = None


def slots(pace: Pace, most: int, now: datetime) -> int:
    """Calls that may be under way at once, at least one."""
    if pace.slots is None or pace.lowered_at is None or pace.lowered_at > now + SKEW:
        return most  # never lowered, or the clock was set back
    regained = max(now - pace.lowered_at, timedelta()) / ONE_MORE
    return max(1, min(most, int(pace.slots + regained)))


def halved(pace: Pace, most: int, began: datetime, now: datetime) -> Pace:
    """After 45033. Calls that were under way together are one warning, not many."""
    if pace.lowered_at is not None and began <= pace.lowered_at <= now:
        return pace
    return Pace(max(1.0, slots(pace, most, now) / 2), now)
