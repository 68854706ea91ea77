"""What is known and what is to be foreseen: everybody's last opening, or unknown contents.

Which contents are unknown moves every figure by more than which physicians are asked, so each
quarter of them has its turn.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from app.infra.errors import Refused
from app.recommend.proof.dataset import Dataset

QUARTERS, TURNS = 4, 2  # turns: of those quarters, when weights are chosen
LEAST_USERS = 30


class Split(StrEnum):
    """How the openings are parted."""

    LAST = "last"  # everybody's last opening, among all contents
    COLD = "cold"  # each quarter of the contents in its turn, never seen, ranked among itself


@dataclass(frozen=True, slots=True)
class Problem:
    """`user`, `item`: known openings, by physician and time. `asked`: those to be foreseen.

    `among`: which contents are ranked. What a physician is known to have is never ranked.
    """

    data: Dataset
    kind: Split
    seed: int
    user: Any
    item: Any
    time: Any
    asked_user: Any
    asked_item: Any
    among: Any

    @property
    def size(self) -> tuple[int, int]:
        """Physicians, contents."""
        return len(self.data.users), len(self.data.items)

    def known(self, users: Any) -> Any:
        """Openings of some physicians: physicians × contents, 0 or 1."""
        import numpy as np

        found = np.zeros((len(users), self.size[1]), dtype=np.float32)
        starts = np.searchsorted(self.user, users)
        ends = np.searchsorted(self.user, users, side="right")
        for row, (start, end) in enumerate(zip(starts, ends, strict=True)):
            found[row, self.item[start:end]] = 1
        return found

    def warm(self) -> Any:
        """Contents that somebody has opened: True for each."""
        import numpy as np

        return np.bincount(self.item, minlength=self.size[1]) > 0


def split(data: Dataset, kind: Split, seed: int = 0) -> list[Problem]:
    """The openings of a data set, parted; once, or by quarters. Refused when there are too few."""
    import numpy as np

    whole = Problem(data, kind, seed, data.user, data.item, data.time,
                    data.user[:0], data.item[:0], np.ones(len(data.items), dtype=bool))  # fmt: skip
    found = [_last(whole, 1)] if kind is Split.LAST else list(_cold(whole))
    if min(len(np.unique(one.asked_user)) for one in found) < LEAST_USERS:
        raise Refused(
            f"可以检验的医生少于 {LEAST_USERS} 位，数字没有意义。"
            f"每位医生至少需要 3 次打开（冷启动：内容也要足够多）。"
        )
    return found


def inner(problem: Problem) -> list[Problem]:
    """The same question once more inside what is known: to choose weights without the answer."""
    return [_last(problem, 3)] if problem.kind is Split.LAST else list(_cold(problem))[:TURNS]


def _last(problem: Problem, most: int) -> Problem:
    """The last `most` openings of each, but never more than a third of them."""
    import numpy as np

    user = problem.user
    count = np.bincount(user, minlength=problem.size[0])
    left = np.searchsorted(user, user, side="right") - np.arange(len(user))  # 1: the last
    return _parted(problem, left <= np.minimum(most, count[user] // 3), problem.among)


def _cold(problem: Problem) -> Iterator[Problem]:
    import numpy as np

    dice = np.random.default_rng(problem.seed + 1)
    seen = dice.permutation(np.flatnonzero(problem.warm()))
    for n in range(QUARTERS):
        cold = np.zeros(problem.size[1], dtype=bool)
        cold[seen[n::QUARTERS]] = True
        yield _parted(problem, cold[problem.item], cold)


def _parted(problem: Problem, asked: Any, among: Any) -> Problem:
    return replace(
        problem, among=among, user=problem.user[~asked], item=problem.item[~asked],
        time=problem.time[~asked], asked_user=problem.user[asked], asked_item=problem.item[asked],
    )  # fmt: skip
