"""Spelling, forbidden names, likeness, and what a text speaks of."""

from __future__ import annotations

import pytest

from app.tagging import naming
from app.tagging.starter import CATEGORIES, SPOKEN, TAGS

NAMES = {
    naming.fold(raw): n for n, entry in enumerate(TAGS) for raw in (entry.name, *entry.synonyms)
}


FINDER = naming.Finder(NAMES)


def spoken(text: str) -> list[str]:
    return [TAGS[n].name for n in FINDER.find(text)]


@pytest.mark.parametrize("text", ["ＡＦ", "a f", " AF\u3000"])
def test_one_spelling_for_look_ups(text: str) -> None:
    assert naming.fold(text) == "af"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("房颤患者的抗凝怎么选？", ["房颤", "抗凝"]),
        ("非小细胞肺癌的靶向药", ["非小细胞肺癌", "靶向治疗"]),
        ("小细胞肺癌", ["小细胞肺癌"]),
        ("有没有房颤的资料", ["房颤"]),
        ("不知道房颤怎么管理", ["房颤"]),
        ("我不看高血压，想看心衰", ["心力衰竭"]),
        ("高血压的内容不感兴趣", []),
        ("没有糖尿病", []),
        ("af 合并 hf", ["房颤", "心力衰竭"]),
        ("safe half", []),
        ("ＭＤＴ和ＡＦ", ["多学科协作", "房颤"]),
        ("今天天气不错", []),
    ],
)
def test_what_a_text_speaks_of(text: str, found: list[str]) -> None:
    assert spoken(text) == found


@pytest.mark.parametrize("name", ["月处方量大", "处 方 量", "统-方", "已婚", "送礼对象", "爱喝酒"])
def test_prescription_volumes_and_private_life_are_no_tags(name: str) -> None:
    assert "标签不能包含" in naming.why_forbidden(name)


def test_the_starter_vocabulary_is_sound() -> None:
    keys = [entry.key for entry in TAGS]
    names = [naming.fold(raw) for entry in TAGS for raw in (entry.name, *entry.synonyms)]
    assert len(set(keys)) == len(keys) >= 60
    assert len(set(names)) == len(names), "a name means one tag only"
    known = {key for key, _, _ in CATEGORIES}
    assert set(SPOKEN) < known
    for entry in TAGS:
        assert entry.category in known
        assert entry.meaning
        assert entry.parent in {"", *keys}
        assert not any(map(naming.why_forbidden, (entry.name, entry.meaning, *entry.synonyms)))


def test_names_that_look_alike_are_found_and_others_are_not() -> None:
    names = [(naming.fold(entry.name), n) for n, entry in enumerate(TAGS)]
    best = naming.most_alike("房颤病人", names, 3)
    assert TAGS[best[0]].name == "房颤"
    assert naming.most_alike("xyz", names, 3) == []
