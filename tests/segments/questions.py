"""Questions at random about what may have happened."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence

from app.segments.expression import (
    All,
    AnyOf,
    CampaignIs,
    Counted,
    FieldIs,
    ListIs,
    Node,
    Not,
    Reachable,
    SegmentIs,
    TagIs,
)

CITIES = ("云岭市", "海州市")
CAMPAIGNS = {"春季房颤": 1, "秋季心衰": 2}
LISTS = ("会议签到", "不再打扰")
SEGMENTS = {"高潜": "近30天打开 ≥ 1 且 非 名单:不再打扰", "重点": "人群:高潜 或 标签:房颤"}


class Questions:
    """`question` asks one; `names` are those of `tags`."""

    rng: random.Random
    tags: Sequence[str]
    names: Mapping[str, str]

    def question(self, depth: int = 0) -> Node:
        rng = self.rng
        kind = rng.random()
        if depth < 3 and kind < 0.45:
            parts = tuple(self.question(depth + 1) for _ in range(rng.choice((2, 3))))
            return All(parts) if rng.random() < 0.6 else AnyOf(parts)
        if depth < 3 and kind < 0.6:
            return Not(self.question(depth + 1))
        return rng.choice([
            TagIs(self.names[rng.choice(self.tags)], rng.choice((0.0, 0.1, 0.2, 0.2, 0.35, 0.5, 0.95))),
            TagIs(self.names[rng.choice(self.tags)]),
            FieldIs("city", rng.choice(CITIES)), FieldIs("specialty", "肿瘤"),
            FieldIs("rep", rng.choice(("rep00", "代表rep01"))),
            FieldIs("level", rng.choice(("三级甲等", "二级"))),
            self._counted(), self._counted(),
            Reachable(rng.choice(("wecom", "oa", "all", "out", "may_wecom", "may_oa"))),
            CampaignIs(rng.choice(tuple(CAMPAIGNS)), rng.choice(("got", "opened", "unopened"))),
            ListIs(rng.choice(LISTS)), SegmentIs(rng.choice(tuple(SEGMENTS))),
        ])  # fmt: skip

    def _counted(self) -> Counted:
        least = self.rng.choice((0, 1, 2, 3, 5))
        most = self.rng.choice((None, None, least, least + 2))
        what = self.rng.choice(("open", "open", "read", "msg", "recv"))
        return Counted(what, self.rng.choice((0, 1, 7, 30, 365)), least, most)
