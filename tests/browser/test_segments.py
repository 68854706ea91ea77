"""An audience is counted while somebody types, and says why a physician is in or out."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, Page, expect

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
    page.locator("#expression").fill(text)
    expect(page.locator("#audience .value")).to_have_text(f"{wanted.size:,}")
    page.get_by_label("某位医生为什么在或不在").fill(wanted.sample[0].one_id)
    expect(page.locator("#why .badge")).to_have_text("在人群中")
    assert page.locator("#why li").count() == 6
    keep(page, "segments", whole=True)
    assert not sticks_out(page)
    assert serious(page) == []
    page.locator("#expression").fill(f"{text} 且 标签:肺癌")
    expect(page.locator("#why .badge")).to_have_text("不在人群中")
    context.close()


@pytest.mark.parametrize("size", ["wide", "phone"])
def test_the_builder_and_the_text_say_the_same(
    browser: Browser, product: Product, size: str
) -> None:
    context = browser.new_context(
        viewport=SIZES[size], color_scheme="light", locale="zh-CN", base_url=product.base
    )
    page = context.new_page()
    page.look = f"{size}-light"  # type: ignore[attr-defined]
    log_in(page, "admin", product.password)
    page.goto("/console/segments/")
    text = page.locator("#expression")
    text.fill("城市 = 云岭市 且 (标签:房颤 或 非 近30天打开 1-3 次)")
    leaves = page.locator(".b-leaf")
    expect(leaves).to_have_count(3)
    expect(leaves.nth(2).locator("[data-high]")).to_have_value("3")
    keep(page, "builder", whole=True)
    assert not sticks_out(page)
    assert serious(page) == []
    leaves.nth(2).locator("[data-bound]").select_option("never")
    expect(text).to_have_value("城市 = 云岭市 且 (标签:房颤 或 非 近30天未打开)")
    page.locator(".b-group .b-group > .head [data-join]").select_option("all")
    expect(text).to_have_value("城市 = 云岭市 且 (标签:房颤 且 非 近30天未打开)")
    page.locator(".b-group .b-group > .head [data-remove]").click()
    expect(text).to_have_value("城市 = 云岭市")
    page.locator("[data-add-leaf]").first.click()
    fresh = leaves.nth(1)
    fresh.locator("[data-kind]").select_option("flag:wecom")
    expect(text).to_have_value("城市 = 云岭市 且 企微好友")
    fresh.locator("[data-kind]").select_option("tag")
    name = fresh.locator("[data-for=tag] [data-name]")
    name.fill("肺")
    page.locator("#names-tag option").first.wait_for(state="attached")
    name.fill("肺癌")  # a whole name counts while somebody is still in the field
    expect(text).to_have_value("城市 = 云岭市 且 标签:肺癌")
    for _ in range(2):
        page.locator("[data-undo]").click()
    expect(text).to_have_value("城市 = 云岭市")
    expect(leaves).to_have_count(1)
    page.locator("[data-redo]").click()
    expect(text).to_have_value("城市 = 云岭市 且 企微好友")
    page.locator("#name").fill(f"云岭好友 {size}")
    page.get_by_role("button", name="保存", exact=True).click()
    page.locator("h1", has_text=f"云岭好友 {size}").wait_for()
    keep(page, "segment", whole=True)
    assert not sticks_out(page)
    assert serious(page) == []
    page.goto(f"/console/segments/overlap?s=云岭好友 {size}&e=标签:房颤&e=近30天打开")
    page.locator("table.regions tbody tr").first.wait_for()
    keep(page, "overlap", whole=True)
    assert not sticks_out(page)
    assert serious(page) == []
    _upload(page, size)
    context.close()


def _upload(page: Page, size: str) -> None:
    """A file is looked at, and then it is a condition."""
    page.goto("/console/segments/lists")
    page.get_by_label("名单名称").fill(f"签到 {size}")
    page.get_by_label("用途").fill("示例会议签到")
    page.get_by_label("CSV 或 XLSX 文件").set_input_files(
        {"name": "a.csv", "mimeType": "text/csv", "buffer": b"ONE_ID\nYS0\nYS0\n"}
    )
    page.get_by_role("button", name="上传并检查").click()
    page.get_by_role("button", name="确认使用").wait_for()
    keep(page, "list", whole=True)
    assert not sticks_out(page)
    assert serious(page) == []
    page.get_by_role("button", name="确认使用").click()
    page.get_by_role("link", name="作为条件").wait_for()
    page.goto("/console/segments/lists")
    keep(page, "lists", whole=True)
    assert not sticks_out(page)
    assert serious(page) == []
