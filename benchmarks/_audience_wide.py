"""Questions over everything else that an audience may ask: lists, campaigns, consent, the level of
a hospital, a saved segment, and windows of reading with an upper bound; and their right answers.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import numpy as np
from sqlalchemy.orm import Session

from app.campaigns import Campaign
from app.content import Content
from app.infra.clock import local
from app.segments.facts import Key, campaign_key, count_key
from app.segments.models import ListState, Segment, SegmentList

LISTS, CAMPAIGNS, DAYS = 20, 20, 30
SEGMENT = "很少打开"
Array = np.ndarray[Any, Any]


@dataclass
class Wide:
    """Boolean or counted, one entry for each physician, 1 … n (0 is nobody)."""

    lists: list[Array]
    got: list[Array]
    opened: list[Array]
    may: Array
    top: Array
    reads: list[Array]  # by days ago: how often
    sends: list[Array]


class WideQuestion(NamedTuple):
    """On a list or got a campaign without opening it, in a top hospital, allowing messages, not in
    a segment, and read a few times."""

    list_id: int
    campaign: int
    days: int
    most: int

    @property
    def text(self) -> str:
        """As the product reads it."""
        return (
            f"(名单:l{self.list_id} 或 活动:c{self.campaign} 未打开) 且 医院等级 = 三级甲等 "
            f"且 许可:企微推送 且 非 人群:{SEGMENT} 且 近{self.days}天读完 1-{self.most}"
        )

    def answer(self, data: Wide) -> int:
        """How many, counted another way."""
        at = self.campaign - 1
        reads = np.sum(data.reads[: self.days], axis=0)
        seldom = np.sum(data.sends[:7], axis=0) == 0
        wanted = data.lists[self.list_id - 1] | (data.got[at] & ~data.opened[at])
        return int(np.sum(
            wanted & data.top & data.may & ~seldom & (reads >= 1) & (reads <= self.most)
        ))  # fmt: skip


def wide(n: int, seed: int = 9) -> Wide:
    """The same for the same seed."""
    rng = np.random.default_rng(seed)

    def some(share: float) -> Array:
        chosen: Array = rng.random(n + 1) < share
        chosen[0] = False
        return chosen

    def counts(share: float) -> Array:
        often: Array = some(share).astype(np.uint8) * rng.integers(1, 3, n + 1).astype(np.uint8)
        return often

    got = [some(0.15) for _ in range(CAMPAIGNS)]
    return Wide(
        [some(0.05) for _ in range(LISTS)], got, [one & some(0.4) for one in got], some(0.7),
        some(0.5), [counts(0.01) for _ in range(DAYS)], [counts(0.1) for _ in range(DAYS)],
    )  # fmt: skip


def facts(data: Wide, now: datetime) -> Iterator[tuple[Key, Array]]:
    """As the product keeps them."""
    for number, who in enumerate(data.lists, 1):
        yield ("list", str(number)), _people(who)
    for number, (got, opened) in enumerate(zip(data.got, data.opened, strict=True), 1):
        yield campaign_key(number, "got"), _people(got)
        yield campaign_key(number, "opened"), _people(opened)
    yield ("may", "wecom"), _people(data.may)
    yield ("level", "三级甲等"), _people(data.top)
    today = local(now).date()
    for what, days in (("read", data.reads), ("recv", data.sends)):
        for ago, often in enumerate(days):
            for time in range(1, int(often.max(initial=0)) + 1):
                yield count_key(what, today - timedelta(days=ago), time), _people(often >= time)


def name(session: Session, now: datetime) -> None:
    """Lists, campaigns and a segment of these names."""
    session.add(Content(id=1, created_at=now))
    session.flush()
    session.add_all(
        SegmentList(id=n, name=f"l{n}", purpose="bench", filename="", state=ListState.READY,
                    figures={}, created_by="bench", created_at=now)
        for n in range(1, LISTS + 1)
    )  # fmt: skip
    session.add_all(
        Campaign(id=n, name=f"c{n}", content_id=1, expression="全部", way="suggestion",
                 created_by="bench", created_at=now)
        for n in range(1, CAMPAIGNS + 1)
    )  # fmt: skip
    session.add(Segment(name=SEGMENT, expression="近7天收到 ≤ 0", created_by="b", created_at=now))


def questions(number: int) -> list[WideQuestion]:
    """The same every time."""
    rng = random.Random(13)
    return [
        WideQuestion(rng.randint(1, LISTS), rng.randint(1, CAMPAIGNS), rng.choice((7, 14, 30)),
                     rng.choice((1, 2, 3)))
        for _ in range(number)
    ]  # fmt: skip


def _people(chosen: Array) -> Array:
    who: Array = np.flatnonzero(chosen).astype(np.uint32)
    return who
