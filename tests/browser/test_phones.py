"""The phones page, played by a browser: a rep and a physician go through the whole line."""

from __future__ import annotations

import contextlib
import logging
import os
import re
import shutil
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from app import reps, tagging
from app.bootstrap import Parts, build, build_web
from app.flows.planning.plan_day import plan_day
from app.infra.clock import local
from app.sandbox.__main__ import config_of
from app.sandbox.callbacks import http_post
from app.sandbox.server import build as build_sandbox
from app.sandbox.world import World
from launcher import assets
from tests.conftest import NOON, SetClock, make_settings
from tests.ports import listening, port_of, serving
from tests.scenarios.conftest import PEOPLE, Line, publish
from workers.drain import drain_inbox
from workers.sending import send_due

pytestmark = pytest.mark.browser

MORE = {
    "contact_ways": {
        "w1": {"config_id": "w1", "user": ["rep01"], "state": "hall-3", "remark": "会展"}
    },
    "scenes": {"booth": {"scene": "booth"}},
    "menu": [{"type": "click", "name": "为您推荐", "key": "recommended"}],
}
PICTURES = os.environ.get("YISHU_PICTURES", "")  # a folder: keep what was seen


class RunningClock:
    """It is noon in China when a test begins, and time goes on by itself."""

    def __init__(self) -> None:
        self._ahead = NOON - datetime.now(UTC)

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self._ahead

    def skip(self, minutes: int) -> None:
        """Do not wait for what is planned for later."""
        self._ahead += timedelta(minutes=minutes)


@dataclass
class Playground:
    """Product and sandbox on ports of their own, and a worker that never rests."""

    phones: str
    world: World
    parts: Parts
    clock: RunningClock

    def plan(self, userid: str) -> None:
        """The day's suggestions of one rep."""
        now = self.parts.clock()
        with self.parts.db.transaction() as session:
            rep = reps.find_rep(session, "wwtestcorp", userid)
            assert rep is not None
            base = self.parts.settings.yishu_base_url
            plan_day(session, rep, local(now).date(), base_url=base, now=now)
        self.clock.skip(minutes=10)  # cards keep a distance from each other


@pytest.fixture
def playground(sqlite_template: Path, valkey_url: str, tmp_path: Path) -> Iterator[Playground]:
    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    assets.build()
    shutil.copy(sqlite_template, tmp_path / "yishu.db")
    clock = RunningClock()
    here, there = listening(), listening()
    web_url, box = (f"http://localhost:{port_of(listener)}" for listener in (here, there))
    settings = make_settings(
        f"sqlite:///{tmp_path / 'yishu.db'}", valkey_url, yishu_base_url=web_url, yishu_demo=True,
        wecom_api_base=f"{box}/wecom", oa_api_base=f"{box}/oa", wechat_open_base=f"{box}/open",
    )  # fmt: skip
    world = World(clock=lambda: clock().timestamp())
    world.seed(PEOPLE | MORE)
    parts = build(settings, clock=clock)
    with parts.db.transaction() as session:
        tagging.seed(session, clock())
    sandbox = build_sandbox(config_of(settings), world, http_post(web_url))
    servers = [serving(here, build_web(parts)), serving(there, sandbox)]
    stop = threading.Event()
    threads = [threading.Thread(target=server.serve_forever, args=(0.05,)) for server in servers]
    threads.append(threading.Thread(target=work, args=(parts, stop)))
    for thread in threads:
        thread.start()
    yield Playground(f"{box}/phones/", world, parts, clock)
    stop.set()
    for server in servers:
        server.shutdown()
    for thread in threads:
        thread.join()
    parts.db.engine.dispose()


def work(parts: Parts, stop: threading.Event) -> None:
    """Do what the worker does, until told to stop."""
    while not stop.wait(0.05):
        drain_inbox(parts)
        send_due(parts)


@contextlib.contextmanager
def opened(
    browser: Browser, address: str, *, width: int = 1440, dark: bool = False
) -> Iterator[Page]:
    """A page that fails the test on any script error or refused resource."""
    context = browser.new_context(
        viewport={"width": width, "height": 900 if width > 500 else 844},
        color_scheme="dark" if dark else "light", locale="zh-CN",
    )  # fmt: skip
    page = context.new_page()
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda said: wrong.append(said.text) if said.type == "error" else None)
    page.goto(address)
    expect(page.locator(".seat-name").first).to_be_visible()
    yield page
    context.close()
    assert wrong == []


def look(page: Page, name: str) -> None:
    """Keep a picture when asked to."""
    if PICTURES:
        page.screenshot(path=str(Path(PICTURES) / f"phones-{name}.png"))


def test_a_rep_and_a_physician_play_the_whole_line(
    browser: Browser, playground: Playground
) -> None:
    clock = SetClock(playground.clock())
    publish(Line(playground.parts, None, playground.world, "", clock), "房颤抗凝新进展", ["af"])  # type: ignore[arg-type]
    with opened(browser, f"{playground.phones}?rep=rep01&person=wang") as page:
        rep, physician = page.locator("#rep-screen"), page.locator("#person-screen")
        physician.get_by_role("button", name="扫一扫").first.click()
        physician.get_by_text("陈晓彤的企业微信名片").click()
        expect(physician.locator(".bubble")).to_contain_text("您好")
        expect(page.locator(".lines")).to_contain_text("新增客户")
        rep.get_by_role("button", name="王某某").click()
        rep.get_by_role("button", name="客户资料").click()
        rep.get_by_role("button", name="房颤", exact=True).click()
        expect(rep.get_by_role("button", name="房颤", exact=True)).to_have_attribute(
            "aria-pressed", "true"
        )
        expect(page.locator(".line.good", has_text="客户资料有改动")).to_be_visible()
        expect(page.locator(".line.good", has_text="读客户详情")).to_have_count(2)
        for _at in range(2):
            rep.get_by_role("button", name="返回").click()
        playground.plan("rep01")
        rep.get_by_role("button", name=re.compile("^医枢")).click()
        expect(rep.locator(".card")).to_contain_text("房颤抗凝新进展", timeout=15_000)
        look(page, "card")
        rep.locator(".card").get_by_role("button", name="采用").click()
        expect(rep.locator(".card-done")).to_contain_text("已采用")
        rep.get_by_role("button", name="转发给客户").click()
        rep.get_by_role("button", name="王某某").click()
        expect(physician.locator(".bubble").last).to_contain_text("《房颤抗凝新进展》")
        physician.locator(".address").click()
        inside = page.frame_locator("#person-browser iframe")
        expect(inside.get_by_role("heading", name="房颤抗凝新进展")).to_be_visible()
        look(page, "reading")
        page.locator("#person-browser").get_by_role("button", name="关闭").click()
        page.locator(".line", has_text="点了卡片按钮").get_by_role("button").click()
        expect(page.locator(".detail")).to_contain_text("<EventKey>adopt</EventKey>")


def test_the_sidebar_beside_a_chat_brings_a_content_for_it(
    browser: Browser, playground: Playground
) -> None:
    clock = SetClock(playground.clock())
    publish(Line(playground.parts, None, playground.world, "", clock), "房颤抗凝新进展", ["af"])  # type: ignore[arg-type]
    with opened(browser, f"{playground.phones}?rep=rep01&person=wang") as page:
        page.get_by_role("tab", name="让事情发生").click()
        page.get_by_role("button", name="扫陈晓彤的码").click()
        page.get_by_role("button", name="给王某某打上前两个标签").click()
        page.get_by_role("tab", name="往来").click()
        expect(page.locator(".line.good", has_text="读客户详情")).to_have_count(2)
        rep = page.locator("#rep-screen")
        rep.get_by_role("button", name="王某某").click()
        rep.get_by_role("button", name="侧边栏").click()
        inside = page.frame_locator("#rep-browser iframe")
        expect(inside.get_by_role("heading", name="王某某")).to_be_visible()
        expect(inside.locator(".room")).to_contain_text("可以联系")
        inside.get_by_text("依据").click()
        expect(inside.locator(".tags li").first).to_contain_text("企微标签「房颤」")
        look(page, "sidebar")
        frame = page.frames[-1]
        assert frame.evaluate("document.documentElement.scrollWidth <= innerWidth")
        inside.locator(".topic").get_by_role("button", name="采用").click()
        expect(inside.get_by_role("status")).to_contain_text("已采用")
        expect(inside.get_by_role("heading", name="王某某")).to_be_visible()
        page.locator("#rep-browser").get_by_role("button", name="关闭").click()
        rep.get_by_role("button", name="返回").click()
        rep.get_by_role("button", name=re.compile("医枢")).click()
        expect(rep.get_by_role("button", name="转发给客户")).to_be_visible(timeout=15_000)


@pytest.mark.parametrize("dark", [False, True])
def test_the_sidebar_is_open_to_everyone_in_a_narrow_panel(
    browser: Browser, playground: Playground, dark: bool
) -> None:
    with opened(browser, f"{playground.phones}?rep=rep01&person=wang", dark=dark) as page:
        page.get_by_role("tab", name="让事情发生").click()
        page.get_by_role("button", name="扫陈晓彤的码").click()
        page.get_by_role("tab", name="往来").click()
        expect(page.locator(".line.good", has_text="读客户详情")).to_have_count(1)
        page.set_viewport_size({"width": 360, "height": 760})
        contact = playground.world.persons["wang"].external_userid
        base = playground.parts.settings.yishu_base_url
        page.goto(f"{base}/rep/sidebar?external_userid={contact}")
        expect(page.get_by_role("heading", name="王某某")).to_be_visible()
        assert not page.evaluate("document.documentElement.scrollWidth > innerWidth")
        found = Axe().run(page).response["violations"]
        assert [v["id"] for v in found if v["impact"] in ("serious", "critical")] == []


def test_the_account_is_followed_asked_and_left(browser: Browser, playground: Playground) -> None:
    with opened(browser, f"{playground.phones}?rep=rep01&person=wang") as page:
        physician = page.locator("#person-screen")
        physician.get_by_role("button", name="扫一扫").first.click()
        physician.get_by_text("场景码 booth").click()
        expect(physician.locator(".bubble")).to_contain_text("欢迎关注")
        physician.get_by_role("button", name="为您推荐").click()
        expect(physician.locator(".bubble")).to_have_count(2)
        physician.get_by_role("button", name="键盘").click()
        physician.get_by_placeholder("发消息给公众号").fill("退订")
        page.keyboard.press("Enter")
        expect(physician.locator(".bubble").last).to_contain_text("已为您停止推送")
        assert playground.world.persons["wang"].scene == "booth"
        physician.get_by_role("button", name="公众号资料").click()
        physician.get_by_role("button", name="不再关注").click()
        expect(physician.get_by_role("button", name="关注", exact=True)).to_be_visible()
        expect(page.locator(".line.good", has_text="取消关注")).to_be_visible()


def test_half_written_text_and_the_place_survive_what_arrives(
    browser: Browser, playground: Playground
) -> None:
    with opened(browser, f"{playground.phones}?rep=rep01&person=wang") as page:
        page.get_by_role("tab", name="让事情发生").click()
        page.get_by_role("button", name="扫陈晓彤的码").click()
        physician = page.locator("#person-screen")
        physician.get_by_role("button", name="陈晓彤").click()
        box = physician.get_by_placeholder("发消息")
        box.fill("还没写完")
        page.locator("#rep-screen").get_by_role("button", name="王某某").click()
        page.locator("#rep-screen").get_by_placeholder("发消息").fill("您好\t王主任")
        page.keyboard.press("Enter")
        expect(physician.locator(".bubble").last).to_contain_text("王主任")
        expect(box).to_have_value("还没写完")


def test_trouble_shows_and_can_be_ended(browser: Browser, playground: Playground) -> None:
    with opened(browser, f"{playground.phones}?rep=rep01&person=wang") as page:
        page.get_by_role("tab", name="平台故障").click()
        page.get_by_role("button", name="×3").first.click()
        expect(page.locator(".alarm")).to_be_visible()
        page.get_by_role("tab", name="让事情发生").click()
        page.get_by_role("button", name="关注公众号").click()
        page.get_by_role("tab", name="往来").click()
        expect(page.locator(".line.good", has_text="subscribe")).to_have_count(4)
        expect(page.locator(".line", has_text="发客服消息")).to_have_count(1)
        page.get_by_role("tab", name="平台故障").click()
        page.get_by_role("button", name="恢复正常").click()
        expect(page.locator(".alarm")).to_have_count(0)


def test_anybody_can_take_either_phone(browser: Browser, playground: Playground) -> None:
    with opened(browser, f"{playground.phones}?rep=rep01&person=wang") as page:
        page.locator("#person-head").get_by_role("button").first.click()
        page.get_by_label("找医生、医院").fill("李")
        page.get_by_role("button", name="李某某").click()
        expect(page.locator("#person-head")).to_contain_text("李某某")
        expect(page).to_have_url(re.compile("person=li"))
        page.reload()
        expect(page.locator("#person-head")).to_contain_text("李某某")
        page.get_by_role("link", name="English").click()
        expect(page.get_by_role("tab", name="Make it happen")).to_be_visible()
        left = page.locator(".column").inner_text()
        assert not re.search("[\u4e00-\u9fff]", left)


@pytest.mark.parametrize(
    ("width", "dark"), [(1440, False), (1440, True), (1024, False), (390, False)]
)
def test_it_fits_every_width_and_everyone(
    browser: Browser, playground: Playground, width: int, dark: bool
) -> None:
    with opened(browser, playground.phones, width=width, dark=dark) as page:
        too_wide = "document.documentElement.scrollWidth > document.documentElement.clientWidth"
        seats = page.locator(".seats button")
        views = [seats.nth(at) for at in range(3)] if width < 941 else [None]
        for at, view in enumerate(views):
            if view:
                view.click()
            assert not page.evaluate(too_wide)
            look(page, f"{width}-{'dark' if dark else 'light'}-{at}")
            for tab in ("往来", "让事情发生", "平台故障"):
                if page.locator(".column").is_visible():
                    page.get_by_role("tab", name=tab).click()
                found = Axe().run(page).response["violations"]
                serious = [v for v in found if v["impact"] in ("serious", "critical")]
                told = [(v["id"], [n["target"] for n in v["nodes"]][:4]) for v in serious]
                assert told == []
