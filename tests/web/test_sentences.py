"""Sentences that domains raise and store, read back for readers of another language."""

from __future__ import annotations

import re
import time
from pathlib import Path

import pytest
from flask import Flask
from hypothesis import given, settings
from hypothesis import strategies as st

from app.web import language, sentences
from app.web.sentences import ALL, ESCAPED, LONGEST, NAMED, PLACE, Sentences
from launcher import assets
from tests.web.test_language import catalogue

ROOT = Path(__file__).parents[2]
KNOWN = catalogue()
ENGLISH = Sentences(KNOWN, "en")
VALUE = st.text("abcxyzABC019-_", min_size=1, max_size=12)


def places(form: str) -> list[str]:
    return list(dict.fromkeys(re.findall(r"\{\w+\}", form)))


def filled(form: str, values: dict[str, str]) -> str:
    return PLACE.sub(lambda place: values.get(place[0], place[0][0]), form)


FORMS = sorted(text for text in KNOWN if "%(" not in text and re.search(r"\{\w+\}", text))
MOST = max(len(places(form)) for form in FORMS)
TWINS: dict[str, list[str]] = {}
for one in FORMS:
    TWINS.setdefault(PLACE.sub("{}", one), []).append(one)


@settings(max_examples=20)
@given(st.lists(VALUE, min_size=MOST, max_size=MOST))
def test_every_form_is_read_back_with_its_values(values: list[str]) -> None:
    for form in FORMS:
        given_it = dict(zip(places(form), values, strict=False))
        assert ENGLISH.tell(filled(form, given_it)) in [
            filled(KNOWN[twin], dict(zip(places(twin), values, strict=False)))
            for twin in TWINS[PLACE.sub("{}", form)]
        ]


def test_forms_that_differ_in_the_names_of_places_alone_say_the_same() -> None:
    for twins in TWINS.values():
        assert len({PLACE.sub("{}", KNOWN[twin]) for twin in twins}) == 1, twins


def test_of_forms_that_fit_the_one_with_the_most_text_is_meant() -> None:
    both = {"没有标签{what}。": "no tag{what}", "没有标签分类 {1}。": "no category {1}"}
    for known in (both, dict(reversed(both.items()))):
        assert Sentences(known, "en").tell("没有标签分类 a。") == "no category a"


@pytest.mark.parametrize(
    ("chinese", "english"),
    [
        ("没有词表版本 7。", "There is no version 7 of the vocabulary."),
        ("没有这个版本。请先暂停，再修改推送。",
         "There is no such version. Pause the push before you change it."),
        ("“草稿”的规则不能停用。", "A rule that is “Draft” does not allow “Disable”."),
        ("没有标签“全部”，请从词表中选择。",
         "Tags: “全部” is not known, choose one from the vocabulary."),
        ("人群条件：没有名单“展台”，相近的有：展会、展台一。",
         "The audience's condition: List: “展台” is not known, similar: 展会、展台一."),
        ("医生已退订；7 天内已联系 3 次，达到上限",
         "Opted out; Contacted 3 times within 7 days, the cap is reached"),
        ("文件里没有“手机号”这一列，列名有：姓名、标签。",
         "The file has no column “手机号”. Its columns are: 姓名、标签."),
        ("没有人群“会义”，相近的有：会议、草稿。",
         "Audiences: “会义” is not known, similar: 会议、草稿."),
        ("标签“甲”的上级标签绕了一圈又回到自己。 没有这个版本。",
         "The broader tags of the tag “甲” lead back to itself. There is no such version."),
        ("人群“甲”还在使用：推送“乙”、排除规则。请先从那里去掉，再删除。",
         "Still in use: audience “甲”, by push “乙”, Rules of sparing. "
         "Take it out there before you delete it."),
        ("医生在排除名单里：展台", "Spared by a list or audience: 展台"),
        ("市场规则 4：9月27日前不推荐", "Feedback rule 4: not suggested before 27 Sep"),
        ("会议还没有开始（09月27日 08:00）。", "The meeting has not begun (27 Sep 08:00)."),
        ("人工确认已送达（admin）", "Somebody says it was delivered (admin)"),
        ("成员不在应用的可见范围内，请管理员检查",
         "The member is not in the application's visible range, an administrator should check"),
        ("已放弃：医生走了（没有这个版本。）", "Given up: 医生走了 (There is no such version.)"),
        ("已放弃：重复（旧）（没有这个版本。）", "Given up: 重复（旧） (There is no such version.)"),
        ("已放弃：走（了（人工确认已送达（admin））",
         "Given up: 走（了 (Somebody says it was delivered (admin))"),
        ("没有标签“甲”乙”。", "There is no tag “甲”乙”."),
        ("没有人群“会”义”，相近的有：会议、草稿。",
         "Audiences: “会”义” is not known, similar: 会议、草稿."),
        ("导入 医生", "Imported 医生"),
        ("《甲》由公众号发给 王医生。医生已退订",
         "“甲” goes to 王医生 by Official Account. Opted out"),
        ("These columns were not used: 备注、医生、电话",
         "These columns were not used: 备注、医生、电话"),
        ("It failed：医生（医生）；医生。", "It failed：医生（医生）；医生。"),
        ("第 3 个字附近：看不懂“吗”；标签要写成 标签:吗",
         "Near character 3: “吗” cannot be read; a tag is written tag:吗"),
    ],
)  # fmt: skip
def test_what_it_says(chinese: str, english: str) -> None:
    assert ENGLISH.tell(chinese) == english


@pytest.mark.parametrize(
    "text",
    [
        "王医生说第 3 行：看不清楚。",  # a short form, and nobody knows what its value says
        "这个月别再发抗凝", "缺少", "“”", "：", "（）", "<b>没有</b>", "{name}", "plain",
        "第" * 3000, "没有这个版本。" * 300,
    ],
)  # fmt: skip
def test_what_is_no_sentence_of_ours_stays_as_it_was_written(text: str) -> None:
    assert ENGLISH.tell(text) == text


@given(st.text("没有标签“”；。：、（）人群条件第 行x\n", max_size=60))
def test_any_text_is_told(text: str) -> None:
    ENGLISH.tell(text)


def cut(form: str) -> list[str]:
    """Its texts before, between and after its places, as they are said."""
    texts = [""]
    for number, part in enumerate(PLACE.split(form)):
        if number % 2 and part not in ESCAPED:
            texts.append("")
        else:
            texts[-1] += ESCAPED.get(part, part)
    return texts


def test_no_form_has_many_places_that_end_anywhere() -> None:
    """Each more makes the worst text a hundred times as slow, see below. One that ends the form
    takes all that is left."""
    for form in FORMS:
        *before, last = cut(form)
        found = [NAMED.get(text[-1:], ".*") for text in (before if last else before[:-1])]
        assert found.count(".*") <= 3, form


def test_any_text_is_told_in_little_time() -> None:
    began = time.process_time()
    for form in FORMS:
        first, *inner, _last = cut(form)
        room = (LONGEST - len(first) - 1) // max(1, len(inner))
        among = "".join(text * (room // len(text)) for text in inner) or "第" * room
        piece = f"{first}{among}x"
        so_far = time.process_time()
        ENGLISH.tell("；".join([piece] * (ALL // (len(piece) + 1))))
        assert time.process_time() - so_far < 1, form
    assert time.process_time() - began < 2


def test_each_language_reads_refusals_its_way(tmp_path: Path) -> None:
    assets.compile_catalogues()
    app = Flask("yishu", root_path=str(ROOT))
    language.init_app(app)
    refused = "没有标签“<b>”。"
    with app.test_request_context(headers={"Accept-Language": "zh-CN"}):
        assert sentences.said(refused) is refused
    with app.test_request_context(headers={"Accept-Language": "en"}):
        assert sentences.said(refused) == "There is no tag “<b>”."
        assert sentences.said(None) == sentences.said("") == sentences.noted(None) == ""
        assert sentences.said("草稿") == "Draft"
        assert sentences.noted("草稿") == "草稿", "what a person wrote is no word of our pages"
        assert sentences.noted("撤销版本 7") == "Undo version 7"
    assert sentences.said(refused) is refused, "nobody reads it"
