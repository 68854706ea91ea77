"""Names of institutions, departments and titles: what is the same, and what can never be."""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rapidfuzz.distance import JaroWinkler

from app.hospitals import departments, names, titles, veto
from app.hospitals.names import Kind
from app.hospitals.normalise import arabic, key

PIECES = ("四川大学", "华西", "第一", "第2", "三", "人民", "中心", "中医", "妇幼保健院", "儿童", "附属",
          "医院", "（东院区）", "(原", "南通市", "三里镇", "卫生院", "）", " ", "分院", "903")  # fmt: skip
some_name = st.lists(st.sampled_from(PIECES), max_size=7).map("".join) | st.text(max_size=12)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("南通市第一人民医院", "南通市第1人民醫院"),
        ("解放军第九〇三医院", "解放军第903医院"),
        ("市第十二医院", "市12医院"),
        ("市第一百二十医院", "市第１２０医院"),
        ("武汉大学人民医院（东院）", "武汉大学人民医院 (东院)"),
        ("北京·朝阳医院", "北京朝阳医院"),
    ],
)
def test_ways_of_writing_a_name_are_one_key(one: str, other: str) -> None:
    assert key(one) == key(other)


@given(some_name)
def test_a_key_is_its_own_key(name: str) -> None:
    assert key(key(name)) == key(name)


@given(st.integers(1, 99))
def test_chinese_numbers_are_read(number: int) -> None:
    tens, ones = divmod(number, 10)
    digits = " 一二三四五六七八九"
    text = f"{digits[tens] if tens > 1 else ''}{'十' if tens else ''}{digits[ones] if ones else ''}"
    assert arabic(f"第{text}医院") == f"第{number}医院"


@given(some_name, some_name)
def test_a_veto_is_symmetrical_and_never_against_oneself(one: str, other: str) -> None:
    assert veto.differ(one, other) == veto.differ(other, one)
    assert not veto.differ(one, one)
    assert not (key(one) == key(other) and veto.differ(one, other))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("四川大学华西医院", "四川大学华西第二医院"),
        ("华西第二医院", "华西第四医院"),
        ("上海市中医医院", "上海市中西医结合医院"),
        ("南通市妇幼保健院", "南通市妇女儿童医院"),
        ("南通市人民医院", "南通市中心医院"),
        ("北京大学医院", "北京大学附属医院"),
        ("瑞金医院", "瑞金医院卢湾分院"),
        ("同济医院（光谷院区）", "同济医院（中法新城院区）"),
        ("解放军第903医院", "解放军第906医院"),
        ("某某市口腔医院", "某某市肿瘤医院"),
        ("安乐动物医院", "安乐医院"),
        ("杭州市第一人民医院", "温州市第一人民医院"),
        ("三里镇卫生院", "五里镇卫生院"),
    ],
)
def test_names_that_contradict_each_other_are_two_institutions(one: str, other: str) -> None:
    assert veto.differ(one, other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("四川大学华西医院", "华西医院"),
        ("江苏省南通市人民医院", "南通市人民医院"),
        ("江南大学附属医院（无锡市第四人民医院）", "无锡市第四人民医院"),
        ("吉林大学第一医院", "吉林大学第1医院"),
        ("同济医院", "同济医院光谷院区"),
    ],
)
def test_nothing_contradicts_what_says_only_more(one: str, other: str) -> None:
    assert not veto.differ(one, other)


def test_every_pair_of_the_reference_list_that_differs_by_number_is_vetoed(shared: Path) -> None:
    pairs = list(_similar_pairs(shared / "data/hospitals_cn/hospitals.csv"))
    by_number = [(a, b) for a, b in pairs if _numerals(a) != _numerals(b)]
    missed = [(a, b) for a, b in by_number if not veto.differ(a, b)]
    assert len(pairs) > 2000
    assert len(by_number) > 850
    # one hospital, listed twice, with a broken 一 in one of the two
    assert [pair for pair in missed if "--" not in pair[0]] == []


def _similar_pairs(path: Path) -> Iterator[tuple[str, str]]:
    by_city: dict[str, set[str]] = defaultdict(set)
    with path.open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            by_city[row["city"]].add(row["name"])
    for city, here in sorted(by_city.items()):
        for a, b in combinations(sorted(here), 2) if city else ():
            if JaroWinkler.similarity(a, b) >= 0.92 and key(a) != key(b):
                yield a, b


def _numerals(name: str) -> list[str]:
    return sorted(c for c in name if c in "一二三四五六七八九十0123456789")


def test_names_in_brackets_are_further_names() -> None:
    name = names.read("漯河市立医院(漯河市骨科医院、漯河医学高等专科学校第二附属医院)")
    assert name.official == "漯河市立医院"
    assert [also.name for also in name.aliases] == [
        "漯河市骨科医院", "漯河医学高等专科学校第二附属医院",
    ]  # fmt: skip


def test_a_former_name_is_told_from_a_place_that_begins_with_the_same_word() -> None:
    former = names.read("深圳市宝安区中心医院(原西乡人民医院)").aliases[0]
    assert (former.name, former.kind) == ("西乡人民医院", Kind.FORMER)
    assert names.read("某医院（原平市人民医院）").aliases[0].name == "原平市人民医院"


@pytest.mark.parametrize(
    ("text", "base", "campus"),
    [
        ("同济医院（光谷院区）", "同济医院", "光谷院区"),
        ("武汉大学人民医院（东院）", "武汉大学人民医院", "东院"),
        ("北京积水潭医院回龙观院区", "北京积水潭医院", "回龙观院区"),
        ("瑞金医院卢湾分院", "瑞金医院", "卢湾分院"),
        ("开滦(集团)有限责任公司唐家庄医院", "开滦（集团）有限责任公司唐家庄医院", ""),
    ],
)
def test_a_campus_is_split_off(text: str, base: str, campus: str) -> None:
    name = names.read(text)
    assert (name.base, name.campus) == (base, campus)


def test_institutes_networks_and_general_words_wait_for_a_person() -> None:
    for bracket in (
        "辽宁省肿瘤研究所",
        "宾县医共体总医院",
        "绍兴市妇幼保健院互联网医院",
        "维吾尔医医院",
    ):
        name = names.read(f"某某医院（{bracket}）")
        assert (name.aliases, name.held) == ((), (bracket,))


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("心内科", "心血管内科"), ("心脏内科", "心血管内科"), ("心内一科", "心血管内科"),
        ("心血管内科二病区", "心血管内科"), ("心內科門診", "心血管内科"), ("呼吸与危重症医学科", "呼吸内科"),
        ("ICU", "重症医学科"), ("骨二科", "骨科"), ("普外科（东院区）", "普通外科"), ("骨科", "骨科"),
        ("心内科/老年科", "心血管内科"), ("妇产科", "妇产科"), ("科", None), ("", None), ("院长办公室", None),
    ],
)  # fmt: skip
def test_departments_have_one_name(text: str, wanted: str | None) -> None:
    assert departments.standard(text) == wanted


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("主任", "主任医师"), ("副高", "副主任医师"), ("主治", "主治医师"), ("副主任医師", "副主任医师"),
        ("教授、主任医师", "主任医师"), ("主任医师(博导)", "主任医师"), ("科主任", None), ("教授", None),
        ("", None), ("主任药师", "主任药师"),
    ],
)  # fmt: skip
def test_titles_have_one_name(text: str, wanted: str | None) -> None:
    assert titles.standard(text) == wanted


@pytest.mark.parametrize("book", [departments, titles])
def test_standard_names_are_their_own_standard(book: object) -> None:
    listed = book.names()  # type: ignore[attr-defined]
    assert len(listed) >= 18
    assert [book.standard(name) for name in listed] == list(listed)  # type: ignore[attr-defined]
    assert len(departments.names()) >= 60
