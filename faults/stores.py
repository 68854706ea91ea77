"""Database and Redis of one run, each a process of its own and perhaps behind a proxy."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import create_engine, text
from sqlalchemy.exc import SQLAlchemyError

from app.infra import crypto
from app.infra.db import Database, build_engine
from faults import company, ledger
from faults.proxy import Proxy
from faults.servers import Postgres, Server, valkey_server
from faults.shape import Shape
from launcher.guardian import Guardian

POSTGRES_SOCKET = ".s.PGSQL.5432"


class Stores:
    """Start them with `start`. `data`: where SQLite's file and the spill are.

    `seen_url` and `seen_redis` are what the product is told.
    """

    def __init__(self, shape: Shape, folder: Path, data: Path, guardian: Guardian) -> None:
        self._shape, self._folder, self.data = shape, folder, data
        redis, self.seen_redis = valkey_server(folder / "redis", guardian)
        self.servers: dict[str, Server] = {"redis": redis}
        self.postgres: Postgres | None = None
        if shape.database == "postgresql":
            self.postgres = Postgres(folder / "pg", guardian)
            self.servers["database"] = self.postgres.server
        self.url = self.postgres.url if self.postgres else f"sqlite:///{data / 'yishu.db'}"
        self.seen_url = self.url
        self.proxies: dict[str, Proxy] = {}

    def start(self) -> None:
        """Both, ready to be asked."""
        for server in self.servers.values():
            server.start()
            server.wait()
        if self.postgres:
            engine = create_engine(self.postgres.administrator, isolation_level="AUTOCOMMIT")
            with engine.connect() as connection:
                connection.execute(text("CREATE DATABASE faults"))
            engine.dispose()
        if self._shape.proxied:
            self._put_proxies_before()

    def settle_in(self) -> None:
        """Company and ledger into the migrated database."""
        crypto.install(crypto.KeyRing.parse(company.KEYS))
        self.db = Database(build_engine(self.url))
        ledger.install(self.db.engine)
        size = company.Size(self._shape.events)
        with self.db.transaction() as session:
            company.settle_in(session, size, self._shape.cron, datetime.now(UTC))

    def stop(self) -> None:
        """Stop both, and hang up."""
        if hasattr(self, "db"):
            self.db.engine.dispose()
        for proxy in self.proxies.values():
            proxy.stop()
        for server in self.servers.values():
            server.end()
            server.kill()

    def hang_up(self) -> None:
        """Nothing of ours is open on the disk any more; the next question opens it again."""
        self.db.engine.dispose()
        self.db = Database(build_engine(self.url))
        gc.collect()  # SQLite's old engine kept a file open

    def ask(self, question: Callable[[Database], Any], default: Any = None) -> Any:
        """Ask the database; `default` while it is away or stands still."""
        if "database" in self.servers and self.servers["database"].stopped:
            return default
        try:
            return question(self.db)
        except SQLAlchemyError:
            return default

    @property
    def spilled_bytes(self) -> int:
        """How much waits in the spill."""
        found = 0
        for path in (self.data / "spill").glob("*.spill"):
            with suppress(FileNotFoundError):
                found += path.stat().st_size
        return found

    @property
    def files(self) -> Iterator[Path]:
        """Where the database, the spill and Redis keep what they know."""
        folders = [self._folder / "redis", self.data / "spill"]
        folders += [self.postgres.base / "data"] if self.postgres else []
        yield from (path for path in self.data.glob("yishu.db*") if path.is_file())
        for folder in folders:
            yield from (path for path in folder.rglob("*") if path.is_file())

    def _put_proxies_before(self) -> None:
        folder = self._folder / "px"
        folder.mkdir()
        redis_path = Path(self.seen_redis.removeprefix("unix://"))
        self.proxies["redis"] = Proxy(folder / "redis.sock", redis_path)
        self.seen_redis = f"unix://{folder / 'redis.sock'}"
        if self.postgres:
            base = self.postgres.base
            self.proxies["database"] = Proxy(folder / POSTGRES_SOCKET, base / POSTGRES_SOCKET)
            self.seen_url = self.url.replace(str(base), str(folder))
        for proxy in self.proxies.values():
            proxy.start()
