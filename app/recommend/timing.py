"""When a physician reads: hours of the day, shrunk towards what everybody does. Pure.

A raw histogram of one person is worse than none: with few opens it is noise. So every person
starts from the common habit, worth `PRIOR` opens, and moves away from it by reading.
"""

from __future__ import annotations

from collections.abc import Sequence

PRIOR = 20.0
ENOUGH = 5  # fewer opens say nothing worth telling a rep
HOURS = 24
STRIKING = 2 / HOURS  # an hour is worth naming when it is twice as likely as any hour
OWN = 0.4  # … and this share of the person's own opens lies around it


def habit(opens: Sequence[int], common: Sequence[float]) -> list[float]:
    """Share of each hour for one person: `opens` by hour, `common` the shares of everybody."""
    total = sum(opens) + PRIOR
    return smooth([(opens[h] + PRIOR * common[h]) / total for h in range(HOURS)])


def shares(opens: Sequence[int]) -> list[float]:
    """The common habit from everybody's opens by hour; even when there are none."""
    total = sum(opens) + HOURS
    return smooth([(n + 1) / total for n in opens])


def smooth(values: Sequence[float]) -> list[float]:
    """Each hour lends a quarter to each neighbour; the day is a circle."""
    return [
        0.25 * values[h - 1] + 0.5 * values[h] + 0.25 * values[(h + 1) % HOURS]
        for h in range(HOURS)
    ]


def best_hour(opens: Sequence[int], common: Sequence[float], legal: Sequence[int]) -> int | None:
    """The likeliest legal hour for this person; None when it is not worth naming."""
    if sum(opens) < ENOUGH or not legal:
        return None
    mine = habit(opens, common)
    hour = max(legal, key=lambda h: (mine[h], -h))
    around = opens[hour - 1] + opens[hour] + opens[(hour + 1) % HOURS]
    striking = mine[hour] >= STRIKING and around >= OWN * sum(opens)
    return hour if striking else None


def told(hour: int) -> str:
    """For a card: 常在 20–21 点看资料."""
    return f"常在 {hour}–{hour + 1} 点看资料"
