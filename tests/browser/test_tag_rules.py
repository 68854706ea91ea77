"""Automatic tags as somebody in marketing makes them: written, tried on the past, switched on."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page

from tests.browser.conftest import Product
from tests.browser.test_console import keep, serious, sticks_out
from tests.browser.test_judgements import marketer
from workers.concluding import conclude_due

__all__ = ["marketer"]
pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]


def look(page: Page, name: str) -> None:
    keep(page, name, whole=True)
    assert not sticks_out(page), name
    assert serious(page) == [], name


def test_a_rule_is_written_tried_on_the_past_and_switched_on(
    marketer: Page, product: Product
) -> None:
    page, name = marketer, f"近期活跃 {marketer.look}"  # type: ignore[attr-defined]
    page.goto("/console/tags/rules/new")
    page.get_by_text("近 30 天打开 ≥ 3 篇内容的医生").wait_for()
    page.get_by_label("名称").fill(name)
    page.get_by_label("至少几次").first.fill("2")
    page.get_by_text("近 30 天打开 ≥ 2 篇内容的医生").wait_for()
    look(page, "rule-form")
    page.get_by_role("button", name="保存").click()
    page.get_by_text("这个版本还没有回测").wait_for()
    page.get_by_role("button", name="回测").click()
    page.get_by_text("正在等待 worker").wait_for()
    conclude_due(product.parts)
    page.get_by_role("link", name="查看可以做什么").click()
    page.get_by_role("heading", name="标签准不准").wait_for()
    look(page, "rule-tested")
    page.get_by_role("button", name="确认启用第 1 版").click()
    page.get_by_text("已启用").wait_for()
    conclude_due(product.parts)
    page.goto("/console/tags/rules/")
    page.get_by_text("生效中").first.wait_for()
    look(page, "rules")
    page.get_by_role("link", name=name).click()
    page.get_by_role("button", name="停用").click()
    page.get_by_text("可以撤销").wait_for()


def test_gaps_lead_to_where_they_are_mended(marketer: Page, product: Product) -> None:
    page = marketer
    page.goto("/console/tags/coverage")
    look(page, "coverage")
    page.get_by_role("link", name="写内容").first.click()
    page.wait_for_url("**/contents/new?tags=*", wait_until="load")
    assert page.locator("input[name=tags]:checked").count() == 1
    page.get_by_label("标题").fill("老年房颤患者的抗凝与卒中预防")
    page.get_by_label("正文（Markdown）").fill(
        "胸痛中心内部流程。房颤患者先评估卒中风险，再谈抗凝。"
    )
    page.get_by_text("提到 2 处").first.wait_for()
    look(page, "content-suggestions")
    # A hand holds the button a while; leaving the text must not take the suggestion from under it.
    page.locator("label.btn", has_text="+ 房颤").click(delay=300)
    page.locator("label.btn", has_text="+ 房颤").wait_for(state="detached")
    assert page.get_by_label("房颤", exact=True).is_checked()
