"""How well we know when a physician opens, beside simpler answers, in an invented world.

    python -m benchmarks.timing [--json] [--physicians 2000] [--seed 1]

Physicians have hours of their own around those of their hospital and specialty. Reps send mostly
at nine, and what was sent draws in a way that the product's rule does not know (a quick start, a
long tail). Half a year is learned from; then messages come at any hour, and each opening counts:
its log-loss, and whether it lies in the ten best of 168 hours. The ratio is the global answer's
log-loss / ours.
"""

from __future__ import annotations

import argparse
import json
import math
import random
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from app.infra.clock import local
from app.infra.workdays import weekday
from app.recommend import timing
from app.recommend.day.timing import BINS, HOURS, Chance, Tally

START = datetime(2026, 1, 4, 16, tzinfo=UTC)  # a Monday's first hour in China
LEARNED_DAYS, ASKED_DAYS = 180, 60
SPECIALTIES, HOSPITALS, TOP = 8, 100, 10
Shares = Sequence[float]


@dataclass
class Person:
    """One physician: where, how they live, and what was sent before and after."""

    specialty: int
    hospital: int
    truth: Shares
    before: list[Chance] = field(default_factory=list)
    after: list[Chance] = field(default_factory=list)


def main(arguments: list[str] | None = None) -> int:
    """Run, print a table, and with --json one JSON object on the last line."""
    options = _options(arguments)
    people = world(options.physicians, options.seed)
    now = START + timedelta(days=LEARNED_DAYS)
    begun = time.process_time()
    ours = Learned(people, now)
    answers = answer_all(people, ours, now)
    spent = time.process_time() - begun
    print(
        f"{len(people):,} physicians, {sum(len(p.before) for p in people):,} messages learned from"
    )
    print(f"{'':<34}{'1-4 opens':>20}{'all':>20}")
    result: dict[str, dict[str, float]] = {}
    for name, answer in answers.items():
        pairs = list(zip(people, answer, strict=True))
        few = judge([pair for pair in pairs if 1 <= _opens(pair[0]) <= 4])
        all_ = judge(pairs)
        print(f"{name:<34}{few[0]:>12.3f} / {few[1]:.3f}{all_[0]:>12.3f} / {all_[1]:.3f}")
        result[name] = {"log_loss": all_[0], "hits": all_[1], "few_log_loss": few[0],
                        "few_hits": few[1]}  # fmt: skip
    each = 1e6 * ours.spent_s / max(1, ours.messages)
    print(f"learned in {spent:.1f} CPU-s, {each:.0f} µs a message")
    if options.json:
        ratio = result["global"]["log_loss"] / result["hierarchy, strength 20"]["log_loss"]
        print(json.dumps({"answers": result, "ratio": round(ratio, 4), "cpu_s": round(spent, 2)}))
    return 0


class Learned:
    """What the product learns: shares of everybody, specialties, hospitals, and tallies."""

    def __init__(self, people: Sequence[Person], now: datetime, flat: bool = False) -> None:
        begun = time.process_time()
        self.own = [timing.tally(p.before, now) for p in people]
        self.spent_s = time.process_time() - begun
        self.messages = sum(len(p.before) for p in people)
        if flat:  # as if every hour had been as good a chance as any
            for one in self.own:
                one.exposure[:] = [sum(one.exposure) / BINS] * BINS
        self.all = timing.learn(_sum(self.own), timing.UNIFORM, timing.EVERYBODY)
        self.specialty = self._groups(people, lambda p: p.specialty, timing.SPECIALTY, None)
        self.hospital = self._groups(people, lambda p: p.hospital, timing.HOSPITAL, people)

    def _groups(
        self, people: Sequence[Person], key: Callable[[Person], int], strength: float,
        under: Sequence[Person] | None,
    ) -> dict[tuple[int, int], Shares]:  # fmt: skip
        tallies: dict[tuple[int, int], list[Tally]] = {}
        for person, own in zip(people, self.own, strict=True):
            place = (key(person), person.specialty if under else 0)
            tallies.setdefault(place, []).append(own)
        return {
            place: timing.learn(
                _sum(found), self.specialty[place[1], 0] if under else self.all, strength
            )
            for place, found in tallies.items()
        }

    def person(self, index: int, person: Person, strength: float) -> Shares:
        """The answer for one physician."""
        parent = self.hospital[person.hospital, person.specialty]
        return timing.learn(self.own[index], parent, strength)


def world(number: int, seed: int) -> list[Person]:
    """Physicians with their messages, the same for every run with this seed."""
    rng = random.Random(seed)
    base = [3, 1, 1, 1, 1, 2, 6, 10, 9, 7, 7, 8, 12, 9, 6, 6, 7, 9, 10, 12, 16, 18, 14, 8]
    week = [base[h] * (1.0 if d < 5 else 0.7) for d in range(7) for h in range(HOURS)]
    specialties = [_bent(rng, week, 1.0) for _ in range(SPECIALTIES)]
    hospitals = [[_bent(rng, s, 0.6) for s in specialties] for _ in range(HOSPITALS)]
    return [_person(rng, hospitals) for _ in range(number)]


def _person(rng: random.Random, hospitals: list[list[list[float]]]) -> Person:
    hospital, specialty = rng.randrange(HOSPITALS), rng.randrange(SPECIALTIES)
    truth = _bent(rng, hospitals[hospital][specialty], 2.5)
    keen = rng.lognormvariate(0.0, 0.8)
    total = sum(truth)
    person = Person(specialty, hospital, [value / total for value in truth])
    for day in range(LEARNED_DAYS + ASKED_DAYS):
        if rng.random() > 0.12:
            continue
        learned = day < LEARNED_DAYS
        hour = rng.choice((9, 9, 9, 9, 10, 17)) if learned else rng.randrange(HOURS)
        at = START + timedelta(days=day, hours=hour, minutes=rng.randrange(60))
        chance = Chance(at, _opened(rng, person.truth, at, keen))
        (person.before if learned else person.after).append(chance)
    return person


def _bent(rng: random.Random, week: Sequence[float], much: float) -> list[float]:
    """The week with one more and one fewer hour of the day, everywhere."""
    found = list(week)
    for sign in (1, 1, -1):
        peak, wide = rng.randrange(6, HOURS), rng.choice((1.0, 1.5))
        for i in range(BINS):
            away = min((i - peak) % HOURS, (peak - i) % HOURS)
            found[i] *= math.exp(sign * much * math.exp(-((away / wide) ** 2) / 2))
    return found


def _opened(rng: random.Random, truth: Shares, at: datetime, keen: float) -> datetime | None:
    for lag in range(72):
        moment = at + timedelta(hours=lag)
        draws = 0.25 / (1 + lag / 2.0)
        here = local(moment)
        rate = keen * draws * truth[weekday(here.date()) * HOURS + here.hour] * BINS
        if rng.random() < 1 - math.exp(-0.3 * rate):
            return moment
    return None


def answer_all(people: Sequence[Person], ours: Learned, now: datetime) -> dict[str, list[Shares]]:
    flat = Learned(people, now, flat=True)
    found: dict[str, list[Shares]] = {
        "uniform": [timing.UNIFORM] * len(people),
        "global": [ours.all] * len(people),
        "own histogram": [_histogram(own) for own in ours.own],
        "specialty": [ours.specialty[p.specialty, 0] for p in people],
        "hierarchy without exposure": [flat.person(i, p, 20) for i, p in enumerate(people)],
    }
    for strength in (20, 40, 60):
        found[f"hierarchy, strength {strength}"] = [
            ours.person(i, p, strength) for i, p in enumerate(people)
        ]
    found["the truth (no rule can do better)"] = [p.truth for p in people]
    return found


def _histogram(own: Tally) -> Shares:
    total = sum(own.opens) + BINS * 1e-3
    return [(n + 1e-3) / total for n in own.opens]


def judge(pairs: Sequence[tuple[Person, Shares]]) -> tuple[float, float]:
    """Mean log-loss of later openings, and the share of them in the ten best hours."""
    loss, hits, number = 0.0, 0, 0
    for person, shares in pairs:
        best = set(sorted(range(BINS), key=lambda i: -shares[i])[:TOP])
        for chance in person.after:
            if chance.acted_at is None:
                continue
            here = local(chance.acted_at)
            index = weekday(here.date()) * HOURS + here.hour
            loss -= math.log(shares[index])
            hits += index in best
            number += 1
    return loss / max(1, number), hits / max(1, number)


def _sum(tallies: Sequence[Tally]) -> Tally:
    found = Tally()
    for one in tallies:
        found.opens = [a + b for a, b in zip(found.opens, one.opens, strict=True)]
        found.exposure = [a + b for a, b in zip(found.exposure, one.exposure, strict=True)]
    return found


def _opens(person: Person) -> int:
    return sum(chance.acted_at is not None for chance in person.before)


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--physicians", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
