"""Fixtures for everybody: real Valkey, real SQLite, real PostgreSQL, a clock that tests set."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine
from sqlalchemy.engine import make_url

import app.models
from app.infra import crypto
from app.infra.db import Database, build_engine
from app.infra.settings import Settings
from launcher import postgres, valkey
from tests import quick
from tests.pooled import Pool

KEYS = "test:" + "ab" * 32
AES_KEY = "jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C"
NOBODY = "http://127.0.0.1:9"  # no test may ever reach the real platforms
NOON = datetime(2026, 11, 24, 4, 0, tzinfo=UTC)  # a Tuesday, noon in China
HASTY = {  # no test cuts the power
    "autovacuum": "off", "full_page_writes": "off", "synchronous_commit": "off",
    "wal_level": "minimal", "max_wal_senders": "0",
}  # fmt: skip
ENOUGH_MEMORY_BYTES = 2 * 1024**3
SHARED = Path(__file__).parents[2] / "shared"
SPILL = Path(tempfile.gettempdir()) / f"yishu-tests-{os.getpid()}" / "spill"


@dataclass
class SetClock:
    """A clock that stands still until a test moves it."""

    now: datetime = field(default=NOON)

    def __call__(self) -> datetime:
        return self.now

    def tick(self, **span: float) -> datetime:
        """Move on, e.g. `clock.tick(seconds=20)`."""
        self.now += timedelta(**span)
        return self.now


def pytest_configure() -> None:
    """Files of tests lie in memory where there is enough: they are synced, and live for seconds."""
    memory = Path("/dev/shm")
    with suppress(OSError):
        if os.access(memory, os.W_OK) and shutil.disk_usage(memory).free > ENOUGH_MEMORY_BYTES:
            os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(memory))


@pytest.fixture
def clock() -> SetClock:
    return SetClock()


@pytest.fixture(scope="session", autouse=True)
def _keys() -> None:
    crypto.install(crypto.KeyRing.parse(KEYS))


@pytest.fixture(scope="session", autouse=True)
def _quick() -> Iterator[None]:
    with quick.everything():
        yield


@pytest.fixture(autouse=True)
def _spill_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.conftest.SPILL", tmp_path / "spill")


@pytest.fixture(scope="session")
def valkey_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with valkey.running(tmp_path_factory.mktemp("valkey")) as url:
        yield url


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sqlite") / "template.db"
    engine = build_engine(f"sqlite:///{path}")
    app.models.metadata.create_all(engine)
    with engine.connect() as connection:
        connection.exec_driver_sql("COMMIT")
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.exec_driver_sql("BEGIN")
    engine.dispose()
    return path


@pytest.fixture(scope="session")
def postgres_template() -> Iterator[tuple[str, str]]:
    """A server, and the name of a database on it that holds every table."""
    with (
        postgres.running(options=HASTY) as url,
        postgres.copy_of(url, "template0") as template,
    ):
        engine = build_engine(template)
        app.models.metadata.create_all(engine)
        engine.dispose()
        yield url, str(make_url(template).database)


@pytest.fixture(scope="session")
def postgres_pool(postgres_template: tuple[str, str]) -> Iterator[Pool]:
    with Pool(*postgres_template, app.models.metadata) as pool:
        yield pool


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A fresh, empty database with every table, on each kind in turn."""
    if request.param == "sqlite":
        template = request.getfixturevalue("sqlite_template")
        shutil.copy(template, tmp_path / "yishu.db")
        yield f"sqlite:///{tmp_path / 'yishu.db'}"
        return
    with request.getfixturevalue("postgres_pool").lent() as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """A database without any table, on each kind in turn: for migrations."""
    with ExitStack() as stack:
        url = f"sqlite:///{tmp_path / 'empty.db'}"
        if request.param == "postgresql":
            server, _template = request.getfixturevalue("postgres_template")
            url = stack.enter_context(postgres.copy_of(server, "template0"))
        engine = build_engine(url)
        yield engine
        engine.dispose()


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    engine = build_engine(database_url)
    yield Database(engine)
    engine.dispose()


@pytest.fixture
def settings(database_url: str, valkey_url: str) -> Settings:
    return make_settings(database_url, valkey_url)


def make_settings(database_url: str, redis_url: str, **changes: object) -> Settings:
    """Settings of a company that exists only in tests."""
    values: dict[str, object] = {
        "database_url": database_url,
        "redis_url": redis_url,
        "yishu_secret_key": "a secret key of the tests only",
        "yishu_encryption_keys": KEYS,
        "yishu_api_token": "setup-token-of-the-tests",
        "yishu_spill_dir": str(SPILL),
        "wecom_api_base": NOBODY,
        "oa_api_base": NOBODY,
        "wecom_corp_id": "wwtestcorp",
        "wecom_agent_id": "1000002",
        "wecom_secret": "wecom-secret-of-the-tests",
        "wecom_token": "wecomtoken",
        "wecom_aes_key": AES_KEY,
        "oa_app_id": "wxtestaccount",
        "oa_secret": "oa-secret-of-the-tests",
        "oa_token": "oatoken",
        "oa_aes_key": AES_KEY,
    }
    return Settings(**(values | changes))  # type: ignore[arg-type]


@pytest.fixture(scope="session")
def shared() -> Path:
    """Real payload shapes and reference data that live beside the project."""
    if not (SHARED / "fixtures").exists():
        pytest.skip("the folder with real payload shapes is not beside the project")
    return SHARED
