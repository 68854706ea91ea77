"""Trials and the holdout, by their pure rules: no false alarm, a quick one where there is cause."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.recommend.policy import canary
from app.recommend.policy.canary import Next, Side
from app.recommend.policy.lift import Unit, lift


class Company:
    """Sixty reps of whom three are on trial; `worse` is what the trial takes from adoption."""

    def __init__(self, seed: int, worse: float) -> None:
        self.rng = random.Random(seed)
        self.worse = worse
        self.usual = [min(0.9, max(0.1, self.rng.gauss(0.45, 0.08))) for _ in range(60)]
        self.before = [[0, 0, 0, 0] for _ in self.usual]
        self.since = [[0, 0, 0, 0] for _ in self.usual]
        for rep in range(60):
            self._live(self.before[rep], self.usual[rep], 28 * 5)

    def a_day(self) -> None:
        for rep, chance in enumerate(self.usual):
            self._live(self.since[rep], chance - (self.worse if rep < 3 else 0.0), 6)

    def _live(self, row: list[int], chance: float, number: int) -> None:
        for _ in range(number):
            row[0] += 1
            drawn = self.rng.random()
            row[1] += drawn < chance
            row[2] += drawn > 0.9
            row[3] += drawn < chance * 0.5

    def judged(self, days: int) -> canary.Judgement:
        places = {"adopted": 1, "refused": 2, "opened": 3}
        return canary.judge(
            {
                name: [
                    Side(rep < 3, b[0], b[n], s[0], s[n])
                    for rep, (b, s) in enumerate(zip(self.before, self.since, strict=True))
                ]
                for name, n in places.items()
            },
            days,
        )


def end_of(seed: int, worse: float) -> tuple[Next, int]:
    company = Company(seed, worse)
    for day in range(1, canary.LONGEST_DAYS + 1):
        company.a_day()
        found = company.judged(day)
        if found.next is not Next.GO_ON:
            return found.next, day
    raise AssertionError("a trial ends")


def test_a_trial_of_the_same_policy_hardly_ever_ends_in_an_alarm() -> None:
    ends = [end_of(seed, 0.0)[0] for seed in range(25)]
    assert ends.count(Next.ROLL_BACK) <= 1
    assert ends.count(Next.GO_LIVE) >= 8  # the others end with a question


def test_a_trial_that_costs_much_is_ended_soon() -> None:
    ends = [end_of(seed, 0.3) for seed in range(20)]
    assert all(what is Next.ROLL_BACK for what, _ in ends)
    assert sorted(day for _, day in ends)[10] <= 20


def test_nothing_is_said_before_both_groups_have_answers() -> None:
    sides = [Side(True, 10, 3, 0, 0), Side(False, 10, 3, 10, 3)]
    assert canary.compare(sides) is None
    found = canary.judge({"adopted": sides, "refused": sides, "opened": sides}, 3)
    assert (found.next, found.figures) == (Next.GO_ON, {})


def units(seed: int, number: int, gain: float, chance: float = 0.1) -> list[Unit]:
    rng = random.Random(seed)
    usual = [min(0.9, max(0.02, rng.gauss(0.2, 0.08))) for _ in range(40)]
    found = []
    for _ in range(number):
        rep, held = rng.randrange(40), rng.random() < chance
        open_ = rng.random() < usual[rep] + (0.0 if held else gain)
        found.append(Unit(rep, held, chance, open_))
    return found


def test_the_interval_of_the_lift_holds_what_is_true_as_often_as_it_says() -> None:
    inside = 0
    for seed in range(100):
        found = lift(units(seed, 1500, 0.1), 100)
        assert found.low is not None
        assert found.high is not None
        inside += found.low <= 0.1 <= found.high
    assert 90 <= inside <= 99


def test_too_little_says_nothing_and_how_much_longer_is_true() -> None:
    few = lift(units(1, 60, 0.1), 10)
    assert (few.gain, few.low, few.more_days) == (None, None, None)
    some = lift(units(2, 2000, 0.03), 50)
    assert some.more_days is not None
    assert some.more_days > 0
    assert not some.known
    enough = int(2000 * (50 + some.more_days) / 50)
    seen = [lift(units(seed, enough, 0.03), 50 + some.more_days).known for seed in range(12)]
    assert 7 <= sum(seen) <= 12  # four of five
    assert lift(units(3, 30_000, 0.03), 750).more_days == 0
    year = lift(units(2, 2000, 0.03), 330)
    assert (year.gain, year.more_days) == (some.gain, None), "older ones are not looked at"
    assert lift(units(2, 2000, 0.03), 50, most=50).more_days is None


@given(st.integers(0, 1000), st.floats(0.02, 0.5))
@settings(max_examples=20, deadline=None)
def test_a_number_never_stands_without_its_interval(seed: int, chance: float) -> None:
    found = lift(units(seed, 200, 0.0, chance), 20)
    parts = (found.share, found.held_share, found.gain, found.low, found.high)
    assert len({part is None for part in parts}) == 1
    assert found.gain is not None or found.more_days is None
    if found.gain is not None and found.low is not None and found.high is not None:
        assert found.low < found.gain < found.high


def test_an_arm_of_which_nobody_opened_anything_is_not_known_for_sure() -> None:
    rows = [Unit(n % 8, n % 5 == 0, 0.2, False) for n in range(200)]
    found = lift(rows, 30)
    assert found.gain == 0
    assert found.high == pytest.approx(-(found.low or 0))
    assert found.high > 0.02
