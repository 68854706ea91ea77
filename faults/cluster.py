"""All processes of one run: two web masters, workers, schedulers, Redis, database, platform."""

from __future__ import annotations

import http.client
import random
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
from sqlalchemy import create_engine, text
from sqlalchemy.exc import SQLAlchemyError

from app.infra import crypto
from app.infra.db import Database, build_engine
from faults import company, ledger
from faults.nursery import Nursery
from faults.proxy import Proxy
from faults.servers import Postgres, Process, Server, product, valkey_server
from faults.workload import Event, read
from launcher.guardian import Guardian
from launcher.tell import Trouble

WEBS, WORKERS, SCHEDULERS = ("web1", "web2"), ("worker1", "worker2"), ("scheduler1", "scheduler2")
AGAIN_AFTER_S = (0.05, 0.6)
LOOK_EVERY_S = 0.3
QUICK_S = 1.0  # Redis and PostgreSQL are back so soon
POSTGRES_SOCKET = ".s.PGSQL.5432"


@dataclass(frozen=True, slots=True)
class Shape:
    """What a cluster is made of. `proxied`: database and Redis are reached through a proxy."""

    database: str
    events: int
    seed: int
    schedulers: int = 2
    proxied: bool = False
    cron: str = "* * * * *"  # of the campaign, which makes up for every due time
    inside: tuple[str, ...] = ()  # kinds of processes that run through `faults.inside`
    small_disk_mb: int = 0  # SQLite's file and the spill live on a disk of this size
    environment: tuple[tuple[str, str], ...] = ()
    armed: Mapping[str, Mapping[str, str]] = field(default_factory=dict)  # by process


@dataclass(frozen=True, slots=True)
class Kill:
    """One line of the kill log; `at` is seconds since the start."""

    at: float
    name: str
    how: str


class Cluster:
    """Start it with `running`; `look_after` often, so that what died comes back."""

    def __init__(self, shape: Shape, folder: Path, guardian: Guardian) -> None:
        self.shape, self.folder, self._guardian = shape, folder, guardian
        self.rng = random.Random(shape.seed)  # repeatable on purpose
        self._nursery = Nursery(guardian)
        self.servers: dict[str, Server] = {}
        self.environments: dict[str, dict[str, str]] = {}
        self.kills: list[Kill] = []
        self.deaths: list[Kill] = []  # nobody killed it
        self.held: set[str] = set()  # shall stay down
        self.proxies: dict[str, Proxy] = {}
        self.postgres: Postgres | None = None
        self._again: dict[str, float] = {}
        self._killed: dict[str, int] = {}
        self._looked = 0.0
        self._mounted: Path | None = None
        self.boot_s = 3.0  # until a process that was started does its work, on this machine
        self.begun = time.monotonic()
        self._ports = free_ports(3)
        self.ports = self._ports[:2]
        self._platform = httpx.Client(
            base_url=f"http://127.0.0.1:{self._ports[2]}", timeout=120, trust_env=False
        )

    # life ---------------------------------------------------------------------------------------

    def start(self) -> None:
        """Everything, ready to be asked."""
        (self.folder / "log").mkdir()
        self._mount()
        redis, redis_url = valkey_server(self.folder / "redis", self._guardian)
        self.servers["redis"] = redis
        if self.shape.database == "postgresql":
            self.postgres = Postgres(self._guardian)
            self.servers["database"] = self.postgres.server
            (self.folder / "postgres").symlink_to(self.postgres.base)
        for name in ("redis", "database"):
            if name in self.servers:
                self.servers[name].start()
                self.servers[name].wait()
        self._url = self._create_database()
        seen_url, seen_redis = self._through_proxies(redis_url)
        self._environment = company.environment(
            self.data, self._ports[2], seen_url, seen_redis
        ) | dict(self.shape.environment)
        self._prepare()
        self._define()
        for name in self.servers:
            self.servers[name].start()
        begun = time.monotonic()
        for name in self.servers:
            if not name.startswith(("worker", "scheduler")):  # an armed one may have died already
                self.servers[name].wait()
        self.boot_s = max(1.0, time.monotonic() - begun)
        self.begun = time.monotonic()

    def stop(self) -> dict[str, float]:
        """Stop the product in good order, then the rest; returns the seconds that each took."""
        for name in self.servers:
            self.servers[name].resume()
        took = self.stop_product()
        self._platform.close()
        for proxy in self.proxies.values():
            proxy.stop()
        for name in ("platform", "redis", "database"):
            if name in self.servers:
                self.servers[name].end()
                self.servers[name].kill()
        self._nursery.close()
        return took

    def stop_product(self) -> dict[str, float]:
        """SIGTERM to webs, workers and schedulers; returns the seconds that each took."""
        names = [n for n in self.servers if n.startswith(("web", "worker", "scheduler"))]
        self.held |= set(names)
        return {name: round(self.servers[name].end(), 2) for name in names}

    def remove(self) -> None:
        """Remove all files."""
        self.unmount()
        if self.postgres:
            self.postgres.remove()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _mount(self) -> None:
        if not self.shape.small_disk_mb:
            return
        disk = self.folder / "disk"
        disk.mkdir()
        subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={self.shape.small_disk_mb}m", "tmpfs", str(disk)],
            check=True,
        )
        self._mounted = disk

    def unmount(self) -> None:
        """Give the small disk back."""
        if self._mounted is not None:
            subprocess.run(["umount", "-l", str(self._mounted)], check=False)
            self._mounted = None

    # faults -------------------------------------------------------------------------------------

    @property
    def age(self) -> float:
        """Seconds since the start."""
        return time.monotonic() - self.begun

    def kill(self, name: str, how: str = "all", *, back_after_s: float | None = None) -> None:
        """SIGKILL, noted in the kill log; it comes back after a short while."""
        server = self.servers[name]
        if not server.running:
            return
        self.kills.append(Kill(round(self.age, 2), name, how))
        self._killed[name] = server.pid
        server.kill(only_a_child=how == "child")
        wait = self.rng.uniform(*AGAIN_AFTER_S) if back_after_s is None else back_after_s
        self._again[name] = time.monotonic() + wait

    def look_after(self) -> None:
        """Start again what died and is not held down."""
        for name, server in self.servers.items():
            if server.running or name in self.held:
                continue
            if self._killed.get(name) != server.pid and name not in self._again:
                self.deaths.append(Kill(round(self.age, 2), name, f"exit {_code(server)}"))
                self._again[name] = time.monotonic() + 0.1
            if time.monotonic() >= self._again.get(name, 0.0):
                self._again.pop(name, None)
                server.start()
        self._look_who_is_up()

    def _look_who_is_up(self) -> None:
        """A process without a port of its own is up when it had as long as a web process needs."""
        if time.monotonic() < self._looked + LOOK_EVERY_S:
            return
        self._looked = time.monotonic()
        for name, server in self.servers.items():
            if server.is_up or not server.running or server.stopped:
                continue
            age = time.monotonic() - server.started_at
            if name in WEBS:
                server.is_up = answers(self.ports[WEBS.index(name)], "/healthz", 0.2)
            elif name in ("redis", "database"):
                server.is_up = age > QUICK_S
            else:
                server.is_up = age > self.boot_s

    def restore(self) -> None:
        """Nothing is held, paused or disturbed any more; everything is up again."""
        self.held.clear()
        self.knobs()
        for proxy in self.proxies.values():
            proxy.weather.drop, proxy.weather.delay_s = False, 0.0
        for server in self.servers.values():
            server.resume()
            server.start()
        for server in self.servers.values():
            server.wait()

    def restart(self, name: str, **environment: str) -> float:
        """Stop in good order, start with changed settings; returns the seconds of stopping."""
        self.held.add(name)
        took = self.servers[name].end()
        self.environments[name].update(environment)
        self._killed[name] = self.servers[name].pid
        self.held.discard(name)
        self.servers[name].start()
        return took

    # platform -----------------------------------------------------------------------------------

    def more_events(self, count: int) -> list[Event]:
        """The next events of the workload."""
        answer = self._platform.get("/faults/events", params={"count": count})
        return [read(one) for one in answer.raise_for_status().json()]

    def knobs(self, **values: Any) -> None:
        """Set the platform's faults; without arguments there are none."""
        self._platform.post("/faults/knobs", json=values).raise_for_status()

    def deliveries(self) -> list[dict[str, Any]]:
        """Every message that reached somebody."""
        found: list[dict[str, Any]] = self._platform.get("/faults/ledger").json()
        return found

    def world(self) -> dict[str, Any]:
        """The platform's state."""
        found: dict[str, Any] = self._platform.get("/sandbox/world").json()
        return found

    # database -----------------------------------------------------------------------------------

    @property
    def data(self) -> Path:
        """Where SQLite's file and the spill are."""
        return self.folder / "disk" if self.shape.small_disk_mb else self.folder

    @property
    def files(self) -> Iterator[Path]:
        """Where the database and Redis keep what they know."""
        yield from (p for p in self.data.glob("yishu.db*") if p.is_file())
        yield from (p for p in (self.folder / "redis").rglob("*") if p.is_file())
        spill = self.data / "spill"
        yield from (p for p in spill.rglob("*") if p.is_file())
        if self.postgres:
            yield from (p for p in (self.postgres.base / "data").rglob("*") if p.is_file())

    def ask(self, question: Callable[[Database], Any], default: Any = None) -> Any:
        """Ask the database; `default` while it is away or stands still."""
        if "database" in self.servers and self.servers["database"].stopped:
            return default
        try:
            return question(self.db)
        except SQLAlchemyError:
            return default

    def _create_database(self) -> str:
        if self.postgres is None:
            return f"sqlite:///{self.data / 'yishu.db'}"
        engine = create_engine(self.postgres.administrator, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.execute(text("CREATE DATABASE faults"))
        engine.dispose()
        return self.postgres.url

    def _through_proxies(self, redis_url: str) -> tuple[str, str]:
        if not self.shape.proxied:
            return self._url, redis_url
        redis_path = Path(redis_url.removeprefix("unix://"))
        folder = Path(tempfile.mkdtemp(prefix="yishu-px-", dir="/tmp"))
        self.proxy_folder = folder
        folder.chmod(0o755)
        self.proxies["redis"] = Proxy(folder / "redis.sock", redis_path)
        url = self._url
        if self.postgres:
            base = self.postgres.base
            self.proxies["database"] = Proxy(folder / POSTGRES_SOCKET, base / POSTGRES_SOCKET)
            url = url.replace(str(base), str(folder))
        for proxy in self.proxies.values():
            proxy.start()
        return url, f"unix://{folder / 'redis.sock'}"

    def _prepare(self) -> None:
        crypto.install(crypto.KeyRing.parse(company.KEYS))
        once = product(
            "migrate", ["app.cli", "migrate"], self._environment,
            self.folder / "log" / "migrate.log", self._guardian, self._nursery,
        )  # fmt: skip
        once.start()
        assert once.process is not None
        if once.process.wait(120):
            raise Trouble(f"`yishu migrate` failed, see {self.folder / 'log' / 'migrate.log'}")
        self.db = Database(build_engine(self._url))
        ledger.install(self.db.engine)
        with self.db.transaction() as session:
            size = company.Size(self.shape.events)
            company.settle_in(session, size, self.shape.cron, datetime.now(UTC))

    def _define(self) -> None:
        size = ["--events", str(self.shape.events), "--seed", str(self.shape.seed)]
        commands = {"platform": ["faults.platform", "--port", str(self._ports[2]), *size]}
        for name, port in zip(WEBS, self.ports, strict=True):
            commands[name] = ["web", "--host", "127.0.0.1", "--port", str(port)]
        commands |= {name: ["workers.worker"] for name in WORKERS}
        for number in range(self.shape.schedulers):
            commands[f"scheduler{number + 1}"] = ["workers.scheduler"]
        for name, command in commands.items():
            if name.startswith(self.shape.inside or ("nobody",)):
                command.insert(0, "faults.inside")
            environment = self._environment | dict(self.shape.armed.get(name, {}))
            self.environments[name] = environment
            log = self.folder / "log" / f"{name}.log"
            self.servers[name] = product(
                name,
                command,
                environment,
                log,
                self._guardian,
                self._nursery,
                self._ready(name),
            )

    def _ready(self, name: str) -> Callable[[Process], bool]:
        if name == "platform":
            return lambda _p: answers(self._ports[2], "/faults/ready")
        if name in WEBS:
            port = self.ports[WEBS.index(name)]
            return lambda _p: answers(port, "/healthz")
        return lambda _p: True


@contextmanager
def running(shape: Shape, keep: Callable[[], bool]) -> Iterator[Cluster]:
    """A cluster for the length of the block; its files stay when `keep` says so, or on errors."""
    folder = Path(tempfile.mkdtemp(prefix=f"yishu-faults-{shape.database}-{shape.seed}-"))
    guardian = Guardian()
    cluster = Cluster(shape, folder, guardian)
    kept = True
    try:
        cluster.start()
        yield cluster
        kept = keep()
    finally:
        cluster.stop()
        guardian.close()
        if kept and cluster.shape.small_disk_mb:
            shutil.copytree(cluster.data, cluster.folder / "disk-copy", dirs_exist_ok=True)
        cluster.unmount()
        if hasattr(cluster, "proxy_folder"):
            shutil.rmtree(cluster.proxy_folder, ignore_errors=True)
        if hasattr(cluster, "db"):
            cluster.db.engine.dispose()
        if not kept:
            cluster.remove()


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens on."""
    found = []
    for _ in range(count):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            found.append(int(probe.getsockname()[1]))
    return found


def answers(port: int, path: str, within_s: float = 2.0) -> bool:
    """True when a GET of `path` is answered with 200."""
    try:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=within_s)
        connection.request("GET", path)
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False


def _code(server: Server) -> int | None:
    return server.process.returncode if server.process else None
