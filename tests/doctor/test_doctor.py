"""`yishu doctor` on a product that is well, and on one in trouble."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from sqlalchemy import select
from werkzeug.serving import make_server

from app import operations, schema
from app.bootstrap import Parts, build, build_web
from app.doctor import Finding, State, examine, wrong
from app.doctor.bells import is_open
from app.doctor.calendar import judge_calendar
from app.doctor.examination import CHECKS
from app.doctor.storage import GIB, judge_room
from app.inbox import InboxEvent
from app.infra.clock import utc_now
from app.infra.db import build_engine
from app.infra.settings import Settings
from app.operations import Kind, Room
from app.operations.processes import Me
from app.sandbox.__main__ import config_of
from app.sandbox.server import build as build_sandbox
from app.sandbox.world import World
from tests.conftest import SetClock, make_settings
from tests.inbox.test_work import arrive


@dataclass
class Running:
    """A product with its platforms, over real sockets."""

    parts: Parts
    world: World

    def findings(self) -> dict[str, Finding]:
        return {one.check: one for one in examine(self.parts)}


def serve(app: object) -> tuple[object, str]:
    server = make_server("127.0.0.1", 0, app, threaded=True)  # type: ignore[arg-type]
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    return server, f"http://127.0.0.1:{server.server_port}"


@pytest.fixture
def running(
    empty_engine: object, valkey_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Running]:
    monkeypatch.chdir(tmp_path)
    url = empty_engine.url.render_as_string(False)  # type: ignore[attr-defined]
    schema.upgrade(build_engine(url))
    plain = make_settings(url, valkey_url)
    world = World(clock=lambda: utc_now().timestamp())
    sandbox, platform = serve(build_sandbox(config_of(plain), world, lambda *_: 200))
    bases = {"wecom_api_base": f"{platform}/wecom", "oa_api_base": f"{platform}/oa"}
    holder: dict[str, object] = {}
    web, base = serve(lambda environ, start: holder["web"](environ, start))  # type: ignore[operator]
    parts = build(make_settings(url, valkey_url, yishu_base_url=base, **bases))
    holder["web"] = build_web(parts)
    with parts.db.transaction() as session:
        for kind in Kind:
            me = Me(kind, "host-a", 1, "1.0", utc_now())
            operations.beat(session, me, operations.database_time(session, utc_now))
    yield Running(parts, world)
    sandbox.shutdown()  # type: ignore[attr-defined]
    web.shutdown()  # type: ignore[attr-defined]
    parts.db.engine.dispose()


def test_a_product_that_is_well(running: Running) -> None:
    found = running.findings()
    weak = found.pop("database.durability")  # the tests' PostgreSQL does not sync, and is caught
    assert ("fsync" in weak.found) == (running.parts.db.engine.dialect.name == "postgresql")
    assert not wrong(found.values()), [one.line for one in found.values()]
    running.world.trouble = {"outage": "503"}  # the tokens that we keep still live
    later = running.findings()
    assert later["platforms.wecom"].state is later["platforms.oa"].state is State.BAD
    for check in (
        "settings.wecom", "settings.oa", "database", "migrations",
        "redis", "redis.exposure", "platforms.wecom", "platforms.oa", "clock.wecom",
        "callbacks.wecom", "callbacks.oa", "processes.worker", "processes.scheduler",
        "processes.web", "waiting.inbox", "waiting.outbox", "spill", "disk.spill",
    ):  # fmt: skip
        assert check in found, check
    told = "\n".join(one.line for one in found.values())
    settings = running.parts.settings
    for secret in (
        settings.wecom_secret, settings.wecom_token, settings.wecom_aes_key, settings.oa_secret,
        settings.yishu_secret_key, "ab" * 32, settings.yishu_api_token,
    ):  # fmt: skip
        assert secret not in told


def test_every_trouble_is_a_finding_and_none_hides_the_others(running: Running) -> None:
    settings = running.parts.settings
    away = "http://127.0.0.1:9"
    changed = settings.model_copy(
        update={
            "yishu_base_url": away, "wecom_secret": "a wrong secret of the tests",
            "oa_api_base": away, "redis_url": "unix:///nowhere/at/all.sock",
            "oa_aes_key": "too short",
        }
    )  # fmt: skip
    parts = build(changed)
    clock = SetClock(utc_now() - timedelta(minutes=20))
    arrive(parts.db, clock, "waits for twenty minutes")
    with parts.db.transaction() as session:
        session.scalars(select(InboxEvent)).one().error = "OutcomeUnknown: HTTP 503"
        operations.leave(session, Me(Kind.WORKER, "host-a", 1, "1.0", utc_now()))
    found = {one.check: one for one in examine(parts)}
    states = {check: one.state for check, one in found.items()}
    assert states["callbacks.wecom"] is State.BAD
    assert states["platforms.wecom"] is State.BAD
    assert states["platforms.oa"] is State.BAD
    assert states["settings.oa"] is State.BAD
    assert states["redis"] is State.ATTENTION
    assert states["processes.worker"] is State.BAD
    assert states["processes.scheduler"] is State.GOOD
    assert states["waiting.inbox"] is State.BAD
    assert "HTTP 503" in found["waiting.inbox"].advice
    assert all(one.advice for one in found.values() if one.state is not State.GOOD)
    assert "wrong secret" not in "\n".join(one.line for one in found.values())
    parts.db.engine.dispose()


def test_without_a_database_every_other_check_still_runs(tmp_path: Path, valkey_url: str) -> None:
    parts = build(make_settings(f"sqlite:///{tmp_path}/no/such/folder.db", valkey_url))
    found = list(examine(parts))
    checks = {one.check for one in found}
    assert {"database", "redis", "spill"} <= checks
    broken = [one.check for one in found if one.state is State.BAD]
    assert broken[0] == "database"
    assert not [one for one in found if "没有完成" in one.found], "each is told once"
    parts.db.engine.dispose()


def test_a_database_that_was_not_migrated_is_named(tmp_path: Path, valkey_url: str) -> None:
    parts = build(make_settings(f"sqlite:///{tmp_path}/new.db", valkey_url))
    found = {one.check: one for one in examine(parts)}
    assert found["migrations"].state is State.BAD
    assert "yishu migrate" in found["migrations"].advice
    parts.db.engine.dispose()


def test_a_platform_whose_clock_is_far_from_ours_is_an_alarm(running: Running) -> None:
    class Far(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self.send_response(200)
            self.end_headers()

        def date_time_string(self, timestamp: float | None = None) -> str:
            return format_datetime(datetime.now(UTC) - timedelta(minutes=3), usegmt=True)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Far)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    base = f"http://127.0.0.1:{server.server_port}"
    parts = build(running.parts.settings.model_copy(update={"wecom_api_base": base}))
    found = {one.check: one for one in examine(parts)}
    assert found["clock.wecom"].state is State.BAD
    assert "+18" in found["clock.wecom"].found or "+179" in found["clock.wecom"].found
    server.shutdown()
    server.server_close()
    parts.db.engine.dispose()


@pytest.mark.parametrize(
    ("changes", "check", "state"),
    [
        ({"yishu_base_url": "http://yishu.example.com"}, "settings.base_url", State.BAD),
        ({"yishu_base_url": "https://yishu.example.com"}, "settings.base_url", State.GOOD),
        ({"yishu_base_url": "https://yishu.example.com", "yishu_demo": True}, "settings.demo", State.BAD),
        ({"yishu_base_url": "https://yishu.example.com"}, "settings.proxies", State.ATTENTION),
        ({"yishu_secret_key": "seventeen letters"}, "settings.secret", State.ATTENTION),
        ({"wecom_token": ""}, "settings.wecom", State.BAD),
        ({"oa_app_id": "", "oa_secret": "", "oa_token": "", "oa_aes_key": ""}, "settings.oa", State.ATTENTION),
    ],
)  # fmt: skip
def test_settings(changes: dict[str, object], check: str, state: State) -> None:
    parts = build(make_settings("sqlite:///nowhere.db", "unix:///nowhere.sock", **changes))
    found = {one.check: one for name, run in CHECKS[:3] for one in run(parts) if name != "redis"}
    assert found[check].state is state


@pytest.mark.parametrize(
    ("bind", "password", "protected", "expected"),
    [
        ("127.0.0.1 -::1", False, False, False),
        ("* -::*", False, False, True),
        ("", False, False, True),
        ("10.0.0.5", False, False, True),
        ("10.0.0.5", True, False, False),
        ("*", False, True, False),
    ],
)
def test_an_open_redis_is_seen(bind: str, password: bool, protected: bool, expected: bool) -> None:
    assert is_open(bind, password, protected) is expected


@pytest.mark.parametrize(
    ("free", "total", "state"),
    [
        (500 * GIB, 1000 * GIB, State.GOOD),
        (50 * GIB, 1000 * GIB, State.GOOD),  # a small share of much is enough
        (5 * GIB, 100 * GIB, State.ATTENTION),
        (5 * GIB, 10 * GIB, State.GOOD),
        (GIB // 4, 100 * GIB, State.BAD),
    ],
)
def test_room(free: int, total: int, state: State) -> None:
    assert judge_room(Room(free, total)) is state


def test_settings_of_the_tests_are_read(settings: Settings) -> None:
    assert operations.spill_folder(settings).parts[-1] == "spill"


@pytest.mark.parametrize(
    ("today", "expected"),
    [(date(2026, 12, 1), State.GOOD), (date(2026, 12, 2), State.ATTENTION),
     (date(2027, 5, 1), State.ATTENTION)],
)  # fmt: skip
def test_a_year_whose_calendar_is_missing_is_told_a_month_before(
    today: date, expected: State
) -> None:
    assert judge_calendar(today, date(2026, 12, 31)).state is expected
