"""Words that make material unlawful or unwise, shown to author and reviewer. Pure.

Sources: 广告法 article 16 (no assertion of efficacy or cure rate, no comparison, no endorsement),
药品管理法 article 90, and the ban on benefits. A hint for people, not a verdict.
"""

from __future__ import annotations

WORDS = {
    "治愈率": "不得说明治愈率或有效率",
    "有效率": "不得说明治愈率或有效率",
    "根治": "不得断言功效",
    "最好": "不得与其他药品比较，不得使用最高级",
    "第一": "不得使用最高级",
    "无副作用": "不得断言安全性",
    "无毒": "不得断言安全性",
    "优于": "不得与其他药品比较",
    "专家推荐": "不得利用专业人士作推荐",
    "红包": "不得提供利益",
    "抽奖": "不得提供利益",
    "积分兑换": "不得提供利益",
}


def warnings(*texts: str) -> list[str]:
    """One sentence per suspicious word found."""
    whole = "\n".join(texts)
    return [f"“{word}”：{why}" for word, why in WORDS.items() if word in whole]
