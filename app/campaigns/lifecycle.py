"""The life of a campaign as a table. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from app.campaigns.models import Stage
from app.infra.errors import Refused

ALLOWED: Mapping[Stage, frozenset[Stage]] = {
    Stage.DRAFT: frozenset({Stage.ACTIVE}),
    Stage.ACTIVE: frozenset({Stage.PAUSED, Stage.FINISHED}),
    Stage.PAUSED: frozenset({Stage.ACTIVE, Stage.FINISHED}),
    Stage.FINISHED: frozenset(),
}
NAMES = {
    Stage.DRAFT: "草稿",
    Stage.ACTIVE: "进行中",
    Stage.PAUSED: "已暂停",
    Stage.FINISHED: "已结束",
}


def check_move(now: Stage, to: Stage) -> None:
    """Raises Refused for a move that the table does not allow."""
    if to not in ALLOWED[now]:
        raise Refused(f"“{NAMES[now]}”的推送不能变为“{NAMES[to]}”。")
