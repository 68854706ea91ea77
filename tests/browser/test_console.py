"""The console as people see it: wide and narrow, light and dark, with a keyboard, for everyone."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from tests.browser.conftest import Product

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

PAGES = {
    "home": "/console/",
    "physicians": "/console/physicians/",
    "tags": "/console/tags/",
    "segments": "/console/segments/",
    "contents": "/console/contents/",
    "content": "/console/contents/1",
    "content-form": "/console/contents/new",
    "campaigns": "/console/campaigns/",
    "campaign": "/console/campaigns/1",
    "campaign-form": "/console/campaigns/new",
    "insights": "/console/insights/",
    "inbox": "/console/governance/",
    "sends": "/console/governance/sends",
    "limits": "/console/governance/limits",
    "reps": "/console/governance/reps",
    "operations": "/console/governance/operations",
    "users": "/console/governance/users",
    "audit": "/console/governance/audit",
}
SIZES = {"wide": {"width": 1440, "height": 900}, "phone": {"width": 390, "height": 844}}
LOOKS = [("wide", "light"), ("wide", "dark"), ("phone", "light"), ("phone", "dark")]
PICTURES = os.environ.get("YISHU_PICTURES", "")  # a folder: keep what was seen


@pytest.fixture(scope="module", params=LOOKS, ids="-".join)
def admin(request: pytest.FixtureRequest, browser: Browser, product: Product) -> Iterator[Page]:
    """An administrator who has logged in, on each size and in each scheme."""
    yield from looking(request, browser, product, "admin")


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_whole_and_open_to_everyone(admin: Page, name: str) -> None:
    answer = admin.goto(PAGES[name])
    assert answer
    assert answer.status == 200
    keep(admin, name)
    assert not sticks_out(admin), "the page scrolls sideways"
    assert serious(admin) == []


def test_a_physician_is_found_by_keyboard_and_explained(page: Page, product: Product) -> None:
    page.set_viewport_size(SIZES["wide"])  # type: ignore[arg-type]
    page.goto(product.base + "/console/login")
    log_in(page, "marketer", product.password)
    page.goto(product.base + "/console/physicians/")
    first = page.locator("main table a").first
    name = first.inner_text().strip()
    first.focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/console/physicians/*")
    assert name in page.locator("main").inner_text()
    keep(page, "physician")
    assert not sticks_out(page)
    assert serious(page) == []


def test_the_login_page_needs_no_mouse_and_says_what_was_wrong(
    page: Page, product: Product
) -> None:
    page.goto(product.base + "/console/login")
    assert serious(page) == []
    page.keyboard.type("admin")
    page.keyboard.press("Tab")
    page.keyboard.type("not the password")
    page.keyboard.press("Enter")
    page.wait_for_load_state()
    assert "登录名或密码不正确" in page.get_by_role("alert").inner_text()


def test_chinese_is_drawn_with_real_glyphs(page: Page, product: Product) -> None:
    page.goto(product.base + "/console/login")
    drawn = """font => { const c = document.createElement('canvas').getContext('2d');
        c.font = '24px sans-serif'; return c.measureText('企').width; }"""
    assert page.evaluate(drawn) >= 23, "no Chinese font: apt install fonts-noto-cjk"


def log_in(page: Page, login: str, password: str) -> None:
    page.goto("/console/login") if "/console/login" not in page.url else None
    page.get_by_label("登录名").fill(login)
    page.get_by_label("密码").fill(password)
    page.get_by_role("button", name="登录").click()
    page.wait_for_url("**/console/")


def looking(
    request: pytest.FixtureRequest, browser: Browser, product: Product, login: str
) -> Iterator[Page]:
    """Logged in, in the size and colours of the fixture's parameter; `page.look` names them."""
    size, scheme = request.param
    context = browser.new_context(
        viewport=SIZES[size], color_scheme=scheme, locale="zh-CN", base_url=product.base
    )
    page = context.new_page()
    log_in(page, login, product.password)
    page.look = f"{size}-{scheme}"  # type: ignore[attr-defined]
    yield page
    context.close()


def arrived(page: Page) -> Page:
    """The page when it is whole: a click waits for the next page to begin, not to end."""
    page.wait_for_load_state()
    return page


def sticks_out(page: Page) -> bool:
    """True when the page is wider than the screen."""
    wide: bool = arrived(page).evaluate(
        "document.documentElement.scrollWidth > document.documentElement.clientWidth + 1"
    )
    return wide


def serious(page: Page) -> list[str]:
    """What axe calls serious or critical, with the first place of each."""
    found: dict[str, Any] = Axe().run(arrived(page)).response
    return [
        f"{one['id']}: {one['help']} at {one['nodes'][0]['target']} "
        f"{one['nodes'][0].get('any', [{}])[:1]}"
        for one in found["violations"]
        if one["impact"] in ("serious", "critical")
    ]


def keep(page: Page, name: str, *, whole: bool = False) -> None:
    if PICTURES:
        look = getattr(page, "look", "wide-light")
        arrived(page).screenshot(path=Path(PICTURES) / f"{name}-{look}.png", full_page=whole)
