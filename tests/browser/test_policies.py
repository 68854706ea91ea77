"""Policies and the lift as somebody in marketing meets them: one page each, no number bare."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from playwright.sync_api import Page
from sqlalchemy import delete, select

from app.content import ContentVersion
from app.infra.clock import local
from app.recommend.policy import policies
from app.recommend.policy.policy_models import Decision, Policy
from app.reps import RelationState, RepContact
from tests.browser.conftest import Product
from tests.browser.test_console import keep, serious, sticks_out
from tests.browser.test_judgements import marketer
from workers.concluding import conclude_due

__all__ = ["marketer"]
pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]


@pytest.fixture(autouse=True)
def _nothing_decided(product: Product) -> Iterator[None]:
    """As before the first plan, and afterwards: policies are the whole company's."""
    _forget(product)
    yield
    _forget(product)


def _forget(product: Product) -> None:
    with product.parts.db.transaction() as session:
        session.execute(delete(Decision))
        session.execute(delete(Policy))


def look(page: Page, name: str) -> None:
    keep(page, name, whole=True)
    assert not sticks_out(page), name
    assert serious(page) == [], name


def test_a_policy_is_written_judged_tried_and_stopped(marketer: Page, product: Product) -> None:
    page = marketer
    page.goto("/console/insights/policies")
    page.get_by_text("还没有别的版本").wait_for()
    look(page, "policies-empty")
    page.get_by_role("link", name="新建策略").first.click()
    page.get_by_label("名称").fill("先给新内容一点机会")
    page.get_by_label("为什么要改").fill("新内容上线后很少被推荐")
    page.get_by_text("只留底线").click()
    look(page, "policy-form")
    page.get_by_role("button", name="保存并评估").click()
    page.get_by_text("正在用过去的记录评估").wait_for()
    conclude_due(product.parts)
    page.locator(".page-head").get_by_text("已通过评估").wait_for()  # without a reload by hand
    look(page, "policy-gated")
    page.get_by_role("button", name="在少数代表中试行").click()
    page.get_by_text("已开始试行").wait_for()
    with product.parts.db.transaction() as session:
        row = policies.on_trial(session)
        assert row is not None
        row.canary = {"next": "go_on", "because": "", "days": 6, "number": 84,
                      "figures": {"refused": [0.01, -0.11, 0.13], "adopted": [0.03, -0.1, 0.16],
                                  "opened": [-0.01, -0.12, 0.1]}}  # fmt: skip
    page.goto("/console/insights/policies")
    look(page, "policies-trial")
    page.get_by_text("停止试行…").click()
    page.get_by_label("原因（其他人会看到").fill("代表反映内容太杂")
    page.get_by_role("button", name="确认").click()
    page.get_by_text("已退回，从下一次计划起生效").wait_for()
    look(page, "policy-rolled-back")
    page.goto("/console/insights/policies")
    page.get_by_label("每两周随机留出多少医生不建议").select_option("10")
    page.get_by_label("连接的医生满多少位才开始").fill("0")
    page.get_by_role("button", name="保存").click()
    page.get_by_text("已保存为第").wait_for()
    look(page, "policies")


def test_the_lift_says_what_it_knows_and_how_long_until_more(
    marketer: Page, product: Product
) -> None:
    marketer.goto("/console/insights/lift")
    marketer.get_by_text("还没有对照").wait_for()
    look(marketer, "lift-empty")
    fortnights(product, ago=0)
    marketer.goto("/console/insights/lift")
    marketer.get_by_text("对照已经开始").wait_for()
    fortnights(product)
    marketer.goto("/console/insights/lift")
    marketer.get_by_role("heading", name="按品牌").wait_for()
    look(marketer, "lift")


def fortnights(product: Product, ago: int = 20) -> None:
    """Three of them for the sample's physicians, the last `ago` days ago; every sixth held out."""
    now = product.parts.clock()
    with product.parts.db.transaction() as session:
        policy = policies.ensure(session, now)
        relations = session.scalars(
            select(RepContact).where(RepContact.state == RelationState.CONNECTED).limit(400)
        ).all()
        versions = session.scalars(select(ContentVersion).limit(12)).all()
        for n, one in enumerate(relations):
            for window in range(3 if ago else 1):
                version = versions[(n + window) % len(versions)]
                at = now - timedelta(days=ago + 14 * window)
                session.add(
                    Decision(
                        key=f"browser:{n}:{ago}:{window}", policy_id=policy.id, rep_id=one.rep_id,
                        identifier_id=one.identifier_id, day=local(at).date(), kind="greedy",
                        content_id=version.content_id, content_version_id=version.id,
                        options=[], held=(n * 5 + window * 3 + n // 6) % 6 == 0, holdout=1 / 6, created_at=at,
                    )
                )  # fmt: skip
