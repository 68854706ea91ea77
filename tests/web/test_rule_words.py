"""Rules of automatic tags, and the evidence that they gave, are read in either language."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import product
from types import SimpleNamespace

import pytest
from flask import Flask

from app import autotag
from app.autotag import deeds
from app.autotag.deeds import NOTHING, About, Act, Deed
from app.autotag.definition import read
from app.autotag.rules import (
    EACH,
    OF_CONTENT,
    Condition,
    Count,
    First,
    Meaning,
    Pick,
    Recent,
    Rule,
    Silent,
    Then,
    holds,
)
from app.autotag.starter import STARTER
from app.tagging import Source
from app.web import language
from app.web.rule_words import evidence_said
from launcher import assets
from tests.web.test_language import CHINESE, ROOT, catalogue

KNOWN = catalogue()
MEANING = Meaning({"af": 1}, {1: "Afib，new"}, frozenset({1}))
NOON = datetime(2026, 1, 10, 4, tzinfo=UTC)
TODAY = deeds.day_of(NOON)


def english(text: str) -> str:
    return KNOWN[text]


def every_pick() -> Iterator[Pick]:
    for act in Act:
        if act in OF_CONTENT:
            yield from (Pick(act, tag, long) for tag, long in product(("", EACH), ("", "long")))
        elif act is Act.MESSAGE:
            yield Pick(act, words=("a，b", "b"))
        yield Pick(act)


def conditions_of(pick: Pick, other: Pick) -> list[Condition]:
    return [Count(pick, 1, 30), Count(pick, 1, None), Recent(pick, 30), First(pick, 9),
            Silent(pick, 1), Then(pick, other, 9)]  # fmt: skip


def evidence() -> Iterator[str]:
    """Of each kind of condition about each kind of deed, alone and beside another."""
    about = About(3, frozenset({1}), 400)
    for pick in every_pick():
        other = Pick(Act.MESSAGE, words=("a，b",))
        for days, condition in product((0, 1, 5), conditions_of(pick, other)):
            at = NOON - timedelta(days=days)
            kind = about if pick.act in OF_CONTENT else NOTHING._replace(text="a，b")
            first = Deed(at, deeds.day_of(at), kind)
            then = Deed(at + timedelta(hours=1), first.day, About(text="a，b"))
            journey = {Act.MESSAGE: [then]} | {pick.act: [first]}
            if pick.act is Act.MESSAGE:
                journey = {Act.MESSAGE: [first, then]}
            rule = Rule("", (condition, Count(pick, 0, 5)), each=("topic",))
            if pick.tagged != EACH:
                rule = Rule("af", (condition, Count(pick, 0, 5)))
            yield from (one.said for one in holds(rule, journey, TODAY, MEANING).values())


def test_all_evidence_of_rules_is_read_back_and_said_in_english() -> None:
    found = sorted(set(evidence()))
    assert len(found) > 100
    for said in found:
        assert autotag.retold(said, str) == said
        told = str(autotag.retold(said, english)).replace("Afib，new", "")
        assert not CHINESE.search(told), (said, told)
        assert not re.search(r"%\(|  ", told), told


@pytest.mark.parametrize(
    ("said", "english_of_it"),
    [
        ("近 30 天读完 3 篇「术后 3 天内随访」内容",
         "read 3 pieces of content about “术后 3 天内随访” in the last 30 days"),
        ("扫码后 7 天内打开「术后 3 天内随访」内容",
         "scanned a code, then within 7 days opened content about “术后 3 天内随访”"),
        ("近 30 天读完「甲，后”来」内容，昨天留言（提到“a”，b”）",
         "read content about “甲，后”来” in the last 30 days, "
         "wrote to the account (mentioning “a”，b”) yesterday"),
    ],
)  # fmt: skip
def test_names_with_marks_of_our_own_are_read_back(said: str, english_of_it: str) -> None:
    assert autotag.retold(said, str) == said
    assert autotag.retold(said, english) == english_of_it


@pytest.mark.parametrize(("name", "definition"), STARTER)
def test_a_rule_is_a_sentence_in_english(name: str, definition: dict[str, object]) -> None:
    told = autotag.sentence(read(definition), MEANING, {}, english)
    plain = re.sub("“[^”]*”", "", told)  # names, and words that people write
    assert told.startswith("Physicians who "), name
    assert told.endswith("%.")
    assert not CHINESE.search(plain), plain


def test_what_a_tag_rests_on_follows_the_reader() -> None:
    assets.compile_catalogues()
    app = Flask("app", root_path=str(ROOT))
    language.init_app(app)
    rule = SimpleNamespace(
        source=Source.RULE, evidence="近 30 天读完 3 篇「房颤」内容，昨天扫码 2 次"
    )
    with app.test_request_context("/?lang=zh"):
        assert evidence_said(rule) == rule.evidence
    with app.test_request_context("/?lang=en"):
        assert evidence_said(rule) == (
            "Read 3 pieces of content about “房颤” in the last 30 days, scanned a code 2 times yesterday"
        )
        other = SimpleNamespace(source=Source.PERSON, evidence="草稿")
        assert evidence_said(other) == "草稿", "a person's own words"
