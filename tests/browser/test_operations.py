"""The operations page as a person on duty sees it: well, and in trouble."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
from playwright.sync_api import Browser, Page
from sqlalchemy import delete, update

from app import inbox, operations
from app.campaigns import ScheduleRun
from app.completeness import PullRun, PullSubject
from app.delivery import WAITS_FOR_LIMIT, Dispatch, State
from app.inbox import InboxEvent
from app.infra.clock import utc_now
from app.operations import Kind, ProcessBeat
from app.operations.processes import Me
from tests.browser.conftest import Product
from tests.browser.test_console import LOOKS, SIZES, keep, log_in, serious, sticks_out
from tests.conftest import SetClock
from tests.inbox.test_work import arrive
from tests.operations.test_figures import message, park, run

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]
PAGE = "/console/governance/operations"


@pytest.fixture
def well(product: Product) -> Iterator[Product]:
    """Three processes live, callbacks arrived and were handled."""
    db, now = product.parts.db, utc_now()
    with db.transaction() as session:
        for kind in Kind:
            operations.beat(session, Me(kind, "yishu-app-1", 4711, "0.1.0", now), now)
    for minute in range(55):
        clock = SetClock(now - timedelta(minutes=minute))
        arrive(db, clock, *(f"{minute} {n}" for n in range((minute * 7) % 23)), partition="chart")
    with db.transaction() as session:
        session.execute(
            InboxEvent.__table__.update().values(state=inbox.State.DONE.value, finished_at=now)
        )
        session.execute(delete(ScheduleRun).where(ScheduleRun.state != "done"))
        # Nobody sends here: what the sample company has queued grows old while other tests run.
        fresh = update(Dispatch).where(Dispatch.state == State.QUEUED, Dispatch.not_before < now)
        session.execute(fresh.values(not_before=now))
        session.execute(delete(Dispatch).where(Dispatch.state.in_((State.UNKNOWN, State.FAILED))))
    yield product
    with db.transaction() as session:
        session.execute(delete(ProcessBeat))
        session.execute(delete(InboxEvent).where(InboxEvent.event_type == "test/event"))


@pytest.fixture
def trouble(well: Product) -> Iterator[Product]:
    """The worker is gone, things wait, things failed."""
    db, now = well.parts.db, utc_now()
    with db.transaction() as session:
        gone = Me(Kind.WORKER, "yishu-app-1", 4711, "0.1.0", now)
        operations.beat(session, gone, now - timedelta(minutes=9))
        session.add_all(
            [
                message("waits", State.QUEUED, now - timedelta(minutes=8)),
                limited(now - timedelta(minutes=12)),
                *(message(f"unknown {n}", State.UNKNOWN, now) for n in range(3)),
                PullSubject(
                    source="contacts", account="wwmend", name="rep01", there=400,
                    next_attempt_at=now,
                ),
                PullRun(
                    kind="full", due_at=now, state="done", minute=now, lost=3, created_at=now,
                    finished_at=now,
                ),
            ]
        )  # fmt: skip
    clock = SetClock(now - timedelta(minutes=7))
    arrive(db, clock, "waits", "waits too", partition="late")
    park(
        db, clock, "Permanent: 没有连接企业或公众号 wwanother，请检查设置后重放。", "d1", "d2", "d3"
    )
    park(db, clock, "UnicodeDecodeError in a_rather_long_function_name_of_a_translator:214", "d4")
    run(db, "failed", now)  # earlier may have been yesterday
    yield well
    with db.transaction() as session:
        session.execute(delete(PullRun).where(PullRun.lost == 3))
        session.execute(delete(PullSubject).where(PullSubject.account == "wwmend"))
        for model in (ScheduleRun, Dispatch):
            session.execute(
                delete(model).where(
                    model.state == "failed" if model is ScheduleRun else Dispatch.rep_id.is_(None)
                )
            )


def limited(since: datetime) -> Dispatch:
    waits = message("limited", State.QUEUED, since)
    waits.error = f"{WAITS_FOR_LIMIT}：每位成员每小时"
    return waits


@pytest.fixture(params=LOOKS, ids="-".join)
def admin(request: pytest.FixtureRequest, browser: Browser, product: Product) -> Iterator[Page]:
    size, scheme = request.param
    context = browser.new_context(
        viewport=SIZES[size], color_scheme=scheme, locale="zh-CN", base_url=product.base
    )
    page = context.new_page()
    page.clock.install()
    log_in(page, "admin", product.password)
    page.look = f"{size}-{scheme}"  # type: ignore[attr-defined]
    yield page
    context.close()


def test_when_everything_is_well_the_page_says_so_first(admin: Page, well: Product) -> None:
    admin.goto(PAGE)
    keep(admin, "operations-well", whole=True)
    assert admin.locator(".verdict h2").inner_text() == "一切正常"
    assert admin.locator(".problems").count() == 0
    assert not sticks_out(admin)
    assert serious(admin) == []


def test_trouble_is_named_with_what_to_do_and_can_be_replayed(
    admin: Page, trouble: Product
) -> None:
    admin.goto(PAGE)
    keep(admin, "operations-trouble", whole=True)
    said = admin.locator(".verdict .problems").inner_text()
    assert admin.locator(".verdict h2").inner_text() == "需要马上处理"
    for part in ("没有处理进程在运行", "最早的收件已等待 7 分钟", "4 条收件处理失败",
                 "3 条消息不知道是否送达", "今天有 1 个定时任务失败",
                 "的回调没有收到", "有消息等待发送频率已 12 分钟"):  # fmt: skip
        assert part in said, part
    assert not sticks_out(admin)
    assert serious(admin) == []
    admin.get_by_role("button", name="重新处理").first.click()
    admin.wait_for_load_state()
    assert "已重新处理 3 条。" in admin.get_by_role("status").inner_text()


def test_the_page_follows_what_happens_without_being_touched(page: Page, well: Product) -> None:
    away = threading.Event()
    page.route("**" + PAGE, lambda route: route.abort() if away.is_set() else route.continue_())
    page.clock.install()
    page.goto(well.base + "/console/login")
    log_in(page, "admin", well.password)
    page.goto(well.base + PAGE)
    assert page.locator(".verdict h2").inner_text() == "一切正常"
    park(well.parts.db, SetClock(utc_now()), "broken meanwhile", "x")
    page.clock.run_for(11_000)
    page.get_by_text("1 条收件处理失败").first.wait_for()
    assert page.locator("header.side").count() == 1, "only the part that changes was replaced"
    page.get_by_text("放弃…").click()
    page.get_by_label("原因").fill("测试数据")
    page.clock.run_for(21_000)
    assert page.get_by_label("原因").input_value() == "测试数据", "nobody wipes what one writes"
    page.get_by_role("button", name="确认放弃").click()
    page.get_by_text("已放弃 1 条").wait_for()
    away.set()
    page.clock.run_for(11_000)
    page.get_by_text("网页进程没有回应").wait_for()
