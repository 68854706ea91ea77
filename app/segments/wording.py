"""A tree as text that is read back as the same tree. Pure."""

from __future__ import annotations

import re

from app.segments.language import COUNT_WORDS, FIELD_WORDS, FLAG_WORDS, STEP_WORDS
from app.segments.nodes import (
    DEFAULT_WEIGHT,
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

_PLAIN = re.compile(r"[\w.·/+%-]+")
_MAY = {"may_wecom": "许可:企微推送", "may_oa": "许可:公众号推送"}


def wording(node: Node) -> str:
    """The text that `parse` reads as this tree; written in one way only."""
    if isinstance(node, All | AnyOf):
        word = " 且 " if isinstance(node, All) else " 或 "
        return word.join(_inner(part) for part in node.parts)
    if isinstance(node, Not):
        return f"非 {_inner(node.inner)}"
    if isinstance(node, TagIs):
        strength = "" if node.at_least == DEFAULT_WEIGHT else f" ≥ {_decimal(node.at_least)}"
        return f"标签:{named(node.name)}{strength}"
    if isinstance(node, FieldIs):
        return f"{FIELD_WORDS[node.field][0]} = {named(node.value)}"
    if isinstance(node, Counted):
        return _counted(node)
    if isinstance(node, Reachable):
        return _MAY.get(node.channel) or FLAG_WORDS[node.channel][0]
    if isinstance(node, CampaignIs):
        return f"活动:{named(node.name)} {STEP_WORDS[node.step][0]}"
    if isinstance(node, ListIs):
        return f"名单:{named(node.name)}"
    if isinstance(node, SegmentIs):
        return f"人群:{named(node.name)}"
    raise TypeError(node)


def named(name: str) -> str:
    """A name as it stands in an expression, in quotes where it needs them."""
    if _PLAIN.fullmatch(name) and not {"且", "或"} & set(name):
        return name
    return '"' + name.replace('"', '""') + '"'


def times_words(node: Counted) -> str:
    """`≥ 2`, `≤ 1`, `= 3`, `1-3`."""
    if node.most is None:
        return f"≥ {node.least}"
    if node.least == node.most:
        return f"= {node.least}"
    return f"{node.least}-{node.most}" if node.least else f"≤ {node.most}"


def _counted(node: Counted) -> str:
    what = COUNT_WORDS[node.what][0]
    if (node.least, node.most) == (0, 0):
        return f"近{node.days}天未{what}"
    return f"近{node.days}天{what} {times_words(node)}"


def _inner(node: Node) -> str:
    return f"({wording(node)})" if isinstance(node, All | AnyOf) else wording(node)


def _decimal(number: float) -> str:
    """Never as 1e-05, which is no number here."""
    return f"{number:.12f}".rstrip("0").rstrip(".")
