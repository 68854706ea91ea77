"""The review desk, worked with the keyboard: two by two, the next one at once, and taken back."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Dialog, Error, Page, Route
from sqlalchemy import delete, select

from app import identity
from app.identity import Identifier, Kind, Physician
from app.linkage import LinkCandidate, State
from tests.browser.conftest import Product
from tests.browser.test_console import arrived, keep, serious, sticks_out
from tests.browser.test_judgements import marketer

__all__ = ["marketer"]
pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]
DECISION = re.compile(r"/desk/\d+$")
"""Where an answer is sent. To be routed before the page is there: Chromium may let a request pass that
begins while routing does."""
WEIGHTS = {
    "name": {"level": "pinyin", "bits": 8.2}, "hospital": {"level": "contained", "bits": 3.1},
    "department": {"level": "same", "bits": 2.4}, "title": {"level": "next", "bits": -0.6},
}  # fmt: skip


@pytest.fixture
def pairs(product: Product) -> Iterator[list[int]]:
    """Three pairs of the sample company's physicians without a licence, the likeliest first.

    They are the last ones: a pair that was decided and taken back is not as it was for other tests.
    """
    with product.parts.db.transaction() as session:
        chosen = (
            select(Physician)
            .join(Identifier, Identifier.id == Physician.anchor_id)
            .where(Physician.live.is_(True), Physician.verified.is_(False))
            .where(Physician.name.is_not(None), Identifier.kind != Kind.CRM_ID)
        )
        people = session.scalars(chosen.order_by(Physician.one_id.desc()).limit(6)).all()
        now = product.parts.clock()
        rows = []
        for n, (one, other) in enumerate(zip(people[::2], people[1::2], strict=True)):
            ids = sorted(identity.anchor(session, who.one_id).id for who in (one, other))
            rows.append(
                LinkCandidate(
                    a_id=ids[0], b_id=ids[1], score=14.0 - n, probability=0.97, weights=WEIGHTS,
                    model_version="test", state=State.OPEN, created_at=now, updated_at=now,
                )
            )  # fmt: skip
        session.add_all(rows)
        session.flush()
        numbers = [row.id for row in rows]
    yield numbers
    with product.parts.db.transaction() as session:
        session.execute(delete(LinkCandidate))
        for made in identity.judgements(session):
            if made.retracted_at is None:
                identity.retract(session, made.id, actor="test", now=made.at)


def states(product: Product) -> dict[int, str]:
    with product.parts.db.reading() as session:
        rows = session.execute(select(LinkCandidate.id, LinkCandidate.state)).all()
        return dict(rows)


def test_keys_decide_the_next_pair_is_there_and_the_last_is_taken_back(
    marketer: Page, product: Product, pairs: list[int]
) -> None:
    page = marketer
    page.goto("/console/")
    page.get_by_role("link", name="待复核的相似医生").click()
    keep(page, "desk", whole=True)
    assert page.locator("[data-left]").inner_text() == "3"
    assert page.locator("tr.differs mark").count() > 0
    assert not sticks_out(page)
    assert serious(page) == []
    seen = [shown(page)]
    for key in ("1", "2", "3"):
        before = shown(page)
        page.keyboard.press(key)
        page.locator(f"#case:not([data-case='{before}'])").wait_for()
        seen.append(shown(page))
    assert sorted(map(int, seen[:3])) == sorted(pairs)
    assert seen[3] == "undefined"
    left_none(page)
    keep(page, "desk-done", whole=True)
    said = [states(product)[int(number)] for number in seen[:3]]
    assert said == [State.ACCEPTED, State.REJECTED, State.UNSURE]
    page.keyboard.press("u")
    page.locator(f"#case[data-case='{seen[2]}']").wait_for()
    assert states(product)[int(seen[2])] == State.OPEN
    page.keyboard.press("2")
    left_none(page)
    page.goto("/console/governance/audit")
    assert "复核：同一人" in page.content()


def test_what_was_not_taken_down_is_said_with_a_way_back(
    marketer: Page, product: Product, pairs: list[int]
) -> None:
    page = marketer
    page.route(DECISION, lambda route: route.abort())
    page.goto("/console/governance/desk")
    first = shown(page)
    page.keyboard.press("1")
    back = page.get_by_role("button", name="回到这一对")
    back.wait_for()
    assert shown(page) != first
    assert states(product)[int(first)] == State.OPEN
    keep(page, "desk-failed")
    back.click()
    page.locator(f"#case[data-case='{first}']").wait_for()


def test_an_answer_that_hangs_holds_the_rest_for_a_while_only_and_is_not_left_in_silence(
    marketer: Page, product: Product, pairs: list[int]
) -> None:
    page, asked, held = marketer, list[str](), list[Route]()
    page.add_init_script(
        "AbortSignal.timeout = () => (window.limit = new AbortController()).signal"
    )

    def hang(route: Route) -> None:
        held.append(route)
        if len(held) > 1:  # only the first is never answered
            route.continue_()

    page.route(DECISION, hang)
    page.goto("/console/governance/desk")
    first = shown(page)
    page.keyboard.press("1")
    page.locator(f"#case:not([data-case='{first}'])").wait_for()
    second = shown(page)
    page.keyboard.press("1")
    page.locator(f"#case:not([data-case='{second}'])").wait_for()

    def stay(dialog: Dialog) -> None:
        asked.append(dialog.type)
        dialog.dismiss()

    page.once("dialog", stay)
    with pytest.raises(Error, match="ERR_ABORTED"):
        page.goto("/console/")
    assert asked == ["beforeunload"]
    page.evaluate("limit.abort()")
    page.locator("[data-left]").get_by_text("2", exact=True).wait_for()
    assert states(product)[int(second)] == State.ACCEPTED
    page.get_by_role("button", name="回到这一对").click()
    page.locator(f"#case[data-case='{first}']").wait_for()


def left_none(page: Page) -> None:
    page.locator("[data-left]").get_by_text("0", exact=True).wait_for()


def shown(page: Page) -> str:
    number: str = arrived(page).evaluate("String(document.querySelector('#case').dataset.case)")
    return number
