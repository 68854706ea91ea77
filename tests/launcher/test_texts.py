"""What of the code is a text for the catalogues, and as what."""

from __future__ import annotations

import ast
import io
from textwrap import dedent

import pytest

from launcher.texts import extract, form, texts

SOURCE = dedent(
    '''
    """文档"""
    WORDS = re.compile("中文|英文")
    NAMES = {"键": "草稿", "many": ("看哪些", "词")}

    def find(number):
        """没有"""
        if number in {"甲"} or number == "乙":
            raise Refused("请先选择。")
        note = _("页面上的话")
        when = f"{at.month}月{at.day}日"
        raise NotFound(f"没有词表版本 {number:,}，" f"{'' if number else '请先建立'}。")
    '''
)


def test_every_text_that_is_said_and_nothing_that_is_only_looked_for() -> None:
    found = [text for _line, text in texts(SOURCE)]
    assert found == ["草稿", "请先选择。", "页面上的话", "没有词表版本 {number}，{2}。", "请先建立"]


def test_pages_name_their_words_themselves() -> None:
    only = extract(io.BytesIO(SOURCE.encode()), {"_": None}, (), {"gettext": "yes"})
    assert [(function, text) for _line, function, text, _comments in only] == [
        ("_", "页面上的话"), (None, "请先选择。"), (None, "没有词表版本 {number}，{2}。"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ('f"没有标签“{tag.name}”"', "没有标签“{name}”"),
        ('f"“{a.name}”并入“{b.name}”"', "“{name}”并入“{2}”"),
        ('f"看不懂“{word}”：标签:{word}"', "看不懂“{word}”：标签:{word}"),
        ('f"“{NAMES[now]}”的内容，最多 {MOST:,} 篇"', "“{NOW}”的内容，最多 {MOST} 篇"),
        ("f\"可用：{'、'.join(sorted(known))}\"", "可用：{1}"),
        ('f"由{one}{other}写的 {{x}}"', "由{1}写的 {{x}}"),
        ('f"市场规则 {rule.id}：{day.month}月{day.day}日前"', "市场规则 {id}：{date}前"),
        ('f"{at:%m月%d日 %H:%M} 之后"', "{at} 之后"),
    ],
)
def test_an_f_string_is_a_form_with_named_places(written: str, said: str) -> None:
    parsed = ast.parse(written, mode="eval").body
    assert isinstance(parsed, ast.JoinedStr)
    assert form(parsed) == said
