"""洞察 and 试一试 as people use them: from a day to a rep to a physician, and what would be otherwise."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page
from sqlalchemy import select

from app.infra.clock import local
from app.infra.workdays import next_workday
from app.recommend import DailyPlan
from tests.browser.conftest import Product
from tests.browser.test_console import keep, looking, serious, sticks_out

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]


@pytest.fixture(params=[("wide", "light"), ("phone", "dark")], ids="-".join)
def marketer(request: pytest.FixtureRequest, browser: Browser, product: Product) -> Iterator[Page]:
    yield from looking(request, browser, product, "marketer")


def seen(page: Page, name: str) -> None:
    keep(page, name, whole=True)
    assert not sticks_out(page), name
    if "dark" in page.look:  # type: ignore[attr-defined]  # looked for once: it takes seconds
        assert serious(page) == [], name


def test_a_day_leads_to_a_rep_and_to_what_would_be_otherwise(
    marketer: Page, product: Product
) -> None:
    with product.parts.db.reading() as session:
        day = session.scalar(select(DailyPlan.day).order_by(DailyPlan.id.desc()).limit(1))
    assert day is not None
    marketer.goto(f"/console/insights/plan?day={day}")
    seen(marketer, "plan")
    marketer.locator("table").last.get_by_role("link").first.click()
    if day >= local(product.parts.clock()).date():
        marketer.get_by_text("现在没有建议的医生，逐位的原因").wait_for()
    seen(marketer, "plan-rep")
    rep = marketer.url.split("?")[0]
    marketer.goto(f"{rep}?day={next_workday(day)}")
    marketer.get_by_text("现在会这样计划").wait_for()
    seen(marketer, "plan-preview")
    marketer.get_by_role("link", name="试一试").first.click()
    marketer.get_by_label("多了这些标签").fill("房颤、肿瘤")
    marketer.get_by_label("有一份内容，讲的是").fill("房颤")
    marketer.get_by_label("它的标题").fill("设想的指南")
    marketer.get_by_label("它的标题").press("Enter")
    marketer.get_by_text("《设想的指南》").wait_for()
    assert "没有保存" not in marketer.locator("main").inner_text()
    seen(marketer, "what-if")


def test_contents_and_coverage_are_whole(marketer: Page) -> None:
    marketer.goto("/console/insights/contents?days=90&sort=rate")
    seen(marketer, "performance")
    marketer.locator("table").last.get_by_role("link").first.click()
    marketer.get_by_text("排在第几位").wait_for()
    seen(marketer, "performance-one")
    marketer.goto("/console/insights/coverage?by=city&days=90")
    marketer.get_by_text("对它感兴趣的医生").wait_for()
    seen(marketer, "reach")
