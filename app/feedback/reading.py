"""What a rep's own words ask for: until when, about one physician or not, and whether two texts ask
for the same. Pure.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from datetime import date, timedelta

USUAL_DAYS, LONGEST_DAYS = 30, 365
ALIKE = 0.5  # share of pairs of characters that two texts have in common
_DIGITS = {c: n for n, c in enumerate("零一二三四五六七八九十")} | {"两": 2, "半": 0}
_SPAN = re.compile(r"(\d{1,3}|[一二两三四五六七八九十]|半)\s*个?\s*(天|日|周|星期|礼拜|月|年)")
_UNIT_DAYS = {"天": 1, "日": 1, "周": 7, "星期": 7, "礼拜": 7, "月": 30, "年": 365}
_NEVER = re.compile(r"永远|以后都|以后不|再也不|一直不|长期")
_PERSON = re.compile(r"他|她|这位|该医生|这个医生|主任|教授|本人|老师")
_DENIAL = re.compile(r"[不别勿没](?:要|想|用|再|看|发|推|感兴趣)*")
_SIGNS = re.compile(r"[\s\W_]+")


def until(text: str, today: date) -> date:
    """The first day on which it is over; a month from today when the text does not say."""
    folded = _fold(text)
    if re.search(r"今天|今日", folded):
        return today + timedelta(days=1)
    monday = today + timedelta(days=7 - today.weekday())
    if re.search(r"(?:下个?|过)(?:周|星期|礼拜).{0,2}再", folded):
        return monday
    if re.search(r"下个?(?:周|星期|礼拜)", folded):
        return monday + timedelta(days=7)
    if re.search(r"[这本]个?(?:周|星期|礼拜)|周末", folded):
        return monday
    if re.search(r"下个?月", folded):
        return _next_month(_next_month(today))
    if re.search(r"[这本]个?月|月底|月内|当月", folded):
        return _next_month(today)
    if re.search(r"[这本]个?季度|季度内", folded):
        return _next_month(today.replace(day=1, month=(today.month - 1) // 3 * 3 + 3))
    if re.search(r"今年|年内|年底", folded):
        return date(today.year + 1, 1, 1)
    if _NEVER.search(folded):
        return today + timedelta(days=LONGEST_DAYS)
    return today + timedelta(days=_span_days(folded) or USUAL_DAYS)


def named(text: str) -> str:
    """The text without its denials: a rule is about what somebody does not want."""
    return _DENIAL.sub(" ", _fold(text))


def is_about_one(text: str) -> bool:
    """Whether the words are about this physician and not about the content or the time."""
    return bool(_PERSON.search(_fold(text)))


def alike(one: str, others: Iterable[str]) -> bool:
    """Whether a text says what one of the others says, by pairs of characters (Dice)."""
    mine = _pairs(one)
    return any(_dice(mine, _pairs(other)) >= ALIKE for other in others)


def _span_days(folded: str) -> int:
    found = _SPAN.search(folded)
    if found is None:
        return 0
    amount, unit = found.groups()
    days = _UNIT_DAYS[unit]
    if amount == "半":
        return days // 2
    number = int(amount) if amount.isdecimal() else _DIGITS[amount]
    return min(LONGEST_DAYS, number * days)


def _next_month(day: date) -> date:
    return date(day.year + day.month // 12, day.month % 12 + 1, 1)


def _fold(text: str) -> str:
    return unicodedata.normalize("NFKC", text).lower()


def _pairs(text: str) -> set[str]:
    plain = _SIGNS.sub("", _fold(text))
    return {plain[n : n + 2] for n in range(max(1, len(plain) - 1))} - {""}


def _dice(one: set[str], other: set[str]) -> float:
    return 2 * len(one & other) / (len(one) + len(other)) if one and other else 0.0
