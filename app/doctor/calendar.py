"""Do we know which days are worked in China? A year's calendar comes with a library's release."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

from app.bootstrap import Parts
from app.doctor.finding import Finding, attention, good
from app.infra import workdays
from app.infra.clock import local

AHEAD_DAYS = 30  # the calendar is announced in November; a month before it is needed is late
ADVICE = "升级 chinesecalendar（每年国务院公布放假安排后发布），再重启各进程"


def announced(parts: Parts) -> Iterator[Finding]:
    """The calendar reaches a month ahead of today."""
    yield judge_calendar(local(parts.clock()).date(), workdays.known_until())


def judge_calendar(today: date, known_until: date) -> Finding:
    """Pure."""
    if today + timedelta(days=AHEAD_DAYS) <= known_until:
        return good("workdays", f"已知 {known_until.year} 年底前的法定节假日和调休")
    return attention(
        "workdays",
        f"{known_until.year + 1} 年的法定节假日和调休还不知道，"
        "按周一至周五工作，节假日也会给代表发建议", ADVICE,
    )  # fmt: skip
