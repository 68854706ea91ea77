"""The card that a rep gets for one suggestion, and its later forms."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from app.connectors.wecom.cards import ROW_VALUE, TITLE, Button, Choice, cut, interaction_card
from app.content import ContentVersion, Purpose
from app.identity import Physician
from app.recommend import REFUSALS, Suggestion

REASON_QUESTION = "reason"
BECAUSE = ("原因一", "原因二", "原因三", "原因四")
MENU = (("为什么推荐给我", "why"), ("今天不再提醒", "mute"), ("打开列表", "list"))


def task_id(suggestion_id: int) -> str:
    """The card's id: the same for every attempt, so the platform takes it once."""
    return f"yishu-suggestion-{suggestion_id}"


def suggestion_of(task: str) -> int | None:
    """The suggestion behind a task id."""
    prefix, _, number = task.rpartition("-")
    return int(number) if prefix == "yishu-suggestion" and number.isdigit() else None


def who(physician: Physician) -> str:
    """`王某某 主任医师`, or what is known."""
    return " ".join(filter(None, (physician.name or "您的医生", physician.title)))


def card(
    suggestion: Suggestion,
    physician: Physician,
    version: ContentVersion,
    *,
    total: int,
    list_url: str,
    hint: str = "",
    way: str = "一对一发送",
) -> dict[str, Any]:
    """The card as it is delivered; `hint`: when the physician reads; `total` 0: a campaign's;
    `way`: how it will be sent, and why so."""
    place = " · ".join(filter(None, (physician.department, physician.hospital)))
    count = f"今日建议 {suggestion.position}/{total}" if total else "重点推送"
    rows = list(zip(BECAUSE, suggestion.reasons, strict=False))
    return interaction_card(
        task_id=task_id(suggestion.id),
        source=f"医枢 · {count}",
        title=_titled(physician, version),
        description=hint or place,
        rows=[*rows, ("方式", way)],
        buttons=[
            Button("采用", "adopt", 1),
            Button("稍后", "later", 4),
            Button("不合适", "refuse", 3),
        ],
        menu=MENU,
        url=list_url,
    )


def with_reasons(body: dict[str, Any], reasons: Sequence[str]) -> dict[str, Any]:
    """The same card with these reasons instead."""
    others = [row for row in body["horizontal_content_list"] if row["keyname"] not in BECAUSE]
    told = [
        {"keyname": name, "value": cut(reason, ROW_VALUE)}
        for name, reason in zip(BECAUSE, reasons, strict=False)
    ]
    return body | {"horizontal_content_list": [*told, *others]}


def retitled(body: dict[str, Any], physician: Physician, version: ContentVersion) -> dict[str, Any]:
    """The same card about this version of the content instead."""
    title = cut(_titled(physician, version), TITLE)
    return body | {"main_title": body["main_title"] | {"title": title}}


def _titled(physician: Physician, version: ContentVersion) -> str:
    """For whom it is and what; marked as a safety notice where the mark cuts nothing away."""
    title = f"{who(physician)}：{version.title}"
    marked = f"{who(physician)}：【安全性信息】{version.title}"
    return marked if version.purpose == Purpose.SAFETY and len(marked) <= TITLE else title


def reason_card(
    suggestion: Suggestion, physician: Physician, version: ContentVersion, *, list_url: str
) -> dict[str, Any]:
    """The card that asks why a suggestion is not suitable."""
    return interaction_card(
        task_id=task_id(suggestion.id),
        source="医枢 · 建议反馈",
        title=f"{who(physician)}：{version.title}",
        description="请选择不合适的原因，我们会据此调整",
        choice=Choice(REASON_QUESTION, "原因", tuple(REFUSALS.items())),
        buttons=[Button("提交", "refuse_reason", 1)],
        url=list_url,
    )
