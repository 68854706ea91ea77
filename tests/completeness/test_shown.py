"""How complete we are: in the console, in /metrics and on the command line."""

from __future__ import annotations

import os

from app.completeness import Kind
from tests.cli.command import yishu
from tests.completeness.pulling import pull, reconciled, trouble
from tests.scenarios.conftest import Line
from tests.scenarios.test_console import Browser, people

__all__ = ["people"]


def metrics(line: Line) -> dict[str, float]:
    text = line.web.get("/metrics").text
    return {name: float(value) for name, _, value in
            (row.rpartition(" ") for row in text.splitlines() if row.startswith("yishu_reconcile"))}  # fmt: skip


def test_a_lost_callback_is_an_alarm_with_a_figure_and_a_way_to_it(
    line: Line, people: dict[str, Browser]
) -> None:
    assert metrics(line)["yishu_reconcile_full_age_seconds"] == float("inf")
    pull(line)
    quiet = metrics(line)
    assert (quiet["yishu_reconcile_gap_ratio"], quiet["yishu_reconcile_alarm"]) == (0, 0)
    trouble(line, drop=True)
    line.do("edit_contact", userid="rep01", person="wang", remark="甲")
    pull(line, Kind.HOURLY)
    told = metrics(line)
    assert told["yishu_reconcile_gap_ratio"] == 0.5  # one of two contacts
    assert told["yishu_reconcile_alarm"] == 1
    assert told['yishu_reconcile_found_total{source="contacts",what="edited"}'] == 1
    assert told["yishu_reconcile_full_age_seconds"] == 300
    home = people["admin"].get("/console/").text
    assert "近 24 小时丢失的回调" in home
    assert "需要看一下" in home
    page = people["marketer"].get("/console/governance/completeness").text
    assert "陈晓彤" in page or "rep01" in page
    assert "备注、标签或资料不同 1" in page
    assert "立即核对" not in page, "only an administrator begins one"
    rows = people["admin"].get("/console/governance/?source=reconcile").text
    assert "reconcile/edited" in rows
    assert "change_external_contact" not in rows


def test_an_administrator_begins_a_pull_from_the_page(
    line: Line, people: dict[str, Browser]
) -> None:
    page = "/console/governance/completeness"
    assert "已开始核对" in people["admin"].send(page, page, kind="full").text
    assert "正在核对" in people["admin"].get(page).text
    assert "另一次核对正在进行" in people["admin"].send(page, page, kind="hourly").text


def test_the_command_pulls_now_and_says_what_it_found(line: Line) -> None:
    line.do("add_contact", userid="rep01", person="wang")
    trouble(line, drop=True)
    line.do("add_contact", userid="rep01", person="li")
    settings = line.parts.settings
    given = {
        name.upper(): str(value)
        for name, value in settings.model_dump().items()
        if isinstance(value, str | int) and not isinstance(value, bool)
    }
    told = yishu({"PATH": os.environ["PATH"], **given}, "reconcile", "--full")
    assert (told["state"], told["failed"]) == ("done", 0)
    assert (told["there"], told["known"]) == (2, 1)
    assert told["found"]["contacts.added"] == 1
    assert (told["lost"], told["alarm"]) == (0, False), "the first look is an import"
    assert "added" in reconciled(line)
