"""Scores are sums of parts that can be named, and taking a named tag away lowers the score."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from app.recommend import Piece, Scored, Scorer, reasons, saturation
from app.recommend.fit.explain import LONGEST, ago
from app.recommend.fit.scoring import FRESH_BONUS, interests
from app.tagging import Source, Weight

NOW = datetime(2026, 11, 24, 4, 0, tzinfo=UTC)
AF, ANTICOAGULATION, HEART_FAILURE, DOSE = 1, 2, 3, 4
PARENTS = {ANTICOAGULATION: AF, DOSE: ANTICOAGULATION}


def piece(content_id: int, *tags: int, days_old: int = 400) -> Piece:
    approved = NOW - timedelta(days=days_old)
    return Piece(content_id * 10, content_id, dict.fromkeys(tags, 1.0), approved)


LIBRARY = [piece(1, AF), piece(2, AF, HEART_FAILURE), piece(3, HEART_FAILURE), piece(4, DOSE)]


def best(weights: dict[int, float], **changes: object) -> list[Scored]:
    return Scorer(LIBRARY, NOW, PARENTS).best(weights, 5, **changes)  # type: ignore[arg-type]


def contents(fits: list[Scored]) -> list[int]:
    return [fit.piece.content_id for fit in fits]


def test_the_content_about_just_this_comes_first() -> None:
    assert contents(best({AF: 0.8})) == [1, 2]
    assert best({}) == []


def test_an_interest_reaches_one_step_up_and_down_the_tree_at_half_strength() -> None:
    found = interests({ANTICOAGULATION: 0.8}, PARENTS)
    assert found[ANTICOAGULATION] == {ANTICOAGULATION: 0.8}
    assert found[AF] == found[DOSE] == {ANTICOAGULATION: 0.4}
    assert interests({AF: 0.2, ANTICOAGULATION: 0.8}, PARENTS)[AF] == {
        AF: 0.2, ANTICOAGULATION: 0.4,
    }  # fmt: skip
    assert DOSE not in interests({AF: 0.8}, PARENTS)  # two steps are too far
    (fit, *_) = best({ANTICOAGULATION: 0.8})
    assert set(fit.parts) == {ANTICOAGULATION}  # the reason names the physician's own tag


def test_new_content_is_preferred_among_equals_but_no_newness_beats_a_real_fit() -> None:
    library = [piece(1, AF), piece(2, AF, days_old=0), piece(3, HEART_FAILURE, days_old=0)]
    fits = Scorer(library, NOW).best({AF: 0.8, HEART_FAILURE: 0.1}, 3)
    assert contents(fits) == [2, 1, 3]
    assert fits[0].score - fits[1].score <= FRESH_BONUS


def test_what_was_sent_lately_makes_similar_content_less_interesting() -> None:
    fresh = best({AF: 0.8, HEART_FAILURE: 0.75})
    used = best({AF: 0.8, HEART_FAILURE: 0.75}, seen=saturation({AF: 3}))
    assert contents(fresh)[0] == 2
    assert contents(used)[0] == 3
    assert saturation({AF: 1, DOSE: 0}) == {AF: 0.5}


def test_closed_contents_are_left_out() -> None:
    assert contents(best({AF: 0.8}, without={1})) == [2]


weights_of = st.dictionaries(st.integers(1, 6), st.floats(0.05, 1.0), min_size=1, max_size=6)
libraries = st.lists(
    st.dictionaries(st.integers(1, 6), st.floats(0.1, 1.0), min_size=1, max_size=4),
    min_size=1, max_size=12,
)  # fmt: skip


@settings(max_examples=150)
@given(weights_of, libraries)
def test_a_score_is_the_sum_of_its_parts_and_a_named_tag_carries_it(
    weights: dict[int, float], tags: list[dict[int, float]]
) -> None:
    library = [Piece(n, n, t, NOW - timedelta(days=4000)) for n, t in enumerate(tags)]
    scorer = Scorer(library, NOW, {2: 1, 3: 1, 4: 3})
    for fit in scorer.best(weights, 20):
        assert fit.score == pytest.approx(sum(fit.parts.values()), abs=1e-6)
        named = max(fit.parts, key=lambda tag: fit.parts[tag])
        assume(fit.parts[named] > 1e-6)
        without = {tag: weight for tag, weight in weights.items() if tag != named}
        left = {f.piece.content_id: f.score for f in scorer.best(without, 20)}
        assert left.get(fit.piece.content_id, 0.0) < fit.score


def weight(tag: int, source: Source = Source.WECOM_TAG, days: int = 3) -> Weight:
    return Weight(tag, 0.7, source, "", NOW - timedelta(days=days))


def told(fit: Scored, names: dict[int, str], **changes: object) -> list[str]:
    values: dict[str, object] = {
        "last_contact": NOW - timedelta(days=21), "rule": "7 天内联系不超过 2 次", "now": NOW,
    }  # fmt: skip
    known = {tag: weight(tag) for tag in fit.parts}
    return reasons(fit, known, names, **(values | changes))  # type: ignore[arg-type]


def test_reasons_name_what_weighed_most_then_the_last_contact_then_the_rule() -> None:
    names = {AF: "房颤", HEART_FAILURE: "心衰"}
    two = Scored(LIBRARY[1], 1.0, {AF: 0.2, HEART_FAILURE: 0.6})
    assert told(two, names) == [
        "企微标签「心衰」（3 天前）", "企微标签「房颤」（3 天前）", "上次互动 21 天前",
        "7 天内联系不超过 2 次",
    ]  # fmt: skip
    one = Scored(LIBRARY[0], 1.0, {AF: 0.2})
    assert told(one, names, last_contact=None) == [
        "企微标签「房颤」（3 天前）", "还没有互动记录", "7 天内联系不超过 2 次",
    ]  # fmt: skip
    assert told(two, names, first="市场推送：房颤月")[0] == "市场推送：房颤月"
    assert len(told(two, names, first="市场推送：房颤月")) == 4


@pytest.mark.parametrize("source", list(Source))
def test_no_reason_is_longer_than_a_card_shows_and_every_quote_is_closed(source: Source) -> None:
    fit = Scored(LIBRARY[0], 1.0, {AF: 1.0})
    long = {AF: "很长很长的标签名字" * 4}
    values = reasons(
        fit, {AF: weight(AF, source, 1234)}, long, last_contact=None,
        rule="规" * 40, now=NOW, first="推" * 40,
    )  # fmt: skip
    assert all(len(text) <= LONGEST for text in values)
    assert all(text.count("「") == text.count("」") for text in values)


def test_a_tag_that_is_not_in_the_vocabulary_any_more_is_not_named() -> None:
    assert told(Scored(LIBRARY[0], 1.0, {AF: 0.2}), {})[0] == "上次互动 21 天前"


def test_days_are_counted_by_the_calendar_of_china() -> None:
    late = datetime(2026, 11, 23, 15, 30, tzinfo=UTC)  # 23:30
    early = datetime(2026, 11, 23, 16, 30, tzinfo=UTC)  # 00:30 of the next day
    assert [ago(early, early), ago(late, early)] == ["今天", "昨天"]
