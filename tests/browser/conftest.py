"""A real Chromium, and the product with its invented company for it to look at."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import redis
from playwright.sync_api import Browser, Page, sync_playwright

from app.bootstrap import Parts, build, build_web
from app.sample.load import load
from launcher import assets
from tests.conftest import make_settings
from tests.ports import free_port, listening, port_of, serving

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


@dataclass
class Product:
    """The running web process and what it is made of."""

    base: str
    parts: Parts
    password: str


@pytest.fixture(autouse=True)
def _logins_forgotten(valkey_url: str) -> None:
    """So many tests log in within a minute that the limit of attempts would stop them."""
    with redis.Redis.from_url(valkey_url) as connection:
        connection.flushdb()


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Debian's Chromium, or whichever is on PATH."""
    program = next((found for found in map(shutil.which, NAMES) if found), None)
    if program is None:
        pytest.skip("NO CHROMIUM on this machine: apt install chromium fonts-noto-cjk")
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(
            executable_path=program, args=["--no-sandbox", "--disable-dev-shm-usage"]
        )
        yield launched
        launched.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A fresh page for a Chinese reader; any script error fails the test."""
    context = browser.new_context(locale="zh-CN", timezone_id="Asia/Shanghai")
    opened = context.new_page()
    errors: list[str] = []
    opened.on("pageerror", lambda error: errors.append(str(error)))
    yield opened
    context.close()
    assert errors == []


@pytest.fixture(scope="session")
def product(
    sqlite_template: Path, valkey_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Product]:
    """The whole web application with the invented company; pages may be looked at and used."""
    assets.build()
    database = tmp_path_factory.mktemp("product") / "yishu.db"
    shutil.copy(sqlite_template, database)
    listener = listening()
    base = f"http://127.0.0.1:{port_of(listener)}"
    away = f"http://127.0.0.1:{free_port()}"  # no platform answers there
    parts = build(
        make_settings(
            f"sqlite:///{database}", valkey_url, yishu_base_url=base, yishu_demo=True,
            wecom_api_base=away, oa_api_base=away,
        )
    )  # fmt: skip
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("app.sample.load.PHYSICIANS", 120)  # a smaller company loads in seconds
        done = load(parts)
    server = serving(listener, build_web(parts))
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield Product(base, parts, done["password"])
    server.shutdown()
    parts.db.engine.dispose()
