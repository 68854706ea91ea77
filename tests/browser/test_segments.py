"""An audience is counted while somebody types, and says why a physician is in or out."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, expect

from app import segments
from tests.browser.conftest import Product
from tests.browser.test_console import SIZES, keep, log_in, serious, sticks_out

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]


@pytest.mark.parametrize(("size", "scheme"), [("wide", "light"), ("phone", "dark")])
def test_typing_counts_and_a_name_is_explained(
    browser: Browser, product: Product, size: str, scheme: str
) -> None:
    with product.parts.db.reading() as session:
        text, now = "企微好友 且 非 (标签:肺癌 或 近30天打开 ≥ 2)", product.parts.clock()
        wanted = segments.audience(session, text, now)
    context = browser.new_context(
        viewport=SIZES[size], color_scheme=scheme, locale="zh-CN", base_url=product.base
    )
    page = context.new_page()
    page.look = f"{size}-{scheme}"  # type: ignore[attr-defined]
    log_in(page, "admin", product.password)
    page.goto("/console/segments/")
    page.get_by_label("条件").fill(text)
    expect(page.locator("#audience .value")).to_have_text(f"{wanted.size:,}")
    page.get_by_label("某位医生为什么在或不在").fill(wanted.sample[0].one_id)
    expect(page.locator("#why .badge")).to_have_text("在人群中")
    assert page.locator("#why li").count() == 6
    keep(page, "segments", whole=True)
    assert not sticks_out(page)
    assert serious(page) == []
    page.get_by_label("条件").fill(f"{text} 且 标签:肺癌")
    expect(page.locator("#why .badge")).to_have_text("不在人群中")
    context.close()
