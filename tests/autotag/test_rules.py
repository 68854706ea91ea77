"""What rules say, compared with counting by hand; and what they must keep to."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.autotag import Shown, State, TagRule, deeds, past
from app.autotag.deeds import About, Act, Step
from app.autotag.definition import read, write
from app.autotag.rules import Count, First, Meaning, Pick, Recent, Rule, Silent, Then, holds
from app.autotag.sentence import sentence
from app.autotag.starter import STARTER
from app.autotag.suggest import suggest
from app.infra.errors import Refused
from app.tagging import naming
from app.tagging.lexicon import Named
from app.web.console.tags.rule_form import holds_all

BEGIN = datetime(2026, 1, 1, 4, tzinfo=UTC)
TODAY = deeds.day_of(BEGIN + timedelta(days=60))
KINDS = ("content_opened", "content_read", "message_received", "content_sent", "followed")
MEANING = Meaning({"af": 1, "pci": 2}, {1: "房颤", 2: "介入"}, frozenset({1, 2}))

steps = st.lists(
    st.builds(
        lambda kind, hours, content, text: (
            kind, BEGIN + timedelta(hours=hours),
            About(content, frozenset({content % 3} - {0}), content * 100)
            if kind.startswith("content") else About(text=text),
        ),
        st.sampled_from(KINDS), st.integers(0, 24 * 70), st.integers(1, 5),
        st.sampled_from(("房颤怎么办", "你好")),
    ),
    max_size=14,
)  # fmt: skip


def judge(given_steps: list[Step], *conditions: Any, today: int = TODAY) -> bool:
    rule = Rule("af", tuple(conditions))
    return bool(holds(rule, deeds.of(given_steps, today), today, MEANING))


def days(given_steps: list[Step], kind: str, *, tag: int = 0) -> list[int]:
    """Days up to today on which it happened, by hand."""
    found = [deeds.day_of(at) for k, at, about in given_steps if k == kind
             and (not tag or tag in about.tags)]  # fmt: skip
    return sorted(day for day in found if day <= TODAY)


@settings(deadline=None, max_examples=120)
@given(steps, st.integers(1, 40), st.integers(1, 3))
def test_conditions_say_what_counting_by_hand_says(
    happened: list[Step], window: int, times: int
) -> None:
    said = days(happened, "message_received")
    message, first = Pick(Act.MESSAGE), TODAY - window + 1
    inside = [day for day in said if day >= first]
    assert judge(happened, Count(message, times, window)) == (len(inside) >= times)
    assert judge(happened, Count(message, 0, window, 1)) == (len(inside) <= 1)
    assert judge(happened, Recent(message, window)) == bool(inside)
    assert judge(happened, Silent(message, window)) == bool(said and TODAY - said[-1] > window)
    assert judge(happened, First(message, window)) == bool(said and said[0] >= first)
    about = {a.content for k, at, a in happened if k == "content_read" and 1 in a.tags
             and first <= deeds.day_of(at) <= TODAY}  # fmt: skip
    tagged = Count(Pick(Act.READ, tagged="af"), times, window)
    assert judge(happened, tagged) == (len(about) >= times)


@settings(deadline=None, max_examples=60)
@given(steps, st.integers(0, 20))
def test_one_thing_after_another(happened: list[Step], within: int) -> None:
    past_ones = [(k, at) for k, at, _ in happened if deeds.day_of(at) <= TODAY]
    wanted = any(
        a < b and deeds.day_of(b) - deeds.day_of(a) <= within
        for kind, a in past_ones if kind == "content_sent"
        for other, b in past_ones if other == "message_received"
    )  # fmt: skip
    assert judge(happened, Then(Pick(Act.SENT), Pick(Act.MESSAGE), within)) == wanted


@settings(deadline=None, max_examples=60)
@given(steps)
def test_since_moves_only_with_deeds(happened: list[Step]) -> None:
    """The day on which a conclusion rests is not in the future, and stays while nothing happens."""
    rule = Rule("", (Count(Pick(Act.READ, tagged="*"), 1, 30),), each=("disease",))
    before: dict[int, int] = {}
    for today in range(TODAY, TODAY + 12):
        journey = deeds.of([one for one in happened if deeds.day_of(one[1]) <= TODAY], today)
        found = holds(rule, journey, today, MEANING)
        assert all(one.since <= today for one in found.values())
        assert all(before.get(tag, one.since) == one.since for tag, one in found.items())
        assert set(found) <= set(before) or today == TODAY
        before = {tag: one.since for tag, one in found.items()}


def test_what_was_sent_and_not_opened_counts_after_a_week() -> None:
    sent = ("content_sent", BEGIN, About(7, frozenset({1}), 60))
    opened = ("content_opened", BEGIN + timedelta(days=9), About(7, frozenset({1}), 60))
    missed, day = Count(Pick(Act.UNOPENED), 1, 30), deeds.day_of(BEGIN)
    assert not judge([sent], missed, today=day + 6)
    assert judge([sent, opened], missed, today=day + 7)
    assert not judge([sent, opened], missed, today=day + 9)


def test_the_evidence_is_a_sentence_with_figures() -> None:
    read_twice = [("content_read", BEGIN + timedelta(days=n), About(n + 1, frozenset({1}), 60))
                  for n in range(3)]  # fmt: skip
    rule = Rule("", (Count(Pick(Act.READ, tagged="*"), 2, 180),), each=("disease",), confidence=0.5)
    (given_tag,) = holds(rule, deeds.of(read_twice, TODAY), TODAY, MEANING).values()
    assert given_tag.said == "近 180 天读完 3 篇「房颤」内容"
    assert sentence(rule, MEANING, {"disease": "专科与疾病"}) == (
        "近 180 天读完 ≥ 2 篇「各标签」内容的医生，得到该标签（专科与疾病），把握 50%。"
    )


@pytest.mark.parametrize(("name", "definition"), STARTER)
def test_a_definition_says_the_same_after_writing_it_down(name: str, definition: Any) -> None:
    rule = read(definition)
    assert read(write(rule)) == rule, name
    shown = Shown(TagRule(name=name), rule, State.DRAFT, None)
    assert holds_all(shown), "the form can say it"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"confidence": 0.8}, "0.5 或更低"),
        ({"all": [{"is": "count", "act": "read", "tagged": "af", "at_least": 1, "days": 30}]}, "2 或更多"),
        ({"all": []}, "1 到 5 个条件"),
        ({"gives": ""}, "哪个标签"),
        ({"all": [{"is": "count", "act": "menu", "tagged": "af", "at_least": 2}]}, "限定内容"),
        ({"all": [{"is": "recent", "act": "read", "days": 0}]}, "1 到 999"),
        ({"all": [{"is": "count", "act": "read", "at_least": 0}]}, "总是成立"),
        ({"all": [{"is": "count", "act": "read", "at_least": 3, "at_most": 1}]}, "上限"),
        ({"sql": "drop"}, "不认识"),
        ({"each": ["disease"], "gives": ""}, "带有该标签"),
    ],
)  # fmt: skip
def test_a_rule_that_cannot_be_says_what_to_change(change: dict[str, Any], said: str) -> None:
    sound = {
        "gives": "af", "confidence": 0.5,
        "all": [{"is": "count", "act": "read", "tagged": "af", "at_least": 2, "days": 30}],
    }  # fmt: skip
    read(sound)
    with pytest.raises(Refused, match=said):
        read(sound | change)


def test_the_past_tells_carriers_from_others() -> None:
    """Half read about it and go on reading, half do something else."""
    rule = Rule("af", (Count(Pick(Act.READ, tagged="af"), 2, 30),), confidence=0.5)
    weeks = past.weeks_of(TODAY, 60)
    looked = past.Past(rule, MEANING, weeks, {1})
    about = About(1, frozenset({1}), 60)
    for n in range(40):
        keen = n % 2 == 0
        moments = [BEGIN + timedelta(days=d) for d in (1, 3, 20, 40)]
        kind = ("content_read", "content_opened") if keen else ("menu_used",)
        happened = [(k, at, about._replace(content=i + 1)) for i, at in enumerate(moments)
                    for k in kind]  # fmt: skip
        assert bool(looked.add(f"P{n}", happened)) == keen
    told = looked.result()
    assert (told["looked"], told["tagged"], told["tags"][0]["people"]) == (40, 20, 20)
    assert told["outcome"]["share"] == 1.0
    assert told["outcome"]["others_share"] == 0.0
    assert 0 < told["outcome"]["low"] < 1 <= told["outcome"]["high"] + 1e-9
    assert len(told["sample"]) == past.SAMPLE


def test_suggestions_name_the_places_and_rank_what_is_rare_first() -> None:
    tags = {name: Named(n, name, name, "topic", True) for n, name in enumerate(("房颤", "指南"), 1)}
    texts = {"title": "房颤指南", "summary": "", "body": "房颤的抗凝\n非房颤的人\n今年会议按指南办"}
    rare, common = suggest(naming.Finder(tags), texts, {1: 2, 2: 90}, 100)
    assert (rare.tag.name, rare.times) == ("房颤", 2)  # 非房颤 denies it
    assert [(p.part, p.name, p.after) for p in rare.places] == [
        ("title", "房颤", "指南"), ("body", "房颤", "的抗凝"),
    ]  # fmt: skip
    assert (common.tag.name, common.times) == ("指南", 2)
