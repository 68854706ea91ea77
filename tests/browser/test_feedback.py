"""What a rep says on the phone, and where staff decide about it, looked at in a real browser."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from flask import Flask
from flask.sessions import SecureCookieSessionInterface
from playwright.sync_api import Browser, Page
from sqlalchemy import select

from app import content, recommend, reps
from app.flows.answers import refusal
from app.infra.clock import local
from app.recommend import Answer, State, Suggestion
from app.web import create_app
from tests.browser.conftest import Product
from tests.browser.test_console import SIZES, keep, log_in, serious, sticks_out

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]
NOTE = "这个月别再发抗凝"


@pytest.fixture
def rows(product: Product) -> Iterator[list[int]]:
    """Three suggestions of today for a rep: one may not be sent any more."""
    now = product.parts.clock()
    with product.parts.db.transaction() as session:
        rep = reps.active_reps(session)[-1]
        version = content.usable(session, now)[0].version
        made = []
        for n, (_, row) in enumerate(reps.contacts_of(session, rep.id)[-3:]):
            one = Suggestion(
                plan_key=f"day:look:{n}", rep_id=rep.id, identifier_id=row.id, position=n + 1,
                content_id=version.content_id, content_version_id=version.id,
                day=local(now).date(), state=State.DELIVERED, created_at=now, delivered_at=now,
                reasons=["企微标签「房颤」（3 天前）", "昨天读完《抗凝新进展》",
                         "7 天内联系不超过 2 次"],
            )  # fmt: skip
            session.add(one)
            session.flush()
            made.append(one)
        first = made[0]
        recommend.answer(session, first, Answer.REFUSE, ref="look:1", now=now, reason="discussed")
        first.state, first.refusal = State.REFUSED, "discussed"
        ids = [one.id for one in made]
    yield ids
    with product.parts.db.transaction() as session:
        for one in session.scalars(select(Suggestion).where(Suggestion.id.in_(ids))):
            session.delete(one)


def as_rep(browser: Browser, product: Product, rep_id: int) -> Page:
    """Logged in, as WeCom's OAuth would have done."""
    app: Flask = create_app(product.parts)
    signer = SecureCookieSessionInterface().get_signing_serializer(app)
    assert signer is not None
    name = app.config["SESSION_COOKIE_NAME"]
    context = browser.new_context(viewport=SIZES["phone"], locale="zh-CN", base_url=product.base)  # type: ignore[arg-type]
    value = str(signer.dumps({"rep_id": rep_id}))
    context.add_cookies([{"name": name, "value": value, "url": product.base}])
    page = context.new_page()
    page.look = "phone-light"  # type: ignore[attr-defined]
    return page


def test_a_rep_answers_and_staff_decide(
    browser: Browser, product: Product, rows: list[int]
) -> None:
    with product.parts.db.transaction() as session:
        mine = [session.get_one(Suggestion, number) for number in rows]
        rep_id = mine[0].rep_id
        others = mine[1].content_id
        content.set_terms(
            session, others, verified_only=False, provinces=["西藏"], specialties=(),
            refusal_for_all=False, by="user:1", now=product.parts.clock(),
        )  # fmt: skip
    page = as_rep(browser, product, rep_id)
    page.goto("/rep/")
    keep(page, "rep-list", whole=True)
    barred = page.locator("article").filter(has_text="不面向医生所在的地区").last
    barred.wait_for()
    assert barred.get_by_role("button", name="采用").is_disabled()
    barred.get_by_text("不合适", exact=True).click()
    keep(page, "rep-not-suitable", whole=True)
    assert not sticks_out(page)
    assert serious(page) == []
    barred.get_by_label("其他原因").fill(NOTE)
    barred.get_by_role("button", name="提交其他原因").click()
    page.get_by_role("status").wait_for()
    assert "市场部会看到" in page.get_by_role("status").inner_text()
    page.get_by_text("稍后", exact=True).last.click()
    keep(page, "rep-later", whole=True)
    page.locator("h2 a").first.click()
    keep(page, "rep-sidebar", whole=True)
    assert not sticks_out(page)
    assert serious(page) == []
    with product.parts.db.transaction() as session:
        row = session.get_one(Suggestion, rows[2] if _open(session, rows[2]) else rows[1])
        refusal.follow(session, row, "not_mine", "", product.parts.clock())
        content.set_terms(
            session, others, verified_only=False, provinces=(), specialties=(),
            refusal_for_all=False, by="user:1", now=product.parts.clock() + timedelta(seconds=1),
        )  # fmt: skip
    page.context.close()
    _staff(browser, product)


def _staff(browser: Browser, product: Product) -> None:
    context = browser.new_context(viewport=SIZES["wide"], locale="zh-CN", base_url=product.base)  # type: ignore[arg-type]
    page = context.new_page()
    log_in(page, "marketer", product.password)
    for path, name in (
        ("/console/governance/claims", "claims"), ("/console/governance/rules", "rules"),
        ("/console/governance/reps", "reps"),
    ):  # fmt: skip
        page.goto(path)
        keep(page, name, whole=True)
        assert not sticks_out(page), path
        assert serious(page) == [], path
    page.goto("/console/governance/rules")
    page.locator("main table a").first.click()
    page.get_by_text(NOTE).first.wait_for()
    keep(page, "rule", whole=True)
    assert serious(page) == []
    page.get_by_label("原因，代表会看到").fill("本月已调整")
    page.get_by_role("button", name="驳回").click()
    page.get_by_text("已驳回").first.wait_for()
    keep(page, "rule-over", whole=True)
    context.close()


def _open(session, number: int) -> bool:  # type: ignore[no-untyped-def]
    return session.get_one(Suggestion, number).state == State.DELIVERED
