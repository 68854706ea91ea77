"""A rule as a sentence that can be read aloud. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from app.autotag.rules import (
    SAYS,
    Condition,
    Count,
    First,
    Meaning,
    Recent,
    Rule,
    Silent,
    counted,
    thing,
)


def sentence(rule: Rule, meaning: Meaning, categories: Mapping[str, str]) -> str:
    """近 30 天打开 ≥ 3 篇内容，并且人群是“企微好友”的医生，得到标签「近期活跃」（把握 80%）."""
    parts = [part(condition, meaning) for condition in rule.all]
    if rule.audience:
        parts.append(f"属于“{rule.audience}”")
    if rule.each:
        of = "、".join(categories.get(key, key) for key in rule.each)
        gives = f"得到该标签（{of}）"
    else:
        gives = f"得到标签「{meaning.names.get(meaning.ids.get(rule.gives, 0), rule.gives)}」"
    return f"{'，并且'.join(parts)}的医生，{gives}，把握 {rule.confidence:.0%}。"


def part(condition: Condition, meaning: Meaning) -> str:
    """One condition."""
    what = thing(condition.pick, meaning)
    if isinstance(condition, Count):
        window = f"近 {condition.days} 天" if condition.days is not None else "累计"
        if condition.at_most == 0:
            return f"{window}没有{what}"
        signs = [("≥", condition.at_least)] if condition.at_least else []
        signs += [("≤", condition.at_most)] if condition.at_most is not None else []
        return window + " 且 ".join(_counted(condition, sign, n, meaning) for sign, n in signs)
    if isinstance(condition, Recent):
        return f"最近一次{what}在 {condition.days} 天之内"
    if isinstance(condition, Silent):
        return f"超过 {condition.days} 天没有{what}"
    if isinstance(condition, First):
        return f"第一次{what}在 {condition.days} 天之内"
    within = f"近 {condition.within} 天" if condition.within is not None else ""
    return f"{what}后 {condition.days} 天内{within}{thing(condition.then, meaning)}"


def _counted(condition: Count, sign: str, number: int, meaning: Meaning) -> str:
    verb = SAYS[condition.pick.act][0]
    rest = counted(condition.pick, number, meaning).removeprefix(f"{verb} ")
    return f"{verb} {sign} {rest}"
