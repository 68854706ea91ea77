"""A reason says the same in both languages, with the words that it was made with."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st

from app.recommend.fit import forms
from app.recommend.fit.forms import Form
from app.web import language, reasons
from launcher import assets
from tests.web.test_language import CHINESE

ROOT = Path(__file__).parents[2]
TEXT = st.text(min_size=1, max_size=20)
WHEN = st.one_of(st.sampled_from(("今天", "昨天")), st.integers(2, 999).map("{} 天前".format))
WORDS = {
    "name": TEXT, "tag": TEXT, "title": TEXT, "when": WHEN,
    "days": st.integers(1, 90).map(str), "times": st.integers(0, 99).map(str),
}  # fmt: skip
EXAMPLES = {"name": "AF month", "tag": "atrial fibrillation", "title": "100 % of it",
            "when": "3 天前", "days": "7", "times": "2"}  # fmt: skip


def words_of(form: Form) -> list[str]:
    return re.findall(r"\{(\w+)\}", form.value)


@pytest.fixture(scope="module")
def app() -> Flask:
    assets.compile_catalogues()
    made = Flask("yishu", root_path=str(ROOT))
    language.init_app(made)
    return made


@given(st.sampled_from(list(Form)), st.data())
def test_a_reason_is_read_back_as_it_was_said(form: Form, data: st.DataObject) -> None:
    words = {name: data.draw(WORDS[name], label=name) for name in words_of(form)}
    assert forms.read(form.say(**words)) == forms.Said(form, words)


@pytest.mark.parametrize("form", list(Form))
def test_every_reason_is_said_in_both_languages(app: Flask, form: Form) -> None:
    words = {name: EXAMPLES[name] for name in words_of(form)}
    sentence = form.say(**words)
    with app.test_request_context(headers={"Accept-Language": "zh-CN"}):
        assert reasons.reasons_said([sentence]) == [sentence]
    with app.test_request_context(headers={"Accept-Language": "en"}):
        (told,) = reasons.reasons_said([sentence])
    assert not CHINESE.search(told)
    for name, word in words.items():
        assert ("3 days ago" if name == "when" else word) in told
    twice = [other for other in Form if reasons.SAYINGS[other] == reasons.SAYINGS[form]]
    assert twice == [form]


@pytest.mark.parametrize(("when", "english"), [("今天", "today"), ("昨天", "yesterday")])
def test_days_are_told_in_english(app: Flask, when: str, english: str) -> None:
    with app.test_request_context(headers={"Accept-Language": "en"}):
        assert reasons.reasons_said([Form.LAST_CONTACT.say(when=when)]) == [
            f"Last contact {english}"
        ]


def test_what_an_older_version_wrote_otherwise_stays_as_it_was_written(app: Flask) -> None:
    old = ["最近常读房颤的内容", "标签「房颤」"]
    with app.test_request_context(headers={"Accept-Language": "en"}):
        assert reasons.reasons_said(old) == [old[0], "Tag “房颤”"]
        assert reasons.to_reader(["读过「AF」内容（昨天）", *old]) == ["You read about “AF”"]
