"""The tag court in a browser: a key decides, u takes it back, an appeal asks somebody else."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
from playwright.sync_api import Browser, Page
from sqlalchemy import delete, select

from app import content, court, identity, journey, tagging
from app.court import TagCase
from app.identity import Id, Identifier, Kind
from app.journey import Happened
from app.tagging import Learned, Source
from app.tagging.models import TagAssertion
from tests.browser.conftest import Product
from tests.browser.test_console import keep, looking, serious, sticks_out

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]


@pytest.fixture(params=[("wide", "light"), ("phone", "dark")], ids="-".join)
def admin(request: pytest.FixtureRequest, browser: Browser, product: Product) -> Iterator[Page]:
    yield from looking(request, browser, product, "admin")


@pytest.fixture
def cases(product: Product) -> Iterator[list[int]]:
    """Two contradictions about one invented physician, and what was learned of two sources."""
    parts, now = product.parts, product.parts.clock()
    with parts.db.transaction() as session:
        session.execute(delete(TagCase))
        court.set_settle_at(session, None)
        who = Id(Kind.CRM_ID, "court-test", "C-1")
        (row,) = identity.observe(
            session, [who], event_key="court:1", source="crm", at=now, now=now
        )
        known = {
            "name": "欧阳仲",
            "title": "副主任医师",
            "department": "心内科",
            "hospital": "示例市第七医院",
        }
        identity.describe(session, row, known, source="crm", trust=80, at=now, now=now)
        _say(session, row, "stage-trial", Source.CRM, "CRM 标签「试用」", now - timedelta(days=12))
        _say(session, row, "stage-advocate", Source.PERSON, "市场人员标注", now - timedelta(days=3))
        _say(
            session, row, "af", Source.WECOM_TAG, "企微标签「房颤患者多」", now - timedelta(days=90)
        )
        _send(session, row, now)
        for tag, value in ((0, 0.51), (_tag(session, "af"), 0.22)):
            tagging.learn(
                session, Learned(Source.CRM, tag, value, value - 0.06, value + 0.07, 420, 2200, 310,
                                 295.0, 180.0), now,
            )  # fmt: skip
    with parts.db.transaction() as session:
        court.examine(session, [session.get_one(Identifier, row.id).one_id], now)
        found = list(session.scalars(select(TagCase.id).order_by(TagCase.id)))
    yield found
    with parts.db.transaction() as session:
        session.execute(delete(TagCase))
        session.execute(delete(TagAssertion).where(TagAssertion.identifier_id == row.id))


def test_a_case_is_decided_taken_back_and_appealed(
    admin: Page, product: Product, cases: list[int]
) -> None:
    assert len(cases) == 2
    admin.goto("/console/tags/court")
    admin.get_by_role("heading", name="欧阳仲").wait_for()
    keep(admin, "court", whole=True)
    assert not sticks_out(admin)
    assert serious(admin) == []
    first = admin.locator("#case").get_attribute("data-case")
    admin.keyboard.press("1")
    admin.get_by_text("已裁定，按 u 可以撤销。").wait_for()
    assert admin.locator("#case").get_attribute("data-case") != first
    keep(admin, "court-second", whole=True)
    admin.keyboard.press("u")
    admin.locator(f"#case[data-case='{first}']").wait_for()
    admin.keyboard.press("2")
    admin.get_by_text("已裁定，按 u 可以撤销。").wait_for()
    admin.goto(f"/console/tags/court/{first}")
    admin.get_by_label("不同意").fill("科室会上本人说法不同")
    keep(admin, "court-case", whole=True)
    admin.get_by_role("button", name="申诉").click()
    assert "另一位同事" in admin.get_by_role("status").first.inner_text()
    assert not sticks_out(admin)
    assert serious(admin) == []
    admin.goto("/console/tags/court/cases")
    admin.get_by_text("申诉中").wait_for()
    keep(admin, "court-cases", whole=True)
    assert not sticks_out(admin)


def test_how_true_tags_are_and_who_says_what(
    admin: Page, product: Product, cases: list[int]
) -> None:
    admin.goto("/console/tags/truth?source=crm&of=0")
    admin.get_by_role("cell", name="全部标签").first.wait_for()
    keep(admin, "truth", whole=True)
    assert not sticks_out(admin)
    assert serious(admin) == []
    admin.get_by_label("可信度（%）").fill("55")
    admin.get_by_label("理由").fill("新的录入规范")
    admin.get_by_role("button", name="固定", exact=True).click()
    assert "已固定" in admin.get_by_role("status").first.inner_text()
    admin.get_by_role("button", name="恢复为学到的").click()
    assert "已恢复" in admin.get_by_role("status").first.inner_text()
    admin.goto("/console/physicians/?q=欧阳仲")
    admin.get_by_role("link", name="欧阳仲").click()
    tag = admin.locator("details", has=admin.locator("summary .tag", has_text="房颤")).first
    tag.locator("summary").first.click()
    tag.get_by_text("各项贡献之和就是标签的强度").wait_for()
    admin.get_by_text("标签的历史").click()
    keep(admin, "court-physician", whole=True)
    assert not sticks_out(admin)
    assert serious(admin) == []


def _say(session, row, key, source, evidence, at) -> None:  # type: ignore[no-untyped-def]
    tagging.assert_tag(
        session, row.id, _tag(session, key), source=source, ref=f"court:{key}", evidence=evidence,
        at=at,
    )  # fmt: skip


def _tag(session, key: str) -> int:  # type: ignore[no-untyped-def]
    found = tagging.by_key(session, key)
    assert found is not None
    return found.id


def _send(session, row: Identifier, now: datetime) -> None:  # type: ignore[no-untyped-def]
    """Eight contents about atrial fibrillation that were not opened, and some others that were."""
    af = tagging.shape(session).family(_tag(session, "af"))
    versions = [usable.id for usable in content.listing(session, limit=400)]
    tags = content.tags_of_many(session, versions)
    about = [v for v in versions if af.keys() & tags[v].keys()]
    others = [v for v in versions if not af.keys() & tags[v].keys()]
    assert len(about) >= 6, len(about)
    for n, version in enumerate([*about[:10], *others[:16]]):
        at = now - timedelta(days=40 - n)
        sent = Happened.CONTENT_SENT
        journey.note(session, row.id, sent, channel="wecom", at=at, ref=f"court:{row.id}:{version}",
                     content_version_id=version)  # fmt: skip
        if version not in about and n % 2:
            journey.note(session, row.id, Happened.CONTENT_OPENED, channel="page",
                         at=at + timedelta(hours=3), ref=f"court:{row.id}:{version}:o",
                         content_version_id=version)  # fmt: skip
