"""Cards fit the phone, or the builder says which field does not."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.connectors.wecom.attachments import cut_bytes, fit
from app.connectors.wecom.cards import (
    BUTTON,
    ROW_NAME,
    ROW_VALUE,
    SUBTITLE,
    TITLE,
    TITLE_DESC,
    Button,
    Choice,
    cut,
    interaction_card,
)

ADOPT = Button("采纳", "adopt")


def card(**changes: Any) -> dict[str, Any]:
    values: dict[str, Any] = {
        "task_id": "s1-1", "source": "医枢", "title": "今日建议", "buttons": [ADOPT],
    }  # fmt: skip
    return interaction_card(**(values | changes))


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"task_id": ""}, "task_id"),
        ({"task_id": "s1 1"}, "task_id"),
        ({"task_id": "s1\n"}, "task_id"),
        ({"task_id": "建议"}, "task_id"),
        ({"task_id": "s" * 129}, "task_id"),
        ({"title": "  "}, "title"),
        ({"buttons": []}, "buttons"),
        ({"buttons": [ADOPT] * 7}, "buttons"),
        ({"buttons": [Button("采纳", "")]}, "buttons"),
        ({"buttons": [Button("采纳", "键" * 342)]}, "buttons"),
        ({"buttons": [Button("", "adopt")]}, "buttons"),
        ({"rows": [("专科", "心内科")] * 7}, "rows"),
        ({"menu": [("不再推荐", "mute")] * 4}, "menu"),
        ({"choice": Choice("why", "原因", ())}, "options"),
        ({"choice": Choice("why", "原因", (("a", "甲"),) * 11)}, "options"),
    ],
)
def test_what_does_not_fit_is_named(changes: dict[str, Any], field: str) -> None:
    with pytest.raises(ValueError, match=field):
        card(**changes)


@given(st.text(min_size=1, max_size=300).filter(str.strip))
def test_every_text_fits_its_place(text: str) -> None:
    made = card(
        title=text, description=text, subtitle=text, rows=[(text, text)],
        buttons=[Button(text, "k")], menu=[(text, "m")],
    )  # fmt: skip
    assert len(made["main_title"]["title"]) <= TITLE
    assert len(made["main_title"]["desc"]) <= TITLE_DESC
    assert len(made["sub_title_text"]) <= SUBTITLE
    (row,) = made["horizontal_content_list"]
    assert len(row["keyname"]) <= ROW_NAME
    assert len(row["value"]) <= ROW_VALUE
    assert len(made["button_list"][0]["text"]) <= BUTTON
    assert len(made["action_menu"]["action_list"][0]["text"]) <= BUTTON


def test_cutting_shows_that_something_is_missing() -> None:
    assert cut("房颤抗凝治疗 的 新进展", 6) == "房颤抗凝治…"
    assert cut(" 房颤 \n 抗凝 ", 10) == "房颤 抗凝"


def test_a_choice_starts_with_its_first_option() -> None:
    made = card(choice=Choice("why", "为什么不合适", (("known", "医生已了解"), ("busy", "太忙"))))
    box = made["button_selection"]
    assert (box["question_key"], box["selected_id"]) == ("why", "known")
    assert [option["id"] for option in box["option_list"]] == ["known", "busy"]


@given(st.text(max_size=600), st.integers(3, 700))
def test_cutting_by_bytes_keeps_whole_characters(text: str, most: int) -> None:
    made = cut_bytes(text, most)
    assert len(made.encode()) <= most
    assert made == text or text.startswith(made.removesuffix("…"))


def test_a_long_link_is_cut_and_its_address_is_not() -> None:
    link = {"title": "标" * 120, "desc": "要" * 300, "url": "https://yishu.test/" + "a" * 600}
    (made,) = fit([{"msgtype": "link", "link": link}])
    assert len(made["link"]["title"].encode()) <= 128
    assert len(made["link"]["desc"].encode()) <= 512
    assert made["link"]["url"] == link["url"]
    assert link["title"] == "标" * 120, "what was approved stays as it is"
    with pytest.raises(ValueError, match="attachments"):
        fit([{"msgtype": "image"}] * 10)
