"""Template cards of type `button_interaction`, within the lengths that phones show. Pure.

Recommended lengths: developer.work.weixin.qq.com/document/path/90236. Longer texts are cut here,
with an ellipsis, instead of by the phone in the middle of a word.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

TITLE, TITLE_DESC, SUBTITLE, ROW_NAME, ROW_VALUE, BUTTON = 36, 44, 160, 5, 30, 10
KEY_BYTES = 1024
MAX_ROWS, MAX_BUTTONS, MAX_MENU, MAX_OPTIONS = 6, 6, 3, 10
_TASK = re.compile(r"[0-9A-Za-z_\-@]{1,128}")


@dataclass(frozen=True, slots=True)
class Button:
    """A button that calls back with `key`. Styles: 1 blue, 2 red frame, 3 grey, 4 plain."""

    text: str
    key: str
    style: int = 1


@dataclass(frozen=True, slots=True)
class Choice:
    """A select box on a card: its question key, title and (id, text) options."""

    key: str
    title: str
    options: tuple[tuple[str, str], ...]


def interaction_card(
    *,
    task_id: str,
    source: str,
    title: str,
    description: str = "",
    subtitle: str = "",
    rows: Sequence[tuple[str, str]] = (),
    buttons: Sequence[Button] = (),
    menu: Sequence[tuple[str, str]] = (),
    choice: Choice | None = None,
    url: str = "",
) -> dict[str, Any]:
    """The `template_card` object. Raises ValueError naming what does not fit."""
    _check(task_id, title, buttons, rows, menu)
    card: dict[str, Any] = {
        "card_type": "button_interaction",
        "source": {"desc": cut(source, 13), "desc_color": 0},
        "main_title": {"title": cut(title, TITLE), "desc": cut(description, TITLE_DESC)},
        "task_id": task_id,
        "button_list": [
            {"text": cut(b.text, BUTTON), "style": b.style, "key": b.key} for b in buttons
        ],
    }
    if subtitle:
        card["sub_title_text"] = cut(subtitle, SUBTITLE)
    if rows:
        card["horizontal_content_list"] = [
            {"keyname": cut(name, ROW_NAME), "value": cut(value, ROW_VALUE)} for name, value in rows
        ]
    if menu:
        card["action_menu"] = {
            "desc": "更多",
            "action_list": [{"text": cut(text, BUTTON), "key": key} for text, key in menu],
        }
    if choice:
        card["button_selection"] = _selection(choice)
    if url:
        card["card_action"] = {"type": 1, "url": url}
    return card


def cut(text: str, length: int) -> str:
    """`text`, or its beginning and an ellipsis, in at most `length` characters."""
    text = " ".join(text.split())
    return text if len(text) <= length else text[: length - 1] + "…"


def _check(
    task_id: str,
    title: str,
    buttons: Sequence[Button],
    rows: Sequence[tuple[str, str]],
    menu: Sequence[tuple[str, str]],
) -> None:
    if not _TASK.fullmatch(task_id):
        raise ValueError("task_id: 1–128 of letters, digits, _ - @")
    if not title.strip():
        raise ValueError("title: empty")
    if not 1 <= len(buttons) <= MAX_BUTTONS:
        raise ValueError(f"buttons: 1–{MAX_BUTTONS}")
    if len(rows) > MAX_ROWS:
        raise ValueError(f"rows: at most {MAX_ROWS}")
    if len(menu) > MAX_MENU:
        raise ValueError(f"menu: at most {MAX_MENU}")
    for text, key in [*((b.text, b.key) for b in buttons), *menu]:
        if not text.strip() or not 1 <= len(key.encode()) <= KEY_BYTES:
            raise ValueError(f"buttons or menu: a text and a key of at most {KEY_BYTES} bytes")


def _selection(choice: Choice) -> dict[str, Any]:
    if not 1 <= len(choice.options) <= MAX_OPTIONS:
        raise ValueError(f"options: 1–{MAX_OPTIONS}")
    return {
        "question_key": choice.key,
        "title": cut(choice.title, 13),
        "option_list": [{"id": key, "text": cut(text, 16)} for key, text in choice.options],
        "selected_id": choice.options[0][0],
    }
