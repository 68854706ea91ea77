"""The life of a rule as a table. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from app.infra.errors import Refused


class State(StrEnum):
    """Of the newest version, or of what gives tags."""

    DRAFT = "draft"
    TESTED = "tested"
    LIVE = "live"
    PAUSED = "paused"
    RETIRED = "retired"


class Switch(StrEnum):
    """What somebody may do with a rule."""

    LIVE = "live"
    PAUSE = "pause"
    RESUME = "resume"
    RETIRE = "retire"
    REVIVE = "revive"


NAMES = {
    State.DRAFT: "草稿", State.TESTED: "已回测", State.LIVE: "生效中", State.PAUSED: "已暂停",
    State.RETIRED: "已停用",
}  # fmt: skip
DOES = {
    Switch.LIVE: "启用", Switch.PAUSE: "暂停", Switch.RESUME: "恢复", Switch.RETIRE: "停用",
    Switch.REVIVE: "撤销停用",
}  # fmt: skip
FROM: Mapping[Switch, frozenset[State]] = {
    Switch.LIVE: frozenset((State.TESTED, State.LIVE, State.PAUSED)),
    Switch.PAUSE: frozenset((State.LIVE,)),
    Switch.RESUME: frozenset((State.PAUSED,)),
    Switch.RETIRE: frozenset((State.DRAFT, State.TESTED, State.LIVE, State.PAUSED)),
    Switch.REVIVE: frozenset((State.RETIRED,)),
}


def state_of(*, live: bool, tested: bool, paused: bool, retired: bool) -> State:
    """`tested`: the newest version was."""
    if retired:
        return State.RETIRED
    if live:
        return State.PAUSED if paused else State.LIVE
    return State.TESTED if tested else State.DRAFT


def check_switch(state: State, switch: Switch) -> None:
    """Raises Refused for a move that the table does not allow."""
    if switch is Switch.LIVE and state is State.DRAFT:
        raise Refused("请先回测这个版本：启用之前要看到它在过去会给哪些医生打标签。")
    if state not in FROM[switch]:
        raise Refused(f"“{NAMES[state]}”的规则不能{DOES[switch]}。")
