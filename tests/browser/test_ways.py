"""The rep's list with ways and similar conversations, and a push by moment, as people see them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page
from sqlalchemy import func, select

from app import consent, content, delivery, reps
from app.infra.clock import local
from app.recommend import State, Suggestion
from app.reps import Rep
from tests.browser.conftest import Product
from tests.browser.test_console import SIZES, keep, log_in, serious, sticks_out

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]
REASONS = ["企微标签「房颤」（今天）", "上次互动 21 天前", "7 天内联系不超过 2 次"]


@pytest.fixture
def rep(product: Product) -> Iterator[Rep]:
    """A rep with three suggestions of one content and one of another, for today."""
    now = product.parts.clock()
    with product.parts.db.transaction() as session:
        busiest = (
            select(Suggestion.rep_id).group_by(Suggestion.rep_id).order_by(func.count()).limit(1)
        )
        rep = session.get_one(Rep, session.scalar(busiest) or 1)
        one, other = content.usable(session, now)[:2]
        contacts = reps.contacts_of(session, rep.id)[:4]
        for n, (_, row) in enumerate(contacts):
            version = (other if n == 3 else one).version
            session.add(
                Suggestion(
                    plan_key=f"test:{rep.id}",
                    rep_id=rep.id,
                    identifier_id=row.id,
                    content_id=version.content_id,
                    content_version_id=version.id,
                    day=local(now).date(),
                    position=20 + n,
                    reasons=REASONS,
                    state=State.DELIVERED,
                    created_at=now,
                    delivered_at=now,
                )
            )
        consent.wish(session, contacts[0][1].id, "rep", source="test", at=now)
        delivery.queue(
            session, way=delivery.Way.GROUP_TASK, dedupe_key=f"test:{rep.id}", payload={},
            identifier_id=contacts[1][1].id, rep_id=rep.id, now=now,
            not_before=now.replace(year=now.year + 1),
        )  # fmt: skip
    yield rep
    with product.parts.db.transaction() as session:
        for row in session.scalars(
            select(Suggestion).where(Suggestion.plan_key == f"test:{rep.id}")
        ):
            session.delete(row)
        for message in session.scalars(
            select(delivery.Dispatch).where(delivery.Dispatch.dedupe_key == f"test:{rep.id}")
        ):
            session.delete(message)


def test_a_rep_sees_the_way_and_handles_similar_ones_together(
    browser: Browser, product: Product, rep: Rep, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.web.rep.entry.known", lambda session: session.get(Rep, rep.id))
    context = browser.new_context(viewport=SIZES["phone"], locale="zh-CN", base_url=product.base)
    page = context.new_page()
    page.look = "phone-light"  # type: ignore[attr-defined]
    page.goto("/rep/")
    page.get_by_role("heading", name="相似沟通").first.wait_for()
    for closed in page.locator("details.ways > summary").all()[:2]:
        closed.click()
    page.locator("details.who-else > summary").first.click()
    keep(page, "rep-ways", whole=True)
    keep(page, "rep-ways-top")
    assert not sticks_out(page)
    assert serious(page) == []
    page.goto("/rep/meetings")
    keep(page, "rep-meetings", whole=True)
    assert serious(page) == []
    context.close()


def test_a_push_by_moment_shows_whom_it_reaches(browser: Browser, product: Product) -> None:
    context = browser.new_context(viewport=SIZES["wide"], locale="zh-CN", base_url=product.base)
    page: Page = context.new_page()
    log_in(page, "admin", product.password)
    page.look = "wide-light"  # type: ignore[attr-defined]
    page.goto("/console/campaigns/new?way=moment")
    page.get_by_label("内容", exact=True).select_option(index=1)
    page.get_by_text("现在可触达的医生").wait_for()
    keep(page, "campaign-moment", whole=True)
    assert "只有选中的医生看得到" in page.content()
    assert serious(page) == []
    page.goto("/console/contents/new")
    page.get_by_label("类型").select_option("meeting")
    keep(page, "content-meeting", whole=True)
    assert serious(page) == []
    context.close()
