"""Processes that can be killed, stopped and started again, each in a session of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from faults.nursery import Child, Nursery
from launcher import postgres, valkey
from launcher.guardian import Guardian
from launcher.tell import Trouble

Process = subprocess.Popen[bytes] | Child


@dataclass
class Server:
    """One process with everything below it. `start` and the signals are idempotent."""

    name: str
    spawn: Callable[[], Process]
    guardian: Guardian
    ready: Callable[[Process], bool] = lambda _process: True
    process: Process | None = None
    starts: int = 0
    started_at: float = 0.0
    is_up: bool = False  # ready since its last start, as far as anybody looked
    stopped: set[int] = field(default_factory=set)

    @property
    def running(self) -> bool:
        """True while the process has not ended."""
        return self.process is not None and self.process.poll() is None

    @property
    def pid(self) -> int:
        """The process; 0 before the first start."""
        return self.process.pid if self.process else 0

    def start(self) -> None:
        """Start unless it runs."""
        if self.running:
            return
        if self.process is not None:
            self.guardian.release(self.process.pid)
        self.process = self.spawn()
        self.starts += 1
        self.started_at, self.is_up = time.monotonic(), False
        self.guardian.watch(self.process.pid)

    def wait(self, within_s: float = 120.0) -> None:
        """Return when it is ready. Raises Trouble."""
        deadline = time.monotonic() + within_s
        while not (self.running and self.process is not None and self.ready(self.process)):
            if time.monotonic() > deadline or not self.running:
                raise Trouble(f"{self.name} does not start")
            time.sleep(0.05)
        self.is_up = True

    def kill(self, *, only_a_child: bool = False) -> None:
        """SIGKILL to it and everything below, or to one process below it."""
        if not self.running:
            return
        self.is_up = False
        serving = [pid for pid in descendants(self.pid) if not _is_tracker(pid)]
        if only_a_child and serving:
            send([serving[-1]], signal.SIGKILL)
            return
        send([self.pid], signal.SIGSTOP)  # so that it raises no more children meanwhile
        everybody = [self.pid, *descendants(self.pid)]
        send(everybody, signal.SIGKILL)
        assert self.process is not None
        self.process.wait(10)
        wait_for_end(everybody)
        self.stopped.clear()

    def pause(self) -> None:
        """SIGSTOP to it and everything below."""
        self.stopped = {self.pid, *descendants(self.pid)}
        send(self.stopped, signal.SIGSTOP)

    def resume(self) -> None:
        """SIGCONT to what was paused."""
        send(self.stopped, signal.SIGCONT)
        self.stopped.clear()

    def end(self, within_s: float = 10.0) -> float:
        """SIGTERM, SIGKILL when that was not enough; returns the seconds that it took."""
        if not self.running:
            return 0.0
        self.resume()
        begun = time.monotonic()
        assert self.process is not None
        self.process.terminate()
        try:
            self.process.wait(within_s)
        except subprocess.TimeoutExpired:
            self.kill()
        return time.monotonic() - begun


def product(
    name: str, command: list[str], environment: Mapping[str, str], log: Path, guardian: Guardian,
    nursery: Nursery, ready: Callable[[Process], bool] = lambda _process: True,
) -> Server:  # fmt: skip
    """`python -m command…` whose environment can be changed between two starts."""
    return Server(name, lambda: nursery.spawn(command, environment, log), guardian, ready)


def valkey_server(folder: Path, guardian: Guardian) -> tuple[Server, str]:
    """A private Valkey with an append-only file, and its URL."""
    folder.mkdir()
    path = valkey.socket_path(folder)

    def spawn() -> subprocess.Popen[bytes]:
        valkey.set_aside_broken(folder, folder / "valkey.log")  # as `./dev up` does
        with (folder / "valkey.log").open("ab") as log:
            return subprocess.Popen(
                valkey.command(folder, path), stdout=log, stderr=log, start_new_session=True
            )

    return Server("redis", spawn, guardian, lambda _p: valkey.answers(path)), f"unix://{path}"


class Postgres:
    """A private PostgreSQL that syncs, in `base`, a short path; `server` is its process."""

    def __init__(self, base: Path, guardian: Guardian) -> None:
        base.mkdir()
        self.base = base
        self._place = postgres.install(self.base)
        self.url = self._place.url.replace("/postgres?", "/faults?")
        self.administrator = self._place.url
        self.server = Server(
            "database", lambda: self._place.start(durable=True), guardian, self._answers
        )

    def _answers(self, process: Process) -> bool:
        assert isinstance(process, subprocess.Popen)
        try:
            self._place.wait(process)
        except postgres.Unusable:
            return False
        return True


def descendants(pid: int) -> list[int]:
    """Everything below a process, nearest first."""
    children: dict[int, list[int]] = {}
    for path in Path("/proc").iterdir():
        if path.name.isdigit():
            with suppress(OSError, ValueError, IndexError):
                parent = int((path / "stat").read_text().rpartition(")")[2].split()[1])
                children.setdefault(parent, []).append(int(path.name))
    found, waiting = [], [pid]
    while waiting:
        below = children.get(waiting.pop(0), [])
        found += below
        waiting += below
    return found


def send(pids: list[int] | set[int], number: int) -> None:
    """A signal to each that still exists."""
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, number)


def wait_for_end(pids: list[int], within_s: float = 5.0) -> None:
    """Return when all are gone or zombies."""
    deadline = time.monotonic() + within_s
    while any(_lives(pid) for pid in pids) and time.monotonic() < deadline:
        time.sleep(0.01)


def _is_tracker(pid: int) -> bool:
    """Python's own helper beside processes that were spawned."""
    try:
        return b"resource_tracker" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False


def _lives(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (OSError, IndexError):
        return False
