"""What people who write to the Official Account want."""

from __future__ import annotations

import pytest

from app.flows.followers.spoken import Wish, tells_of_harm, wish_of


@pytest.mark.parametrize(
    ("text", "wish"),
    [
        ("退订", Wish.STOP),
        (" ＴＤ ", Wish.STOP),
        ("“退订”！", Wish.STOP),
        ("取消订阅。", Wish.STOP),
        ("不要再发了", Wish.STOP),
        ("怎么退订期刊", Wish.SEARCH),
        ("恢复", Wish.RESUME),
        ("重新订阅", Wish.RESUME),
        ("术后恢复", Wish.SEARCH),
        ("谢谢！", Wish.THANKS),
        ("请代表联系我", Wish.PERSON),
        ("找医药代表", Wish.PERSON),
        ("转人工", Wish.PERSON),
        ("有代表性的研究", Wish.SEARCH),
        ("房颤抗凝", Wish.SEARCH),
        ("", Wish.SEARCH),
    ],
)
def test_what_a_message_asks_for(text: str, wish: Wish) -> None:
    assert wish_of(text) is wish


@pytest.mark.parametrize(
    ("text", "harm"),
    [
        ("患者用药三天后出现皮疹", True),
        ("病人吃了以后牙龈出血怎么办", True),
        ("不良反应管理的资料", False),
        ("出血风险评分", False),
    ],
)
def test_a_report_of_harm_is_told_from_a_question(text: str, harm: bool) -> None:
    assert tells_of_harm(text) is harm
