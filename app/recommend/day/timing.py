"""When somebody acts: a week of 168 hours, learned from chances taken and chances not taken. Pure.

A raw histogram misleads twice. With few opens it is noise, so everybody starts from what others do
(everybody → specialty → hospital → person) and moves away from it by `strength` opens' worth. And
it shows when we send, not when they read: nine o'clock looks good because cards leave at nine. So
opens are counted against exposure, the time during which something unread lay there; a fresh
message draws more than an old one. A holiday is lived like a Sunday.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from app.infra.clock import local
from app.infra.workdays import weekday

HOURS, DAYS = 24, 7
BINS = DAYS * HOURS
REACH_HOURS, REACH_HALF_LIFE_H = 48, 6.0  # how long a message draws, and how fast that fades
HALF_LIFE_DAYS = 90.0
OWN_DAY = 0.2  # of an hour's evidence stays on its day; the rest goes to all days of its kind
EVERYBODY, SPECIALTY, HOSPITAL, PERSON = 50.0, 60.0, 40.0, 20.0  # strengths, in opens
ENOUGH = 5  # fewer opens say nothing worth telling a rep
STRIKING = 2 / HOURS  # an hour is worth naming when it is twice as likely as any hour
OWN = 0.4  # … and this share of the person's own opens lies around it
WORTH_MOVING = 1.25  # a card leaves at another hour when that is so much better
UNIFORM: Sequence[float] = (1 / BINS,) * BINS
PARTS: Mapping[int, str] = {6: "凌晨", 9: "早", 12: "上午", 13: "中午", 18: "下午", 24: "晚"}
REACH = [2.0 ** (-lag / REACH_HALF_LIFE_H) for lag in range(REACH_HOURS)]
KINDS = (range(5), range(5, 7))  # working days, days of rest


@dataclass(frozen=True, slots=True)
class Chance:
    """Something arrived, and was acted on, or not yet."""

    at: datetime
    acted_at: datetime | None = None


@dataclass(slots=True)
class Tally:
    """Acts and exposure by hour of the week, faded; `acts`: how many there were, `hours`: when."""

    opens: list[float] = field(default_factory=lambda: [0.0] * BINS)
    exposure: list[float] = field(default_factory=lambda: [0.0] * BINS)
    hours: list[int] = field(default_factory=lambda: [0] * HOURS)

    @property
    def acts(self) -> int:
        """How many chances were taken."""
        return sum(self.hours)


def tally(chances: Iterable[Chance], now: datetime, into: Tally | None = None) -> Tally:
    """Count chances up to `now`; an act later than `REACH_HOURS` says nothing and is left out."""
    found = into if into is not None else Tally()
    for chance in chances:
        age_days = (now - chance.at).total_seconds() / 86400
        if age_days >= 0:
            _count(found, chance, now, 2.0 ** (-age_days / HALF_LIFE_DAYS))
    return found


def learn(seen: Tally, parent: Sequence[float], strength: float) -> list[float]:
    """The share of each of the 168 hours, beginning from `parent` and worth `strength` opens."""
    opens, exposure = _pooled(seen.opens), _pooled(seen.exposure)
    expected = [e * p for e, p in zip(exposure, parent, strict=True)]
    level = sum(opens) / sum(expected) if sum(expected) > 0 else 0.0
    raw = [
        p * (o + strength * p) / (level * x + strength * p)
        for p, o, x in zip(parent, opens, expected, strict=True)
    ]
    total = sum(raw)
    return [value / total for value in raw]


def of_day(shares: Sequence[float], day: int) -> list[float]:
    """The shares of the hours of one day of the week, as a distribution."""
    hours = shares[day * HOURS : (day + 1) * HOURS]
    total = sum(hours)
    return [value / total for value in hours]


def best_hour(seen: Tally, hours: Sequence[float], legal: Sequence[int]) -> int | None:
    """The likeliest legal hour of a day; None when the person's own acts do not say so."""
    if seen.acts < ENOUGH or not legal:
        return None
    hour = max(legal, key=lambda h: (hours[h], -h))
    own = seen.hours[hour - 1] + seen.hours[hour] + seen.hours[(hour + 1) % HOURS]
    return hour if hours[hour] >= STRIKING and own >= OWN * seen.acts else None


def slot(theirs: Sequence[float], ours: Sequence[float], legal: Sequence[int], usual: int) -> int:
    """The hour in which a rep's card is best delivered: the rep acts and the physician opens.

    `usual` unless another legal hour is clearly better; ties go to the earlier hour.
    """
    both = {hour: theirs[hour] * ours[hour] for hour in legal}
    if usual not in both:
        return usual
    best = max(legal, key=lambda h: (both[h], -h))
    return best if both[best] >= WORTH_MOVING * both[usual] else usual


def told(hour: int) -> str:
    """For a card: 常在晚 8 点前后打开."""
    part = next(name for until, name in PARTS.items() if hour < until)
    return f"常在{part} {hour if hour <= 12 else hour - 12} 点前后打开"


def _count(found: Tally, chance: Chance, now: datetime, weight: float) -> None:
    """Walk the hours of the clock from the arrival to the act, or as far as the message draws."""
    here = local(chance.at)
    begun = here.replace(minute=0, second=0, microsecond=0)
    part = 1 - (here - begun).total_seconds() / 3600  # of the first hour
    day = weekday(here.date())
    for lag in range(REACH_HOURS):
        start = begun + timedelta(hours=lag)
        if start > now:
            return
        if start.hour == 0 and lag:
            day = weekday(start.date())
        index = day * HOURS + start.hour
        found.exposure[index] += weight * part * REACH[lag]
        part = 1.0
        if chance.acted_at is not None and chance.acted_at < start + timedelta(hours=1):
            found.opens[index] += weight
            found.hours[start.hour] += 1
            return


def _pooled(values: Sequence[float]) -> list[float]:
    """Each hour lends to its neighbours, and most of it to the same hour of days like its own."""
    near = [
        0.25 * values[i - 1] + 0.5 * values[i] + 0.25 * values[(i + 1) % BINS] for i in range(BINS)
    ]
    found = [0.0] * BINS
    for days in KINDS:
        for hour in range(HOURS):
            common = sum(near[day * HOURS + hour] for day in days) / len(days)
            for day in days:
                index = day * HOURS + hour
                found[index] = OWN_DAY * near[index] + (1 - OWN_DAY) * common
    return found
