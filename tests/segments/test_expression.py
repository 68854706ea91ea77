"""The audience language: what it means, and where exactly a mistake is."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.segments import Unparseable, describe, parse, tag_names
from app.segments.builder import Unbuildable, to_model, to_tree
from app.segments.expression import (
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
    wording,
)

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
        ("近 30 天打开 ≥ 2", Counted("open", 30, 2)),
        ("近30天打开>=2", Counted("open", 30, 2)),
        ("近30天打开", Counted("open", 30)),
        ("近7天读完 > 1 且 近90天留言 ≤ 1", All((Counted("read", 7, 2), Counted("msg", 90, 0, 1)))),
        ("近30天打开 < 2 次", Counted("open", 30, 0, 1)),
        ("近30天收到 = 2", Counted("recv", 30, 2, 2)),
        ("近30天打开 1-3 次 或 全部", AnyOf((Counted("open", 30, 1, 3), Reachable("all")))),
        ("近30天未打开", Counted("open", 30, 0, 0)),
        ("last 30 days not opened", Counted("open", 30, 0, 0)),
        ("past 7 days read >= 1", Counted("read", 7, 1)),
        ('活动:"春季 房颤" 未打开', CampaignIs("春季 房颤", "unopened")),
        ("campaign:spring not opened", CampaignIs("spring", "unopened")),
        ("人群:高潜房颤且名单:会议签到0912", All((SegmentIs("高潜房颤"), ListIs("会议签到0912")))),
        ("许可:企微推送 且 非 已退订", All((Reachable("may_wecom"), Not(Reachable("out"))))),
        ("医院等级 = 三甲", FieldIs("level", "三级甲等")),
        ("企微好友且城市=云岭市", All((Reachable("wecom"), FieldIs("city", "云岭市")))),
        ("非专科=肿瘤", Not(FieldIs("specialty", "肿瘤"))),
        ('标签:"他说""好"""', TagIs('他说"好"')),
        (
            "专科 = 肿瘤 且 近30天打开 ≥ 2 且 非 标签:已退订",
            All((FieldIs("specialty", "肿瘤"), Counted("open", 30, 2), Not(Reachable("out")))),
        ),
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
        ("近30天转发 ≥ 1", 0, "没有“转发”的数据"),
        ("近30天未打开 ≥ 1", 0, "不能再写次数"),
        ("近30天打开 3-1", 0, "前大后小"),
        ("近30天打开 < 0", 0, "不会小于 0"),
        ("近30天打开 ≥ -1", 7, "0 到 999 的整数"),
        ("近9999天打开", 0, "不超过 999 天"),
        ("专科 = ", 0, "后面需要一个值"),
        ("活动:春季", 5, "后面需要 已收到"),
        ("许可:短信", 0, "没有“短信”这种许可"),
        ("标签:房颤 < 0.5", 6, "非 标签:名称 ≥ 0.5"),
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


@pytest.mark.parametrize(
    "text", ["全部 且 近0天打开", "全部 且 近 00 天未打开", "全部 且 last 0 days read"]
)
def test_no_days_are_refused_when_they_are_written_and_read_where_they_are_saved(text: str) -> None:
    with pytest.raises(Unparseable, match="第 6 个字附近：近 0 天里一天也没有"):
        parse(text, fresh=True)
    assert describe(parse(text))
    assert parse("近1天打开", fresh=True) == Counted("open", 1)


@settings(max_examples=200)
@given(st.text(alphabet='标签:房颤且或非 ()=≥近30天打开专科"全部', max_size=30))
def test_any_text_is_understood_or_refused_with_a_place_inside_it(text: str) -> None:
    try:
        tree, place = parse(text), 0
    except Unparseable as problem:
        tree, place = None, problem.position
    assert 0 <= place <= len(text)
    assert tree is None or describe(tree)


NAMES = st.text(min_size=1, max_size=8).filter(lambda name: bool(name.strip()))
LEAVES = st.one_of(
    st.builds(TagIs, NAMES.filter(lambda n: n != "已退订"),
              st.integers(0, 1000).map(lambda n: n / 1000)),
    st.builds(FieldIs, st.sampled_from(("specialty", "hospital", "rep", "city")), NAMES),
    st.builds(FieldIs, st.just("level"), st.sampled_from(("三级甲等", "二级", "未定级"))),
    st.builds(
        lambda what, days, least, more: Counted(what, days, least, None if more is None
                                                else min(999, least + more)),
        st.sampled_from(("open", "read", "msg", "recv")), st.integers(0, 999), st.integers(0, 999),
        st.none() | st.integers(0, 9),
    ),
    st.builds(Reachable, st.sampled_from(("wecom", "oa", "all", "out", "may_wecom", "may_oa"))),
    st.builds(CampaignIs, NAMES, st.sampled_from(("got", "opened", "unopened"))),
    st.builds(ListIs, NAMES), st.builds(SegmentIs, NAMES),
)  # fmt: skip
TREES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.builds(Not, inner),
        st.builds(lambda p: All(tuple(p)), st.lists(inner, min_size=2, max_size=3)),
        st.builds(lambda p: AnyOf(tuple(p)), st.lists(inner, min_size=2, max_size=3)),
    ),
    max_leaves=8,
)


@settings(max_examples=300, deadline=None)
@given(TREES)
def test_a_tree_survives_its_text_and_the_builder(tree: Node) -> None:
    assert parse(wording(tree)) == tree
    shown = json.loads(json.dumps(to_model(tree)))
    built = to_tree(shown)
    assert built == tree
    assert parse(wording(built)) == tree
    assert describe(built)


@pytest.mark.parametrize(
    ("model", "words"),
    [
        ({"join": "all", "items": []}, "还没有条件"),
        ({"join": "all", "items": [{"leaf": "tag", "name": " "}]}, "还没有选名称"),
        ({"leaf": "count", "what": "open", "days": 30, "least": 3, "most": 1}, "前大后小"),
        ({"leaf": "count", "what": "open", "days": 3000}, "整数"),
        ({"leaf": "field", "field": "age", "value": "3"}, "没有选完"),
        ({"leaf": "tag", "name": "房颤", "at_least": 7}, "0 到 1"),
        ({"leaf": "nobody"}, "看不懂"),
        (7, "看不懂"),
    ],
)
def test_the_builder_says_what_is_missing(model: Any, words: str) -> None:
    with pytest.raises(Unbuildable, match=words):
        to_tree(model)


def test_an_expression_can_be_read_back() -> None:
    tree = parse("标签:房颤 且 (专科 = 心内科 或 近30天打开 ≥ 2) 且 非 标签:心衰 ≥ 0.6")
    assert describe(tree) == (
        "有标签「房颤」，并且（专科是「心内科」，或者近 30 天打开过至少 2 次），"
        "并且不满足（有标签「心衰」（强度 ≥ 0.6））"
    )
    assert tag_names(tree) == {"房颤", "心衰"}
