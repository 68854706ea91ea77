"""English is a complete second language: every text has one, with the same placeholders."""

from __future__ import annotations

import io
import re
from pathlib import Path

import pytest
from babel.messages.extract import extract_from_dir
from babel.messages.frontend import parse_mapping_cfg
from babel.messages.pofile import read_po
from jinja2 import Environment, nodes

ROOT = Path(__file__).parents[2]
CHINESE = re.compile(r"[\u4e00-\u9fff]")
PUNCTUATION = re.compile("[，。：；！？、（）《》「」]")
WORDS_OF_THE_LANGUAGE = "标签:"  # the audience language itself is named in its help
TOLD_OTHERWISE = {
    "{known}"
}  # lists the words of the audience language, which has others in English


def extracted() -> set[str]:
    methods, options = parse_mapping_cfg((ROOT / "babel.cfg").open())
    keywords = {"_": None, "gettext": None, "_l": None, "lazy_gettext": None}
    found = extract_from_dir(str(ROOT), methods, options, keywords)
    return {message for _, _, message, _, _ in found if isinstance(message, str)}


def catalogue() -> dict[str, str]:
    text = (ROOT / "translations/en/LC_MESSAGES/messages.po").read_bytes()
    return {str(m.id): str(m.string) for m in read_po(io.BytesIO(text), "en") if m.id}


def test_every_text_on_a_page_has_its_english() -> None:
    texts, known = extracted(), catalogue()
    assert texts - set(known) == set(), "add them to translations/en"
    assert set(known) - texts == set(), "no page says these any more"
    assert [chinese for chinese, english in known.items() if not english] == []


def test_both_languages_have_the_same_placeholders() -> None:
    for chinese, english in catalogue().items():
        assert sorted(re.findall(r"%\(\w+\)s", chinese)) == sorted(
            re.findall(r"%\(\w+\)s", english)
        )
        places, said = (set(re.findall(r"\{\w+\}", text)) for text in (chinese, english))
        assert said in (places, places - TOLD_OTHERWISE), chinese


@pytest.mark.parametrize("folder", ["console", "physician", "rep", "_shared"])
def test_chinese_punctuation_is_part_of_a_text(folder: str) -> None:
    """Beside one it would stand on English pages as well."""
    environment = Environment(
        autoescape=True, extensions=["jinja2.ext.do", "jinja2.ext.loopcontrols"]
    )
    for path in sorted((ROOT / "templates" / folder).rglob("*.html")):
        tree = environment.parse(path.read_text(encoding="utf-8"))
        said = {text for call in tree.find_all(nodes.Call) if getattr(call.node, "name", "") == "_"
                for text in call.args}  # fmt: skip
        bare = [one.data for one in tree.find_all(nodes.TemplateData)]
        bare += [str(one.value) for one in tree.find_all(nodes.Const) if one not in said]
        assert [text for text in bare if PUNCTUATION.search(text)] == [], path.name


def test_no_filter_of_ours_is_given_a_constant() -> None:
    """Jinja works such a one out when it compiles, in the language of the first reader."""
    environment = Environment(
        autoescape=True, extensions=["jinja2.ext.do", "jinja2.ext.loopcontrols"]
    )
    for path in sorted((ROOT / "templates").rglob("*.html")):
        for one in environment.parse(path.read_text(encoding="utf-8")).find_all(nodes.Filter):
            ours = one.name not in environment.filters
            assert not (ours and isinstance(one.node, nodes.Const)), (
                path.name,
                one.name,
                one.lineno,
            )


def test_english_is_english() -> None:
    for english in catalogue().values():
        if WORDS_OF_THE_LANGUAGE not in english:
            assert not CHINESE.search(english), english
