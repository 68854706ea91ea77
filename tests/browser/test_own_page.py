"""The physician's own page on a phone and on a desk, in both languages, used by keyboard or thumb."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser
from sqlalchemy import select

from app import links
from app.identity import Identifier, Kind
from app.reps import RelationState, RepContact
from app.tagging.models import TagAssertion
from tests.browser.conftest import Product
from tests.browser.test_console import keep, serious, sticks_out

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]


@pytest.fixture
def token(product: Product) -> str:
    """Of a physician with a rep, several tags, and the account."""
    now = product.parts.clock()
    with product.parts.db.transaction() as session:
        served = select(RepContact.identifier_id).where(
            RepContact.state == RelationState.CONNECTED,
            RepContact.identifier_id.in_(select(TagAssertion.identifier_id)),
        )
        met = select(Identifier.one_id).where(Identifier.id.in_(served))
        row = session.scalars(
            select(Identifier)
            .where(Identifier.kind == Kind.OPENID, Identifier.one_id.in_(met))
            .order_by(Identifier.id)
        ).first()
        assert row is not None
        return links.create_own(session, row.id, now)


@pytest.mark.parametrize(("locale", "width"), [("zh-CN", 390), ("en", 1440)])
def test_the_page_is_read_and_used_without_glasses(
    browser: Browser, product: Product, token: str, locale: str, width: int
) -> None:
    context = browser.new_context(locale=locale, viewport={"width": width, "height": 900})
    page = context.new_page()
    page.look = f"{width}-{locale}"  # type: ignore[attr-defined]
    page.goto(f"{product.base}/me/{token}")
    keep(page, "own", whole=True)
    assert not sticks_out(page)
    assert serious(page) == []
    small = page.evaluate(
        """() => [...document.querySelectorAll('main *')].filter(e => e.checkVisibility() &&
        [...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim()) &&
        parseFloat(getComputedStyle(e).fontSize) < 15).map(e => e.textContent)"""
    )
    assert small == []
    short = page.evaluate(
        """() => [...document.querySelectorAll('button, a, label, summary')].filter(e =>
        e.checkVisibility() && e.getBoundingClientRect().height < 44).map(e => e.textContent)"""
    )
    assert short == []
    page.locator("#tags button[value=delete]").first.click()
    page.locator("#tags [role=status]").wait_for()
    page.locator("#tags button[value=restore]").first.click()
    page.locator("#tags button[value=restore]").first.wait_for(state="detached")
    page.locator("#topics > ul button[value=off]").first.click()
    page.locator("#topics [role=status]").wait_for()
    keep(page, "own-changed", whole=True)
    page.locator("#topics > ul button[value=on]").first.click()
    page.locator("#topics > ul button[value=on]").first.wait_for(state="detached")
    page.goto(f"{product.base}/me/{token}/leave")
    keep(page, "own-leave")
    context.close()
