"""Who is who, decided on the physician page: looked at, made and undone by a person."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page
from sqlalchemy import func, select

from app import identity
from app.identity import Identifier, Kind, Override, Physician
from tests.browser.conftest import Product
from tests.browser.test_console import arrived, keep, looking, serious, sticks_out

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]


@pytest.fixture(params=[("wide", "light"), ("phone", "dark")], ids="-".join)
def marketer(request: pytest.FixtureRequest, browser: Browser, product: Product) -> Iterator[Page]:
    yield from looking(request, browser, product, "admin")


@pytest.fixture
def two(product: Product) -> Iterator[tuple[Physician, Physician]]:
    """Two followers of the sample company without a licence, or a CRM id, so that no rule keeps them apart."""
    with product.parts.db.reading() as session:
        chosen = (
            select(Physician)
            .join(Identifier, Identifier.id == Physician.anchor_id)
            .where(Physician.live.is_(True), Physician.verified.is_(False))
            .where(Physician.name.is_not(None), Identifier.kind != Kind.CRM_ID)
        )
        one, other = session.scalars(chosen.order_by(Physician.one_id).limit(2)).all()
    yield one, other
    with product.parts.db.transaction() as session:
        for row in identity.judgements(session):
            if row.retracted_at is None:
                identity.retract(session, row.id, actor="test", now=row.at)


def test_two_are_compared_merged_and_taken_apart_again(
    marketer: Page, two: tuple[Physician, Physician]
) -> None:
    one, other = two
    marketer.goto(f"/console/physicians/{one.one_id}")
    marketer.get_by_role("link", name="合并…").click()
    marketer.get_by_label(re.compile("姓名")).fill(other.one_id)
    marketer.get_by_role("button", name="查找").click()
    keep(marketer, "judge-choose", whole=True)
    marketer.get_by_role("link", name="比较").first.click()
    keep(marketer, "judge-merge", whole=True)
    marketer.get_by_role("heading", name="判断之后").wait_for()
    assert not sticks_out(marketer)
    assert serious(marketer) == []
    marketer.get_by_label("理由").fill("与代表核实，是同一位医生")
    marketer.get_by_role("button", name="合并为同一人").click()
    keep(marketer, "judge-physician", whole=True)
    assert "已记录判断" in marketer.get_by_role("status").inner_text()
    assert not sticks_out(marketer)
    assert serious(marketer) == []
    marketer.goto("/console/governance/judgements")
    keep(marketer, "judgements", whole=True)
    assert "与代表核实" in marketer.content()
    assert not sticks_out(marketer)
    assert serious(marketer) == []
    marketer.get_by_role("button", name="撤销").first.click()
    assert "已撤销" in marketer.get_by_role("status").inner_text()


@pytest.fixture
def left(product: Product) -> Iterator[str]:
    """The ONE ID of somebody with several identifiers, one of which was taken away by hand."""
    with product.parts.db.transaction() as session:
        person = session.scalars(
            select(Physician)
            .join(Identifier, Identifier.one_id == Physician.one_id)
            .where(Physician.live.is_(True))
            .group_by(Physician.one_id)
            .order_by(func.count().desc(), Physician.one_id)
            .limit(1)
        ).one()
        first, *_, last = identity.identifiers_of(session, person.one_id)
        made = identity.keep_apart(
            session, first, last, actor="user:1", reason="两位医生", now=first.first_seen_at
        )
        session.refresh(first)
    yield first.one_id
    with product.parts.db.transaction() as session:
        row = session.get_one(Override, made.id)
        if row.retracted_at is None:
            identity.retract(session, made.id, actor="user:1", now=made.at)


def test_who_is_linked_and_who_is_kept_apart_is_drawn(marketer: Page, left: str) -> None:
    marketer.goto(f"/console/physicians/{left}")
    picture = marketer.locator("svg.identities")
    picture.scroll_into_view_if_needed()
    keep(marketer, "identity-graph", whole=True)
    assert picture.locator("g.anchor").count() == 1
    assert picture.locator("g.apart a").count() == 1
    assert not sticks_out(marketer)
    assert serious(marketer) == []
    picture.locator("g.apart a").focus()
    marketer.keyboard.press("Enter")
    marketer.wait_for_url(lambda url: left not in url)
    marketer.goto(f"/console/physicians/{left}")
    marketer.get_by_role("button", name="撤销").first.click()
    assert arrived(marketer).locator("svg.identities path.seen").count() >= 2
    assert picture.locator("g.apart").count() == 0
