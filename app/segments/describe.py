"""A tree in words, as it was understood. Pure."""

from __future__ import annotations

from app.segments.language import COUNT_WORDS, FIELD_WORDS, STEP_WORDS
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

_CHANNELS = {
    "wecom": "是企微好友", "oa": "关注了公众号", "all": "所有医生", "out": "已退订",
    "may_wecom": "同意企微推送", "may_oa": "同意公众号推送",
}  # fmt: skip


def describe(node: Node) -> str:
    """For people."""
    if isinstance(node, TagIs):
        strength = "" if node.at_least == DEFAULT_WEIGHT else f"（强度 ≥ {node.at_least:g}）"
        return f"有标签「{node.name}」{strength}"
    if isinstance(node, FieldIs):
        return f"{FIELD_WORDS[node.field][0]}是「{node.value}」"
    if isinstance(node, Counted):
        return _counted(node)
    if isinstance(node, Reachable):
        return _CHANNELS[node.channel]
    if isinstance(node, CampaignIs):
        return f"对活动「{node.name}」{STEP_WORDS[node.step][0]}"
    if isinstance(node, ListIs):
        return f"在名单「{node.name}」里"
    if isinstance(node, SegmentIs):
        return f"在人群「{node.name}」里"
    if isinstance(node, Not):
        return f"不满足（{describe(node.inner)}）"
    word = "，并且" if isinstance(node, All) else "，或者"
    return word.join(
        f"（{describe(part)}）" if isinstance(part, All | AnyOf) else describe(part)
        for part in node.parts
    )


def _counted(node: Counted) -> str:
    told = f"近 {node.days} 天{COUNT_WORDS[node.what][0]}过"
    if node.most is None:
        return f"{told}至少 {node.least} 次"
    if node.most == 0:
        return f"近 {node.days} 天没有{COUNT_WORDS[node.what][0]}过"
    if node.least == 0:
        return f"{told}至多 {node.most} 次"
    several = f"{node.least} 到 {node.most}" if node.least < node.most else f"{node.least}"
    return f"{told} {several} 次"
