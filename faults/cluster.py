"""All processes of one run: two web masters, workers, schedulers, Redis, database, platform."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from faults import company
from faults.control import Control, answers, free_ports
from faults.folders import Folder
from faults.nursery import Nursery
from faults.servers import Process, Server, product
from faults.shape import WEBS, Kill, Shape
from faults.stores import Stores
from launcher.guardian import Guardian
from launcher.tell import Trouble

AGAIN_AFTER_S = (0.05, 0.6)
LOOK_EVERY_S = 0.3
DISK_MB = 1024
QUICK_S = 1.0  # Redis and PostgreSQL are back so soon


class Cluster:
    """Start it with `running`; `look_after` often, so that what died comes back."""

    def __init__(self, shape: Shape, home: Folder, guardian: Guardian) -> None:
        self.shape, self.folder, self._guardian = shape, home.path, guardian
        self.rng = random.Random(shape.seed)  # repeatable on purpose
        for name in ("log", "counters"):
            (self.folder / name).mkdir()
        self.disk = home.powered(DISK_MB) if shape.power else None
        # SQLite's file and the spill; on PostgreSQL the spill alone.
        self.data = home.mount(shape.small_disk_mb) if shape.small_disk_mb else self.folder
        if self.disk:
            self.data = self.disk.place
        self.counters = self.folder / "counters"
        home_of_servers = self.data if self.disk else self.folder
        self.stores = Stores(shape, home_of_servers, self.data, guardian)
        self._nursery = Nursery(guardian, self.counters)
        self.servers: dict[str, Server] = dict(self.stores.servers)
        self.environments: dict[str, dict[str, str]] = {}
        self.kills: list[Kill] = []
        self.deaths: list[Kill] = []  # nobody killed it
        self.held: set[str] = set()  # shall stay down
        self._again: dict[str, float] = {}
        self._killed: dict[str, int] = {}
        self._looked = 0.0
        self.boot_s = 3.0  # until a process that was started does its work, on this machine
        self.begun = time.monotonic()
        *self.ports, self._platform_port = free_ports(len(WEBS) + 1)
        self.platform = Control(self._platform_port)

    # life ---------------------------------------------------------------------------------------

    def start(self) -> None:
        """Everything, ready to be asked."""
        self.stores.start()
        environment = company.environment(
            self.data, self._platform_port, self.stores.seen_url, self.stores.seen_redis
        ) | {"PROMETHEUS_MULTIPROC_DIR": str(self.counters), **dict(self.shape.environment)}
        self._migrate(environment)
        self.stores.settle_in()
        self._define(environment)
        begun = time.monotonic()
        for server in self.servers.values():
            server.start()
        for name, server in self.servers.items():
            if not name.startswith(("worker", "scheduler")):  # an armed one may have died already
                server.wait()
        self.boot_s = max(1.0, time.monotonic() - begun)
        self.begun = time.monotonic()

    def stop(self) -> None:
        """Stop the product in good order, then the rest."""
        try:
            for server in self.servers.values():
                server.resume()
            self.stop_product()
            self.platform.close()
            if "platform" in self.servers:
                self.servers["platform"].end()
            self.stores.stop()
        finally:
            self._nursery.close()

    def stop_product(self) -> dict[str, float]:
        """SIGTERM to webs, workers and schedulers; returns the seconds that each took."""
        names = [name for name in self.shape.product if name in self.servers]
        self.held |= set(names)
        return {name: round(self.servers[name].end(), 2) for name in names}

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

    def restore(self) -> None:
        """Nothing is held, paused or disturbed any more; everything is up again."""
        self.held.clear()
        self.platform.knobs()
        for proxy in self.stores.proxies.values():
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
            elif name in self.stores.servers:
                server.is_up = age > QUICK_S
            else:
                server.is_up = age > self.boot_s

    # building -----------------------------------------------------------------------------------

    def _migrate(self, environment: dict[str, str]) -> None:
        once = self._product("migrate", ["app.cli", "migrate"], environment)
        once.start()
        assert once.process is not None
        if once.process.wait(120):
            raise Trouble(f"`yishu migrate` failed, see {self.folder / 'log' / 'migrate.log'}")

    def _define(self, environment: dict[str, str]) -> None:
        size = ["--events", str(self.shape.events), "--seed", str(self.shape.seed)]
        command = ["faults.platform", "--port", str(self._platform_port), *size]
        ready = self._serves(self._platform_port, "/faults/ready")
        self.servers["platform"] = self._product("platform", command, environment, ready)
        ports = dict(zip(WEBS, self.ports, strict=True))
        for name in self.shape.product:
            self.environments[name] = environment | dict(self.shape.armed.get(name, {}))
            self.servers[name] = self._product(
                name, self.shape.command(name, ports.get(name, 0)), self.environments[name],
                self._serves(ports[name], "/healthz") if name in ports else lambda _: True,
            )  # fmt: skip

    def _product(
        self,
        name: str,
        command: list[str],
        environment: dict[str, str],
        ready: Callable[[Process], bool] = lambda _process: True,
    ) -> Server:
        log = self.folder / "log" / f"{name}.log"
        return product(name, command, environment, log, self._guardian, self._nursery, ready)

    @staticmethod
    def _serves(port: int, path: str) -> Callable[[Process], bool]:
        return lambda _process: answers(port, path)


@contextmanager
def running(shape: Shape, keep: Callable[[], bool]) -> Iterator[Cluster]:
    """A cluster for the length of the block; its files stay when `keep` says so, or on errors."""
    home = Folder(f"{shape.database}-{shape.seed}")
    guardian = Guardian()
    kept = False
    try:
        cluster = Cluster(shape, home, guardian)
        try:
            cluster.start()
            yield cluster
            kept = keep()
        finally:
            cluster.stop()
    except Exception:  # an interrupt is nothing that anybody would look at
        kept = True
        raise
    finally:
        guardian.close()
        home.keep() if kept else home.remove()


def _code(server: Server) -> Any:
    return server.process.returncode if server.process else None
