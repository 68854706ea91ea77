"""标签: names are folded with a preview and undone, a tag is mirrored in WeCom and no longer."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page
from sqlalchemy import select

from app import tagging
from app.flows.tagging import import_tags, import_work
from app.identity import Identifier, Kind
from app.tagging import Source
from tests.browser.conftest import Product
from tests.browser.test_console import keep, looking, serious, sticks_out

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]


@pytest.fixture(params=[("wide", "light"), ("phone", "dark")], ids="-".join)
def marketer(request: pytest.FixtureRequest, browser: Browser, product: Product) -> Iterator[Page]:
    yield from looking(request, browser, product, "admin")


@pytest.fixture
def name(product: Product, marketer: Page) -> str:
    """A name that nobody knows, carried by some followers of the sample company and by whom a file
    names."""
    raw = f"心房纤维颤动{marketer.look.split('-')[0]}"  # type: ignore[attr-defined]
    with product.parts.db.transaction() as session:
        chosen = select(Identifier).where(Identifier.kind == Kind.OPENID).order_by(Identifier.id)
        now = product.parts.clock()
        for row in session.scalars(chosen.limit(8)).all():
            for number, names in enumerate(({raw: "市场工具"}, {"处方量TOP": ""})):
                tagging.take_names(
                    session, row.id, source=Source.MARKETING, scope=f"tool:browser{number}",
                    names=names, at=now, now=now,
                )  # fmt: skip
        crm_id = session.scalars(select(Identifier).where(Identifier.kind == Kind.CRM_ID)).first()
        assert crm_id is not None
        file = f"CRM编号,标签\n{crm_id.value},{raw}\n".encode()
        upload = import_tags.keep(session, f"{raw}.csv", file, tool=raw, actor="cli", now=now)
    import_tags.apply(product.parts.db, upload.id, {0: "crm_id", 1: "tags"}, actor="cli", now=now)
    return raw


def test_a_name_is_folded_with_a_preview_and_undone(
    marketer: Page, product: Product, name: str
) -> None:
    marketer.goto("/console/tags/names")
    marketer.get_by_role("heading", name="标签").wait_for()
    keep(marketer, "tag-names", whole=True)
    assert not sticks_out(marketer)
    assert serious(marketer) == []
    marketer.goto(f"/console/tags/names?q={name}")
    marketer.get_by_label(f"选择 {name}").check()
    marketer.get_by_label(f"{name} 归并到").select_option("af")
    marketer.get_by_role("button", name="归并…").click()
    marketer.get_by_text("现在还没有写入任何内容").wait_for()
    keep(marketer, "tag-names-preview", whole=True)
    assert not sticks_out(marketer)
    assert serious(marketer) == []
    marketer.get_by_role("button", name="确认").click()
    assert "已处理 1 个名称" in marketer.get_by_role("status").inner_text()
    keep(marketer, "tag-names-history", whole=True)
    assert not sticks_out(marketer)
    assert serious(marketer) == []
    marketer.get_by_role("row", name=name).get_by_role("button", name="撤销").click()
    assert "恢复原样" in marketer.get_by_role("status").inner_text()
    marketer.goto(f"/console/tags/names?q={name}")
    marketer.get_by_label(f"选择 {name}").wait_for()
    marketer.goto("/console/tags/take")
    file = {
        "name": "m.csv",
        "mimeType": "text/csv",
        "buffer": "手机,客户标签\n19912345678,房颤\n".encode(),
    }
    marketer.get_by_label("CSV 或 XLSX 文件").set_input_files([file])  # type: ignore[list-item]
    marketer.get_by_role("button", name="上传并检查").click()
    marketer.get_by_role("heading", name="m.csv").wait_for()
    keep(marketer, "tag-import", whole=True)
    assert not sticks_out(marketer)
    assert serious(marketer) == []
    marketer.goto("/console/tags/take")
    marketer.get_by_role("link", name=f"{name}.csv").click()
    marketer.get_by_text("撤销这次导入").click()
    marketer.get_by_text("1 位医生的标签会回到导入之前").wait_for()
    marketer.get_by_label("撤销的原因").fill("传错了文件")
    keep(marketer, "tag-import-undo", whole=True)
    assert not sticks_out(marketer)
    assert serious(marketer) == []
    marketer.get_by_role("button", name="确认撤销").click()
    marketer.get_by_text("等待后台处理").wait_for()
    keep(marketer, "tag-import-waits", whole=True)
    assert serious(marketer) == []
    assert import_work.do_next(product.parts.db, product.parts.clock)
    marketer.get_by_text("传错了文件").wait_for()  # the page comes anew by itself


def test_a_tag_is_mirrored_and_no_longer(marketer: Page) -> None:
    marketer.goto("/console/tags/mirror")
    marketer.get_by_label("标签").last.select_option(label="基因检测")
    marketer.get_by_role("button", name="同步", exact=True).click()
    assert "会同步到企业微信" in marketer.get_by_role("status").inner_text()
    keep(marketer, "tag-mirror", whole=True)
    assert not sticks_out(marketer)
    assert serious(marketer) == []
    row = marketer.get_by_role("row", name="基因检测")
    row.get_by_role("button", name="停止同步…").click()
    marketer.get_by_text("会从企业微信移除").wait_for()
    keep(marketer, "tag-mirror-sure", whole=True)
    marketer.get_by_role("button", name="停止同步", exact=True).click()
    assert "不再同步" in marketer.get_by_role("status").inner_text()
