"""A rule as a form: rows of conditions, each a sentence with gaps."""

from __future__ import annotations

import re
from typing import Any

from flask_babel import lazy_gettext as _l
from werkzeug.datastructures import MultiDict

from app.autotag import Shown
from app.autotag.definition import MOST_CONDITIONS, read, write
from app.infra.errors import Refused

ROWS = 3  # at least
KINDS = (
    ("count", _l("次数")), ("recent", _l("最近一次在 N 天内")), ("silent", _l("超过 N 天没有")),
    ("first", _l("第一次在 N 天内")), ("then", _l("先后发生")),
)  # fmt: skip
ACTS = (
    ("opened", _l("打开内容")), ("read", _l("读完内容")),
    ("shared", _l("链接被反复打开（转发的迹象）")), ("message", _l("给公众号留言")),
    ("menu", _l("使用公众号菜单")), ("scan", _l("扫码")), ("followed", _l("关注公众号")),
    ("added", _l("添加代表")), ("sent", _l("收到内容")),
    ("unopened", _l("收到内容一周未打开")), ("any", _l("任何互动")),
)  # fmt: skip
LENGTHS = (("", _l("任何长度")), ("short", _l("三分钟内")), ("long", _l("五分钟以上")))
_SEPARATORS = re.compile(r"[;；,，、\s]+")


def of_form(form: MultiDict[str, str]) -> dict[str, Any]:
    """The definition that a form means; what it lacks is said by `autotag.checked`."""
    said: dict[str, Any] = {
        "all": [_row(form, n) for n in range(MOST_CONDITIONS) if form.get(f"is_{n}")]
    }
    gives = form.get("gives", "")
    if gives.startswith("each:"):
        said["each"] = [key for key in gives.removeprefix("each:").split(",") if key]
    else:
        said["gives"] = gives
    said["audience"] = form.get("audience", "").strip()
    percent = form.get("confidence", "")
    said["confidence"] = int(percent) / 100 if percent.isdecimal() else -1
    return said


def filled(shown: Shown) -> MultiDict[str, str]:
    """The form that means this rule."""
    said = write(shown.rule)
    given: MultiDict[str, str] = MultiDict({
        "name": shown.row.name, "audience": said.get("audience", ""),
        "confidence": str(round(said["confidence"] * 100)),
        "gives": "each:" + ",".join(said["each"]) if "each" in said else said["gives"],
    })  # fmt: skip
    for n, part in enumerate(said["all"]):
        for field, name in (("is", "is"), ("act", "act"), ("least", "at_least"),
                            ("most", "at_most"), ("days", "days"), ("tagged", "tagged"),
                            ("length", "length"), ("within", "within")):  # fmt: skip
            given[f"{field}_{n}"] = str(part.get(name, ""))
        given[f"words_{n}"] = "，".join(part.get("words", ()))
        given[f"then_{n}"] = part.get("then", {}).get("act", "")
    return given


def holds_all(shown: Shown) -> bool:
    """False for a rule that says more than the form can, so that saving would lose something."""
    try:
        return read(of_form(filled(shown))) == shown.rule
    except Refused:
        return False


def _row(form: MultiDict[str, str], n: int) -> dict[str, Any]:
    kind = form.get(f"is_{n}", "")
    part: dict[str, Any] = {"is": kind, "act": form.get(f"act_{n}", "")}
    for name in ("tagged", "length"):
        if form.get(f"{name}_{n}"):
            part[name] = form[f"{name}_{n}"]
    words = [word for word in _SEPARATORS.split(form.get(f"words_{n}", "")) if word]
    if words:
        part["words"] = words
    if kind == "count":
        part["at_least"] = _number(form.get(f"least_{n}", "")) or 0
        part["at_most"] = _number(form.get(f"most_{n}", ""))
    part["days"] = _number(form.get(f"days_{n}", ""))
    if kind == "then":
        part["then"] = {"act": form.get(f"then_{n}", "")}
        part["within"] = _number(form.get(f"within_{n}", ""))
    return part


def _number(text: str) -> int | None:
    return int(text) if text.strip().isdecimal() else None
