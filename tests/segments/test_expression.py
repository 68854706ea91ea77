"""The audience language: what it means, and where exactly a mistake is."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.segments import Unparseable, describe, parse, tag_names
from app.segments.expression import (
    All,
    AnyOf,
    FieldIs,
    Node,
    Not,
    Opened,
    Reachable,
    TagIs,
)  # fmt: skip

AF, HF = TagIs("房颤"), TagIs("心衰")


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("标签:房颤", AF),
        ("标签：房颤 且 标签:心衰", All((AF, HF))),
        ("标签:房颤且标签:心衰", All((AF, HF))),
        ("tag:房颤 and tag:心衰", All((AF, HF))),
        ("标签:房颤 或 标签:心衰 且 企微好友", AnyOf((AF, All((HF, Reachable("wecom")))))),
        ("(标签:房颤 或 标签:心衰) 且 企微好友", All((AnyOf((AF, HF)), Reachable("wecom")))),
        ("（标签:房颤）", AF),
        ("非 标签:房颤", Not(AF)),
        ("非非标签:房颤", Not(Not(AF))),
        ("not 关注公众号", Not(Reachable("oa"))),
        ('标签:"诊断或治疗 (新)" ≥ 0.5', TagIs("诊断或治疗 (新)", 0.5)),
        ("专科 = 心内科", FieldIs("specialty", "心内科")),
        ("城市＝云岭市", FieldIs("city", "云岭市")),
        ('医院="第一 医院"', FieldIs("hospital", "第一 医院")),
        ("近 30 天打开 ≥ 2", Opened(30, 2)),
        ("近30天打开>=2", Opened(30, 2)),
        ("全部", Reachable("all")),
        ("标签:诊断与治疗", TagIs("诊断与治疗")),
    ],
)
def test_what_an_expression_means(text: str, tree: Node) -> None:
    assert parse(text) == tree


@pytest.mark.parametrize(
    ("text", "position", "words"),
    [
        ("", 0, "请填写条件"),
        ("   ", 0, "请填写条件"),
        ("房颤", 0, "标签:房颤"),
        ("标签: ", 0, "需要标签的名字"),
        ("标签:房颤 且", 7, "这里需要一个条件"),
        ("且 标签:房颤", 0, "这里需要一个条件"),
        ("(标签:房颤", 6, "缺少右括号"),
        ("标签:房颤)", 5, "或者结束"),
        ("标签:房颤 标签:心衰", 6, "这里需要 且、或"),
        ("标签:房颤 ≥ 2", 6, "0 到 1"),
        ("年龄 = 30", 0, "没有“年龄”这个属性"),
        ("近天打开≥2", 0, "近 30 天打开"),
        ("非", 1, "这里需要一个条件"),
        ("(" * 50 + "全部" + ")" * 50, 41, "太深"),
        ("全部 且 " * 500 + "全部", 2000, "太长"),
    ],
)
def test_a_mistake_is_told_with_its_place_and_what_was_expected(
    text: str, position: int, words: str
) -> None:
    with pytest.raises(Unparseable) as caught:
        parse(text)
    assert caught.value.position == position
    assert words in str(caught.value)
    assert f"第 {position + 1} 个字" in str(caught.value)


@settings(max_examples=200)
@given(st.text(alphabet='标签:房颤且或非 ()=≥近30天打开专科"全部', max_size=30))
def test_any_text_is_understood_or_refused_with_a_place_inside_it(text: str) -> None:
    try:
        tree, place = parse(text), 0
    except Unparseable as problem:
        tree, place = None, problem.position
    assert 0 <= place <= len(text)
    assert tree is None or describe(tree)


def test_an_expression_can_be_read_back() -> None:
    tree = parse("标签:房颤 且 (专科 = 心内科 或 近30天打开 ≥ 2) 且 非 标签:心衰 ≥ 0.6")
    assert describe(tree) == (
        "有标签「房颤」，并且（专科是「心内科」，或者近 30 天打开过至少 2 次），"
        "并且不满足（有标签「心衰」（强度 ≥ 0.6））"
    )
    assert tag_names(tree) == {"房颤", "心衰"}
