"""Words that no tag may carry, and why. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

_VOLUME = "按规定不得收集医生个人的处方量"
_PRIVATE = "不得记录医生的私人生活"
_BENEFIT = "不得向医生输送利益"
_WORDS = {
    _VOLUME: (
        "处方量", "处方数", "处方额", "处方金额", "处方排名", "统方", "用药量", "开药量",
        "开方量", "月用量",
    ),
    _BENEFIT: (
        "回扣", "红包", "返点", "返利", "带金", "送礼", "礼品", "礼金", "宴请", "好处费",
    ),
    _PRIVATE: (
        "婚姻", "已婚", "未婚", "离异", "离婚", "配偶", "恋爱", "家庭住址", "家住", "宗教",
        "政治面貌", "收入", "房产", "负债", "身份证", "生日", "酒量", "好酒", "爱喝酒",
    ),
}  # fmt: skip

FORBIDDEN: Mapping[str, str] = MappingProxyType(
    {word: why for why, words in _WORDS.items() for word in words}
)
