"""The vocabulary as somebody in marketing keeps it: find, make, change, merge, back, file."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Page

from tests.browser.conftest import Product
from tests.browser.test_console import keep, serious, sticks_out
from tests.browser.test_judgements import marketer

__all__ = ["marketer"]
pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]


def look(page: Page, name: str, closely: bool = True) -> None:
    keep(page, name, whole=True)
    assert not sticks_out(page), name
    assert not closely or serious(page) == [], name


def test_tags_are_found_made_merged_and_taken_back(marketer: Page, product: Product) -> None:
    page, own = marketer, marketer.look  # type: ignore[attr-defined]
    name, key = f"瓣膜病{own[:4]}", f"mitral-{own}"
    page.goto("/console/tags/")
    look(page, "tags")
    page.get_by_role("link", name="添加标签").click()
    page.get_by_label("名称").first.fill("心衰")
    page.get_by_text("已经使用这个名称").wait_for()
    keep(page, "tag-form", whole=True)
    page.get_by_label("名称").first.fill(name)
    page.get_by_text("可以使用").wait_for()
    page.get_by_label("编号").fill(key)
    page.get_by_label("一句话说明").fill("经常诊治心脏瓣膜病")
    look(page, "tag-form-filled")
    page.get_by_role("button", name="保存").click()
    page.get_by_role("heading", name=name).wait_for()
    page.get_by_role("link", name="合并…").click()
    page.get_by_label("并入哪个标签").select_option(label="冠心病")
    page.get_by_role("button", name="看看影响").click()
    page.get_by_role("heading", name="会这样改变").wait_for()
    page.get_by_role("button", name="确认合并").click()
    page.get_by_role("status").wait_for()
    assert "原样撤销" in page.get_by_role("status").inner_text()
    look(page, "tag")
    page.goto("/console/tags/one/cad/merge?rest=hypertension")
    page.get_by_role("heading", name="会这样改变").wait_for()
    look(page, "tag-merge")
    page.goto("/console/tags/one/cad/split?to0=hypertension&source0=wecom_tag&words1=房&to1=af")
    page.get_by_role("heading", name="会这样改变").wait_for()
    look(page, "tag-split")
    page.goto("/console/tags/versions")
    look(page, "tag-versions")
    page.get_by_role("link", name="", exact=True).or_(
        page.locator("main table").last.locator("a").first
    ).first.click()
    look(page, "tag-version", closely=False)
    page.get_by_role("button", name="撤销这个版本").click()
    assert "撤销版本" in page.get_by_role("status").inner_text()


def test_files_and_branches(marketer: Page, tmp_path: Path) -> None:
    page, file = marketer, tmp_path / "v.csv"
    page.goto("/console/tags/import")
    with page.expect_download() as waiting:
        page.get_by_role("link", name="CSV").click()
    text = waiting.value.path().read_text(encoding="utf-8-sig")
    file.write_text(text.replace("经常诊治癫痫", "以癫痫为主要方向", 1), encoding="utf-8")
    page.get_by_label("XLSX、CSV 或 JSON 文件").set_input_files(file)
    page.get_by_role("button", name="上传并检查").click()
    page.get_by_role("button", name="确认导入").wait_for()
    look(page, "tag-import")
    page.goto("/console/tags/branches")
    look(page, "tag-branches")
