"""What a rep's own words ask for."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.feedback import reading

TODAY = date(2026, 11, 26)  # a Thursday
SHORT = st.text("抗凝房颤这个月下周别再发不要三天，。 ", max_size=20)


@pytest.mark.parametrize(
    ("text", "over"),
    [
        ("今天太忙", date(2026, 11, 27)),
        ("这周别发了", date(2026, 11, 30)),
        ("下周再说", date(2026, 11, 30)),
        ("下周别发", date(2026, 12, 7)),
        ("这个月别再发抗凝", date(2026, 12, 1)),
        ("下个月之前都不要", date(2027, 1, 1)),
        ("本季度不要发新药", date(2027, 1, 1)),
        ("今年都别发", date(2027, 1, 1)),
        ("三天内不要", date(2026, 11, 29)),
        ("10 天以后再看", date(2026, 12, 6)),
        ("半个月", date(2026, 12, 11)),
        ("两个月后再看", date(2027, 1, 25)),
        ("以后都别发", date(2027, 11, 26)),
        ("太长了", date(2026, 12, 26)),
    ],
)
def test_until_when_words_ask_for_it(text: str, over: date) -> None:
    assert reading.until(text, TODAY) == over


@given(SHORT, st.dates(date(2024, 1, 1), date(2030, 12, 31)))
def test_it_always_ends_and_never_in_the_past(text: str, today: date) -> None:
    assert today < reading.until(text, today) <= today + timedelta(days=366)


@given(SHORT, SHORT)
def test_likeness_is_mutual_and_a_text_is_like_itself(one: str, other: str) -> None:
    assert reading.alike(one, [other]) == reading.alike(other, [one])
    if any(sign.isalnum() for sign in one):
        assert reading.alike(one, [one])


def test_alike_texts_are_found_and_others_are_not() -> None:
    assert reading.alike("内容太长，没时间看", ["内容太长了没有时间看完"])
    assert not reading.alike("内容太长", ["他已经退休了"])


def test_words_about_one_physician_are_told_from_words_about_a_content() -> None:
    assert reading.is_about_one("他最近出国了")
    assert not reading.is_about_one("这个月别再发抗凝")
