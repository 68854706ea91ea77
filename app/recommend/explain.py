"""Two or three true reasons in Chinese, each short enough for a card. Pure.

Only what carried the score is named: the strongest parts, one fact about the last contact, and
what the rules still allow.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from app.recommend.scoring import Scored
from app.tagging.models import Source
from app.tagging.read import Weight

LONGEST = 30
TEMPLATES = {
    Source.CONTENT_READ: "近期读过「{tag}」内容（{ago}）",
    Source.WECOM_TAG: "企微标签「{tag}」（{ago}）",
    Source.CRM: "CRM 记录关注「{tag}」",
    Source.CHANNEL: "扫码渠道关注「{tag}」（{ago}）",
    Source.MESSAGE: "主动提到「{tag}」（{ago}）",
    Source.PERSON: "同事标注「{tag}」（{ago}）",
    Source.REP_FEEDBACK: "您的反馈：关注「{tag}」",
}


def reasons(
    fit: Scored,
    weights: Mapping[int, Weight],
    names: Mapping[int, str],
    *,
    last_contact: datetime | None,
    left_this_window: int,
    now: datetime,
) -> list[str]:
    """Reasons in order of weight: up to two tags, the last contact, the rule when room is left."""
    strongest = sorted(fit.parts.items(), key=lambda part: (-part[1], part[0]))[:2]
    told = [_tag_reason(names[tag_id], weights[tag_id], now) for tag_id, _ in strongest]
    if last_contact is None:
        told.append("还没有互动记录")
    else:
        told.append(f"上次互动 {ago(last_contact, now)}")
    if len(told) < 3:
        told.append(f"本周期还可联系 {left_this_window} 次")
    return [text[:LONGEST] for text in told[:3]]


def ago(moment: datetime, now: datetime) -> str:
    """今天, 昨天, or N 天前."""
    days = max(0, (now - moment).days)
    return {0: "今天", 1: "昨天"}.get(days, f"{days} 天前")


def _tag_reason(name: str, weight: Weight, now: datetime) -> str:
    template = TEMPLATES.get(Source(weight.source), "标签「{tag}」")
    return template.format(tag=name, ago=ago(weight.at, now))
