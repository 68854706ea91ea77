"""The kernel: the same as plain sorting, with numba and without, whatever the numbers are."""

from __future__ import annotations

from typing import Any

import pytest

np = pytest.importorskip("numpy", reason="numpy (requirements-recommend.lock) is not installed")

from app.recommend.fit.kernel import Physicians, best_many, has_numba, kernel  # noqa: E402
from app.recommend.fit.table import Table  # noqa: E402

FAST = pytest.param(
    True, marks=pytest.mark.skipif(not has_numba(), reason="numba is not installed")
)


def case(seed: int, contents: int = 300, own: int = 12, people: int = 70) -> tuple[Any, Any, Any]:
    dice = np.random.default_rng(seed)
    rows = np.round(dice.normal(0, 1, (own, contents)), 1)  # many ties
    table = Table({}, rows, np.round(dice.random(contents), 1))
    count = dice.poisson(4, people)
    begin = np.concatenate([[0], np.cumsum(count)])
    physicians = Physicians(
        begin, dice.integers(0, own, begin[-1]).astype(np.uint16),
        np.round(dice.random(begin[-1]), 1).astype(np.float32),
        dice.integers(0, 3, people).astype(np.int32),
    )  # fmt: skip
    return table, dice.random((3, contents)) < 0.6, physicians


@pytest.mark.parametrize("fast", [False, FAST])
@pytest.mark.parametrize(("seed", "contents"), [(1, 300), (2, 128), (3, 3), (4, 129)])
def test_the_best_five_are_those_of_plain_sorting(seed: int, contents: int, fast: bool) -> None:
    table, eligible, people = case(seed, contents)
    found = best_many(kernel(table, eligible), people, fast=fast)
    for n in range(len(people.begin) - 1):
        mine = slice(people.begin[n], people.begin[n + 1])
        each = people.weight[mine][:, None] * table.rows[people.own[mine]].astype(np.float32)
        score = table.rest.astype(np.float32)
        for row in each:
            score = score + row
        allowed = eligible[people.group[n]]
        order = [c for c in np.argsort(-score, kind="stable") if allowed[c]][:5]
        spoken = [c for c in order if len(each) and each[:, c].max() > 0]
        kept = [int(c) for c in found.content[n] if c >= 0]
        assert kept == spoken
        assert np.array_equal(found.score[n, : len(kept)], score[kept])
        for place, c in enumerate(kept):
            assert found.part[n, place, 0] == each[:, c].max()


@pytest.mark.skipif(not has_numba(), reason="numba is not installed")
def test_numba_and_numpy_agree_to_the_bit() -> None:
    table, eligible, people = case(9, contents=700, people=1100)
    made = kernel(table, eligible)
    fast, slow = best_many(made, people, fast=True), best_many(made, people, fast=False)
    for name in ("content", "score", "own", "part"):
        assert np.array_equal(getattr(fast, name), getattr(slow, name)), name
