"""The simulator: the same company for every policy, and ours beats chance in a tiny one."""

from __future__ import annotations

from collections import Counter

import pytest

np = pytest.importorskip("numpy", reason="numpy (requirements-recommend.lock) is not installed")

from benchmarks import _explore_worlds as worlds  # noqa: E402
from benchmarks._explore_policies import POLICIES, Ask, Random  # noqa: E402
from benchmarks.explore import interval, play  # noqa: E402


@pytest.mark.parametrize("name", ["fits", "off"])
def test_random_is_worse_than_ours_and_nobody_beats_the_truth(name: str) -> None:
    found = {
        policy: sum(play(name, 5, POLICIES[policy][1], 5)["worth"])  # type: ignore[arg-type]
        for policy in ("oracle", "random", "ours")
    }
    assert found["random"] + 5 < found["ours"] < found["oracle"]


def test_caps_hold_and_a_company_is_the_same_again() -> None:
    runs = []
    for _ in range(2):
        run, policy = worlds.Run.of(worlds.world("off", 1, 10)), Random(3)
        for day in range(10):
            for rep, physicians in enumerate(run.world.asked[day]):
                for card, physician in enumerate(physicians):
                    candidates = run.candidates(day, rep, physician)
                    choice = policy.choose(Ask(run, day, rep, card, physician, candidates))
                    run.give(day, rep, card, physician, choice)
            run.night(day)
        runs.append(run)
    assert runs[0].given == runs[1].given
    given = runs[0].given
    assert len({(one.physician, one.content) for one in given}) == len(given)
    week = Counter((one.day // 5, one.rep, one.content) for one in given)
    assert max(week.values()) <= worlds.KINDS["off"].per_week
    world = runs[0].world
    assert all(
        world.may[one.rep, one.content] and world.born[one.content] <= one.day for one in given
    )
    untold = [one for one in given if one.opened is None and one.read]
    assert untold, "some were read and nobody says so"
    assert any(one.opened is not None and one.opened > one.day for one in given), "late"


def test_intervals_are_students() -> None:
    assert interval([1.0, 2.0, 3.0]) == pytest.approx([2.0, 2 - 4.303 / 3**0.5, 2 + 4.303 / 3**0.5],
                                                      abs=1e-4)  # fmt: skip
    assert interval([1.5]) == [1.5, 1.5, 1.5]
