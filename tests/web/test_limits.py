"""How often somebody may try: counted by caller and by account, also behind proxies."""

from __future__ import annotations

import shutil
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from flask.testing import FlaskClient

from app import accounts
from app.bootstrap import build, build_web
from tests.conftest import make_settings

LOGIN = "/console/login"


@pytest.fixture
def url(sqlite_template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A database of its own; nobody's password is ever right, and looking is quick."""
    shutil.copy(sqlite_template, tmp_path / "yishu.db")
    monkeypatch.setattr(accounts, "authenticate", lambda *_args, **_more: None)
    return f"sqlite:///{tmp_path / 'yishu.db'}"


@pytest.fixture
def counters(valkey_url: str) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(valkey_url) as connection:
        connection.flushdb()
        yield connection
        connection.flushdb()


def client(url: str, redis_url: str, proxies: int = 0) -> FlaskClient:
    parts = build(make_settings(url, redis_url, yishu_proxies=proxies))
    app = build_web(parts)
    app.config["WTF_CSRF_ENABLED"] = False
    return app.test_client()


def tries(web: FlaskClient, *logins: str, **more: object) -> list[int]:
    return [web.post(LOGIN, data={"login": login}, **more).status_code for login in logins]  # type: ignore[arg-type]


def from_address(address: str) -> dict[str, dict[str, str]]:
    return {"environ_base": {"REMOTE_ADDR": address}}


@pytest.mark.usefixtures("counters")
@pytest.mark.parametrize("form", [{}, {"login": ""}, {"username": "admin"}, {"login": "x" * 9000}])
def test_no_form_is_without_a_limit(url: str, valkey_url: str, form: dict[str, str]) -> None:
    web = client(url, valkey_url)
    answers = [web.post(LOGIN, data=form).status_code for _ in range(11)]
    assert answers == [401] * 10 + [429]


@pytest.mark.usefixtures("counters")
def test_one_account_is_one_however_it_is_written_and_wherever_from(
    url: str, valkey_url: str
) -> None:
    web = client(url, valkey_url)
    written = ["admin", "Admin", "ADMIN", " admin", "admin ", "aDmin"]
    answers = [tries(web, written[n % 6], **from_address(f"10.1.0.{n}")) for n in range(11)]
    assert answers == [[401]] * 10 + [[429]]
    assert tries(web, "marketer", **from_address("10.1.0.99")) == [401], "others are not locked out"


@pytest.mark.usefixtures("counters")
def test_behind_a_proxy_colleagues_do_not_use_up_each_others_attempts(
    url: str, valkey_url: str
) -> None:
    web = client(url, valkey_url, proxies=1)

    def one(seen: str, login: str) -> list[int]:
        return tries(web, login, headers={"X-Forwarded-For": seen}, **from_address("10.0.0.1"))

    assert [one(f"203.0.113.{n}", f"user{n}") for n in range(20)] == [[401]] * 20
    forged = [one(f"198.51.100.{n}, 203.0.113.77", f"guess{n}") for n in range(11)]
    assert forged == [[401]] * 10 + [[429]], "what a caller writes himself does not count"


@pytest.mark.usefixtures("counters")
def test_without_a_proxy_the_header_means_nothing(url: str, valkey_url: str) -> None:
    web = client(url, valkey_url)
    answers = [
        tries(web, f"u{n}", headers={"X-Forwarded-For": f"203.0.113.{n}"}) for n in range(11)
    ]
    assert answers == [[401]] * 10 + [[429]]


def test_neither_redis_nor_the_log_learns_who_it_was(
    url: str, valkey_url: str, counters: redis.Redis, capsys: pytest.CaptureFixture[str]
) -> None:
    web = client(url, valkey_url)
    tries(web, *["zhang.wei"] * 11, **from_address("203.0.113.5"))
    kept = " ".join(key.decode() for key in counters.scan_iter())
    said = capsys.readouterr().err
    assert "LIMITS" in kept
    assert "429" in said
    for trace in ("zhang.wei", "203.0.113.5"):
        assert trace not in kept
        assert trace not in said


def test_a_redis_that_hangs_holds_up_neither_login_nor_readiness(url: str, tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as deaf:
        deaf.bind(str(tmp_path / "deaf.sock"))
        deaf.listen(64)
        web = client(url, f"unix://{tmp_path}/deaf.sock")
        began = time.monotonic()
        assert tries(web, "admin") == [401]
        assert web.get("/readyz").json == {
            "database": "ok", "redis": "away: work goes on by polling",
        }  # fmt: skip
        assert time.monotonic() - began < 3
        assert tries(web, *["admin"] * 10)[-1] == 429, "counted in memory meanwhile"
