"""The content page on a phone: readable by everyone, and it reports how long it was really seen."""

from __future__ import annotations

import time

import pytest
from playwright.sync_api import Browser, Page
from sqlalchemy import select

from app import content, links
from app.links import PageView
from tests.browser.conftest import Product
from tests.browser.test_console import keep, serious, sticks_out

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

PHONE = {"width": 390, "height": 844}
WECHAT = "Mozilla/5.0 (Linux; Android 14) AppleWebKit/537.36 Chrome/126 Mobile MicroMessenger/8.0"


@pytest.fixture
def token(product: Product) -> str:
    """A link to an approved text, for nobody in particular."""
    now = product.parts.clock()
    with product.parts.db.transaction() as session:
        version = next(
            one.version for one in content.usable(session, now) if one.version.kind != "link"
        )
        return links.create_link(session, version.id, channel="wecom", now=now).token


def seen(product: Product, token: str) -> list[PageView]:
    with product.parts.db.reading() as session:
        link = links.find_link(session, token)
        assert link
        return list(session.scalars(select(PageView).where(PageView.link_id == link.id)))


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_fits_a_phone_and_is_open_to_everyone(
    browser: Browser, product: Product, token: str, scheme: str
) -> None:
    context = browser.new_context(
        locale="zh-CN", viewport=PHONE, color_scheme=scheme, user_agent=WECHAT
    )  # type: ignore[arg-type]
    page = context.new_page()
    answer = page.goto(f"{product.base}/t/{token}")
    assert answer
    assert answer.status == 200
    page.look = f"phone-{scheme}"  # type: ignore[attr-defined]
    keep(page, "article")
    assert not sticks_out(page)
    assert serious(page) == []
    size = page.evaluate(
        "getComputedStyle(document.querySelector('article p:not(.meta)')).fontSize"
    )
    assert float(size.removesuffix("px")) >= 16
    short = page.evaluate(
        """() => [...document.querySelectorAll('footer nav a, footer nav button')]
            .filter(e => e.getBoundingClientRect().height < 44).map(e => e.textContent)"""
    )
    assert short == [], "fingers need 44 px"
    context.close()


def test_reading_time_and_depth_arrive_by_beacon(page: Page, product: Product, token: str) -> None:
    page.set_viewport_size(PHONE)  # type: ignore[arg-type]
    with page.expect_request("**/progress"):
        page.goto(f"{product.base}/t/{token}")
    page.mouse.wheel(0, 100_000)
    page.wait_for_function("innerHeight + scrollY >= document.documentElement.scrollHeight - 2")
    time.sleep(0.5)  # what is measured is real time in front of a person
    page.goto("about:blank")  # leaving sends the total
    deadline = time.monotonic() + 5
    while (view := seen(product, token)[0]).depth_pct < 100 and time.monotonic() < deadline:
        time.sleep(0.05)
    assert view.depth_pct == 100
    assert 0.5 <= view.visible_s < 30


def test_without_script_the_page_is_still_read_and_counted_as_opened(
    browser: Browser, product: Product, token: str
) -> None:
    context = browser.new_context(locale="zh-CN", viewport=PHONE, java_script_enabled=False)  # type: ignore[arg-type]
    page = context.new_page()
    page.goto(f"{product.base}/t/{token}")
    assert page.get_by_role("heading", level=1).inner_text()
    assert page.get_by_text("仅供医疗卫生专业人士").is_visible()
    assert [view.visible_s for view in seen(product, token)] == [0]
    context.close()
