"""Hospitals as somebody in marketing keeps them: import, look, decide by keys, undo."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Page

from app import identity
from app.flows.identity.hospitals import catch_up
from app.identity import Id
from tests.browser.conftest import Product
from tests.browser.test_console import keep, serious, sticks_out
from tests.browser.test_judgements import marketer

__all__ = ["marketer"]
pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

LIST = """医院名称,别名,等级,省份,城市
四川大学华西医院,华西医院,三甲,四川省,成都市
四川大学华西第二医院,,三甲,四川省,成都市
四川大学华西第四医院（示例职业病医院）,,三甲,四川省,成都市
成都市第三人民医院,成都三医院,三甲,四川省,成都市
江南大学附属医院（无锡市第四人民医院）,,三甲,江苏省,无锡市
人民医院,,,四川省,成都市
"""
WRITTEN = ("川大华西", "华西二院", "成都第三医院", "某某诊疗中心")
MOST = 12


@pytest.fixture
def people(product: Product) -> None:
    """Four physicians with hospitals as people write them, and more of the first than of any."""
    with product.parts.db.transaction() as session:
        for number, hospital in enumerate([*WRITTEN, *[WRITTEN[0]] * (MOST - 1)]):
            one = Id(identity.Kind.CRM_ID, "", f"hospital-{number}")
            now = product.parts.clock()
            (row,) = identity.observe(
                session, [one], event_key=f"hospital:{number}", source="crm.import",
                kind="crm_master", trust=80, at=now, now=now,
            )  # fmt: skip
            identity.describe(
                session, row, {"name": f"某医生{number}", "hospital": hospital, "city": "成都市",
                "province": "四川省"}, source="crm.import", trust=99, at=now, now=now,
            )  # fmt: skip
    catch_up(product.parts.db, product.parts.clock())


def look(page: Page, name: str, closely: bool = True) -> None:
    keep(page, name, whole=True)
    assert not sticks_out(page), name
    assert not closely or serious(page) == [], name


def test_a_list_is_imported_and_names_are_decided(
    marketer: Page, product: Product, people: None, tmp_path: Path
) -> None:
    page, file = marketer, tmp_path / "list.csv"
    file.write_text(LIST, encoding="utf-8")
    page.goto("/console/governance/hospitals/import")
    look(page, "hospital-import")
    page.get_by_label("CSV 或 XLSX 文件").set_input_files(file)
    page.get_by_role("button", name="上传并检查").click()
    look(page, "hospital-look", closely=False)
    page.get_by_text("没有采用").first.wait_for()
    page.get_by_role("button", name="确认导入").click()
    page.get_by_role("link", name="查看待确认的名称").click()
    look(page, "hospital-review")
    first = page.locator("[data-keys] h2")
    assert first.inner_text() == "川大华西"
    with page.expect_navigation():
        page.keyboard.press("1")
    assert f"{MOST} 位医生随之对应" in page.get_by_role("status").inner_text()
    assert first.inner_text() != "川大华西"
    asked = first.inner_text()
    with page.expect_navigation():
        page.keyboard.press("x")
    assert first.inner_text() != asked
    look(page, "hospital-decided", closely=False)
    for _ in range(2):
        with page.expect_navigation():
            page.keyboard.press("u")
    assert first.inner_text() == "川大华西"
    page.goto("/console/governance/hospitals?q=华西")
    look(page, "hospitals")
    page.get_by_role("link", name="四川大学华西医院").click()
    look(page, "hospital")
    page.get_by_role("textbox", name="名称").fill("川大华西")
    page.get_by_role("button", name="添加").click()
    assert f"{MOST} 位医生随之对应" in page.get_by_role("status").inner_text()
    page.get_by_role("button", name="删除名称 川大华西").click()
    assert f"{MOST} 位医生不再对应" in page.get_by_role("status").inner_text()
