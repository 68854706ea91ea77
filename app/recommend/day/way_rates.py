"""How often what arrives in each way is opened, learned from our own log. Pure.

A share of few messages is noise, so everybody starts from day 0, a specialty from everybody, a
person from the specialty. What is younger than a week says nothing yet, opened or not: counted as
soon as it is opened, it would make every way look better than it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from app.recommend.day.way import By

RIPE = timedelta(days=7)  # opened within a week, or not
HALF_LIFE_DAYS = 90.0
EVERYBODY, SPECIALTY, PERSON = 50.0, 40.0, 8.0  # how many messages a level's parent is worth
DAY_0: Mapping[By, float] = {By.REP: 0.35, By.TASK: 0.30, By.ACCOUNT: 0.25, By.MOMENT: 0.05}
"""Before anything is known: what a person sends by hand is opened most, what passes by least."""


@dataclass(frozen=True, slots=True)
class Sent:
    """Something that went out in a way, and when it was opened first."""

    by: By
    at: datetime
    opened_at: datetime | None = None


@dataclass(slots=True)
class Tally:
    """Messages and how many of them were opened, faded by age."""

    sent: float = 0.0
    opened: float = 0.0


def tally(messages: Iterable[Sent], now: datetime) -> dict[By, Tally]:
    """Count what says something at `now`."""
    found: dict[By, Tally] = {}
    for one in messages:
        age = now - one.at
        opened = one.opened_at is not None and one.opened_at - one.at <= RIPE
        if age < RIPE:
            continue
        counted = found.setdefault(one.by, Tally())
        weight = 2.0 ** (-age.total_seconds() / 86400 / HALF_LIFE_DAYS)
        counted.sent += weight
        counted.opened += weight * opened
    return found


def learn(seen: Mapping[By, Tally], parent: Mapping[By, float], strength: float) -> dict[By, float]:
    """The share opened of each way, beginning from `parent`, which is worth `strength` messages."""
    return {
        by: (mine.opened + strength * share) / (mine.sent + strength)
        for by, share in parent.items()
        for mine in [seen.get(by, Tally())]
    }
