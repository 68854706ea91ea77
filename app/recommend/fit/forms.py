"""The sentences that a reason can be, and reading one back into its form and its words. Pure.

A suggestion keeps its reasons as the Chinese sentences that its card says, each one of these forms
with words put in. So a page in another language needs nothing but the sentence: it says the same
form with the same words, also of suggestions that are old.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Form(StrEnum):
    """One kind of reason; the value is its sentence."""

    PUSH = "市场推送：{name}"
    LATER = "您上次选择了“稍后”"
    BESIDE = "您在聊天侧边栏里选择"
    NEAR = "读过《{title}》的医生也常读这一篇"
    READ_ABOUT = "读过「{tag}」内容（{when}）"
    WECOM_TAG = "企微标签「{tag}」（{when}）"
    CUSTOMER_TAG = "客户标签「{tag}」（{when}）"
    MARKETING_TAG = "市场活动标签「{tag}」（{when}）"
    BEHAVED = "近期行为符合「{tag}」（{when}）"
    VERIFIED = "核实过的标签「{tag}」（{when}）"
    CRM = "CRM 记录关注「{tag}」"
    SCANNED = "扫码渠道关注「{tag}」（{when}）"
    MENTIONED = "主动提到「{tag}」（{when}）"
    COLLEAGUE = "同事标注「{tag}」（{when}）"
    REP_SAID = "代表反馈：关注「{tag}」"
    TAG = "标签「{tag}」"
    READ = "{when}读完《{title}》"
    READ_SOMETHING = "{when}读完一份资料"
    OPENED = "{when}打开过《{title}》"
    OPENED_SOMETHING = "{when}打开过一份资料"
    WROTE = "{when}给公众号留过言"
    USED_MENU = "{when}用过公众号菜单"
    FOLLOWED = "{when}关注了公众号"
    LAST_CONTACT = "上次互动 {when}"
    NO_CONTACT = "还没有互动记录"
    RULE = "{days} 天内联系不超过 {times} 次"

    def say(self, **words: object) -> str:
        """The sentence with these words."""
        return self.value.format(**words)


@dataclass(frozen=True, slots=True)
class Said:
    """What a sentence says."""

    form: Form
    words: Mapping[str, str]


def read(sentence: str) -> Said | None:
    """The form and the words of a reason; None for a sentence that is none of these."""
    for form, pattern in _PATTERNS.items():
        if found := pattern.fullmatch(sentence):
            return Said(form, found.groupdict())
    return None


OF_ACCOUNT = (Form.WROTE, Form.USED_MENU, Form.FOLLOWED, Form.MENTIONED)


def tells_of_account(sentence: str) -> bool:
    """Whether it tells what somebody did in the chat with the Official Account."""
    said = read(sentence)
    return said is not None and said.form in OF_ACCOUNT


def days_ago(days: int) -> str:
    """今天, 昨天, or N 天前."""
    return {0: "今天", 1: "昨天"}.get(days, f"{days} 天前")


def later(sentence: str, days: int) -> str:
    """What a reason says when it is read so many days after it was written; fewer than none: as
    many before."""
    said = read(sentence)
    if said is None or "when" not in said.words:
        return sentence
    told = said.words["when"]
    past = {"今天": 0, "昨天": 1}.get(told)
    past = int(told.split()[0]) if past is None else past
    return said.form.say(**{**said.words, "when": days_ago(max(0, past + days))})


_WORDS = {"when": r"今天|昨天|\d+ 天前", "days": r"\d+", "times": r"\d+"}


def _pattern(form: Form) -> re.Pattern[str]:
    parts = re.split(r"\{(\w+)\}", form.value)  # text, name, text, name, …, text
    said = (
        f"(?P<{part}>{_WORDS.get(part, '.*')})" if n % 2 else re.escape(part)
        for n, part in enumerate(parts)
    )
    return re.compile("".join(said), re.DOTALL)


_PATTERNS = {form: _pattern(form) for form in Form}
