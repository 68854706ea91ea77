"""Up to four true reasons in Chinese, each short enough for a card. Pure.

Only what carried the score is named: the strongest parts, one recent fact, and what the rules still
allow. Nothing is said of who set a tag: a rep must not learn of another rep's private marks.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType

from app.infra.clock import local
from app.recommend import near
from app.recommend.scoring import Scored
from app.tagging.models import Source
from app.tagging.read import Weight

LONGEST, MOST = 30, 4
TEMPLATES = {
    Source.CONTENT_READ: "读过「{tag}」内容（{ago}）",
    Source.WECOM_TAG: "企微标签「{tag}」（{ago}）",
    Source.WECOM_PERSONAL: "客户标签「{tag}」（{ago}）",
    Source.MARKETING: "市场活动标签「{tag}」（{ago}）",
    Source.RULE: "近期行为符合「{tag}」（{ago}）",
    Source.VERDICT: "核实过的标签「{tag}」（{ago}）",
    Source.CRM: "CRM 记录关注「{tag}」",
    Source.CHANNEL: "扫码渠道关注「{tag}」（{ago}）",
    Source.MESSAGE: "主动提到「{tag}」（{ago}）",
    Source.PERSON: "同事标注「{tag}」（{ago}）",
    Source.REP_FEEDBACK: "代表反馈：关注「{tag}」",
}
OTHERWISE = "标签「{tag}」"
NOTHING: Mapping[int, str] = MappingProxyType({})


def reasons(
    fit: Scored,
    weights: Mapping[int, Weight],
    names: Mapping[int, str],
    *,
    last_contact: datetime | None,
    rule: str,
    now: datetime,
    first: str = "",
    fact: str = "",
    titles: Mapping[int, str] = NOTHING,
) -> list[str]:
    """What asked for it (`first`: a campaign, 稍后), the strongest tags, a recent `fact` or the
    last contact, the rule.

    `titles`: of contents that a rep may see, to be named where they say most.
    """
    told = [_cut(first)] if first else []
    if lead := near.sentence(fit.parts, titles, LONGEST):
        told.append(lead)
    named = [
        (tag, part)
        for tag, part in fit.parts.items()
        if part > 0 and tag in names and tag in weights
    ]
    strongest = sorted(named, key=lambda part: (-part[1], part[0]))
    told += [
        _tag_reason(names[tag], weights[tag], now) for tag, _ in strongest[: max(0, 2 - len(told))]
    ]
    if fact:
        told.append(_cut(fact))
    elif last_contact is None:
        told.append("还没有互动记录")
    else:
        told.append(f"上次互动 {ago(last_contact, now)}")
    if rule:
        told.append(_cut(rule))
    return told[:MOST]


def ago(moment: datetime, now: datetime) -> str:
    """今天, 昨天, or N 天前, by the calendar of China."""
    days = max(0, (local(now).date() - local(moment).date()).days)
    return {0: "今天", 1: "昨天"}.get(days, f"{days} 天前")


def _tag_reason(name: str, weight: Weight, now: datetime) -> str:
    template = TEMPLATES.get(Source(weight.source), OTHERWISE)
    text = template.format(tag=name, ago=ago(weight.at, now))
    over = len(text) - LONGEST
    if over > 0:  # shorten the name, never the sentence around it
        text = template.format(tag=name[: len(name) - over - 1] + "…", ago=ago(weight.at, now))
    return text


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"
