"""When to pull, and how much of it. Pure; times of the day are wall time in China.

What the platforms allow decides. WeCom has no "changed since": a rep's contacts are one call for
the ids, and one more for each hundred contacts with what the rep wrote and tagged. An API takes
150,000 calls an hour from a corp. So the hourly pull lists every rep's ids, which finds who came
and who went, and reads the details of those whom nobody has read for longest, up to one call in
a hundred of that quota: with up to 150,000 relations that is everybody every hour. The Official
Account gives its list of followers 500 times a day, ten thousand at a time: hourly while that
uses less than half of it, and at night in any case.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from app.completeness.models import Kind
from app.infra.clock import local

HOURLY_MINUTE = 17  # everybody else calls at :00 and :30
FULL_HOUR, FULL_MINUTE = 2, 40
PAGE = 100  # contacts of one details call
FOLLOWERS_PAGE = 10_000
HOURLY_DETAIL_CALLS = 1_500
HOURLY_FOLLOWER_PAGES = 10
CALLS_A_MINUTE = 2_000  # a fifth of what a corp may call one API


@dataclass(frozen=True, slots=True)
class Size:
    """A rep's contacts: how many there were, and when their details were last read."""

    id: int
    there: int
    deep_at: datetime | None


def due_at(kind: Kind, now: datetime) -> datetime:
    """The newest due time of `kind` that is not after `now`."""
    here = local(now)
    if kind is Kind.HOURLY:
        moment, step = here.replace(minute=HOURLY_MINUTE), timedelta(hours=1)
    else:
        moment, step = here.replace(hour=FULL_HOUR, minute=FULL_MINUTE), timedelta(days=1)
    moment = moment.replace(second=0, microsecond=0)
    return (moment if moment <= here else moment - step).astimezone(UTC)


def in_detail(kind: Kind, sizes: Sequence[Size], calls: int = HOURLY_DETAIL_CALLS) -> set[int]:
    """Whose details a run reads: all at night, else those not read for longest within `calls`."""
    if kind is Kind.FULL:
        return {size.id for size in sizes}
    chosen: set[int] = set()
    for size in sorted(sizes, key=_waited_longest):
        calls -= size.there // PAGE + 1
        if calls < 0:
            break
        chosen.add(size.id)
    return chosen


def with_followers(kind: Kind, followers: int) -> bool:
    """Whether a run may read the list of an account that had so many followers."""
    return kind is Kind.FULL or followers <= HOURLY_FOLLOWER_PAGES * FOLLOWERS_PAGE


def _waited_longest(size: Size) -> tuple[bool, datetime | int, int]:
    return size.deep_at is not None, size.deep_at or 0, size.id
