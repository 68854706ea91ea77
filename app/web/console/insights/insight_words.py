"""洞察: the words and small things that its pages share."""

from __future__ import annotations

from datetime import date
from urllib.parse import urlencode

from flask import render_template, request
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import Select

from app.flows.insight.people import PAGE, names
from app.recommend.day.way import NAMES, By
from app.web import language
from app.web.console import bp
from app.web.console.words import WEEKDAYS
from app.web.context import parts

PERIODS = (7, 28, 90)
LEAST = 0.005
OTHERS = {
    "new": _l("内容较新"),
    "content": _l("内容本身的反响"),
    "seen": _l("近期发过相近的内容"),
}


@bp.app_template_filter("score_part")
def score_part(name: str) -> str:
    """A part of a score that no tag of the physician gives."""
    return str(OTHERS.get(name, name))


@bp.app_template_filter("signed")
def signed(value: float) -> str:
    """`+0.42` or `−0.05`; what is next to nothing has no sign."""
    if abs(value) < LEAST:
        return "0.00"
    return f"{'+' if value >= 0 else '−'}{abs(value):.2f}"  # a real minus


@bp.app_template_filter("date_name")
def date_name(day: date) -> str:
    """`11月23日 周一`."""
    if language.choose() == language.ENGLISH:
        return f"{day:%a %-d %b}"
    return f"{day.month}月{day.day}日 周{WEEKDAYS[day.weekday()]}"


def period(usual: int = 28) -> int:
    """How many days back the page looks."""
    days = request.args.get("days", usual, int)
    return days if days in PERIODS else usual


def page_number() -> int:
    """The page of a list, from 1; a huge one is past every list's end."""
    return min(max(1, request.args.get("page", 1, int)), 1_000_000)


def here(**changes: object) -> str:
    """This address with some of its query changed; None takes one away."""
    kept = request.args.to_dict() | {k: "" if v is None else str(v) for k, v in changes.items()}
    chosen = {key: value for key, value in kept.items() if value}
    return f"{request.path}?{urlencode(chosen)}" if chosen else request.path


def names_page(title: str, lead: str, back: str, who: Select[str]) -> str:
    """The names behind a figure, as a page."""
    number = page_number()
    with parts().db.reading() as session:
        found = names(session, who, number)
    return render_template(
        "console/insights/insight_people.html", title=title, lead=lead, back=back, found=found,
        page=number, pages=max(1, -(-found.total // PAGE)), url=lambda n: here(page=n),
    )  # fmt: skip


STEP_NAMES = {
    "planned": _l("计划"),
    "suggested": _l("计划"),
    "shown": _l("送达代表"),
    "adopted": _l("已采用"),
    "later": _l("稍后"),
    "refused": _l("不合适"),
    "open": _l("未答复"),
    "paying": _l("占用稀缺名额"),
    "sent": _l("发出"),
    "opened": _l("打开"),
    "read": _l("读完"),
    "connected": _l("已连接"),
    "considered": _l("纳入计划"),
    "contacted": _l("收到内容"),
    "missed": _l("没有收到内容"),
}


@bp.app_template_filter("step_name")
def step_name(step: str) -> str:
    """A step from plan to reading."""
    return str(STEP_NAMES.get(step, step))


@bp.app_template_filter("or_unknown")
def or_unknown(text: str) -> str:
    """The text, or that it is not known."""
    return text or str(_("未知"))


@bp.app_template_filter("link_way")
def link_way(channel: str) -> str:
    """How a link came to the physician."""
    return str(_(NAMES[By(channel)])) if channel in set(By) else channel
