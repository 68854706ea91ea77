"""Children of `up`: started in their own group, restarted with patience, stopped without rest."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from launcher import guardian
from launcher.guardian import Guardian
from launcher.tell import ROOT, Trouble, line, tail, warn

TICK_S = 0.1
STOP_WITHIN_S = 8.0
FIRST_PAUSE_S, LONGEST_PAUSE_S = 1.0, 30.0
STEADY_AFTER_S = 60.0
LOG_LIMIT = 10 * 1024 * 1024
LOUD = re.compile(r'"level": "(warning|error|critical)"|\[(WARNING|ERROR|CRITICAL)\]')
LOUD_LINES_PER_TICK = 3


class Leaving(Exception):
    """Somebody asked us to leave before everything ran."""


@dataclass
class Child:
    """One process of the product."""

    name: str
    command: Sequence[str]
    log: Path
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    again_at: float = 0.0
    pause_s: float = FIRST_PAUSE_S
    read: int = 0


@dataclass
class Family:
    """All children. Created and used by one thread; signals only set `leaving`."""

    environment: Mapping[str, str]
    guardian: Guardian
    children: list[Child] = field(default_factory=list)
    leaving: threading.Event = field(default_factory=threading.Event)

    def listen(self) -> None:
        """From now on Ctrl-C, SIGTERM and a closed terminal ask us to leave."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, lambda *_: self.leaving.set())

    def start(self, name: str, command: Sequence[str], logs: Path) -> Child:
        """Start a child; its output goes to `logs/<name>.log`."""
        child = Child(name, command, logs / f"{name}.log")
        _rotate(child.log)
        child.read = child.log.stat().st_size if child.log.exists() else 0
        self.children.append(child)
        self._spawn(child)
        return child

    def start_again(self, child: Child) -> None:
        """What kept it from starting is mended."""
        if child.process:
            self._forget(child)
        self._spawn(child)

    def wait_until(self, child: Child, is_ready: Callable[[], bool], within_s: float) -> None:
        """Return when `is_ready`. Raises Trouble when the child ends or time runs out; Leaving."""
        deadline = time.monotonic() + within_s
        while not is_ready():
            if child.process is None or child.process.poll() is not None:
                raise Trouble(f"{child.name} does not start. {_end_of(child.log)}")
            if time.monotonic() > deadline:
                raise Trouble(
                    f"{child.name} is not ready after {within_s:.0f} s. {_end_of(child.log)}"
                )
            if self.leaving.wait(TICK_S / 2):
                raise Leaving

    def finish(
        self,
        name: str,
        command: Sequence[str],
        logs: Path,
        progress: Callable[[str], None] = lambda text: None,
    ) -> str:
        """Run a command to its end; returns its output. Raises Trouble when it fails; Leaving.

        `progress` gets the last line of the output whenever there is more.
        """
        child = Child(name, command, logs / f"{name}.log")
        child.log.unlink(missing_ok=True)
        self.children.append(child)
        self._spawn(child)
        assert child.process
        while (code := child.process.poll()) is None:
            said = child.log.stat().st_size
            if said > child.read:
                child.read = said
                progress(tail(child.log, lines=1).strip())
            if self.leaving.wait(TICK_S / 2):
                raise Leaving
        self.children.remove(child)
        self._forget(child)
        if code:
            raise Trouble(f"`yishu {name}` failed ({_how(code)}). {_end_of(child.log)}")
        return child.log.read_text(errors="replace")

    def run(self) -> None:
        """Keep every child alive until somebody asks us to leave."""
        while not self.leaving.wait(TICK_S):
            for child in self.children:
                self._look_after(child)

    def stop(self) -> None:
        """Stop the children in the reverse order of their start, the last ones together first."""
        *first, servers = self.children[:1], self.children[1:]
        self._end(servers)
        for group in first:
            self._end(group)
        self.guardian.close()

    def _look_after(self, child: Child) -> None:
        self._echo(child)
        now = time.monotonic()
        if child.process is None:
            if now >= child.again_at:
                self._spawn(child)
            return
        code = child.process.poll()
        if code is None:
            if now - child.started > STEADY_AFTER_S:
                child.pause_s = FIRST_PAUSE_S
            return
        self._forget(child)
        warn(f"{child.name} ended ({_how(code)}); starting it again in {child.pause_s:.0f} s, "
             f"see {_short(child.log)}")  # fmt: skip
        child.again_at = now + child.pause_s
        child.pause_s = min(child.pause_s * 2, LONGEST_PAUSE_S)

    def _spawn(self, child: Child) -> None:
        with child.log.open("ab") as log:
            child.process = subprocess.Popen(
                child.command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=ROOT,
                env=dict(self.environment), start_new_session=True,
            )  # fmt: skip
        child.started = time.monotonic()
        self.guardian.watch(child.process.pid)

    def _forget(self, child: Child) -> None:
        assert child.process
        guardian.end({child.process.pid}, grace_s=1.0)  # its own children, if it left some
        self.guardian.release(child.process.pid)
        child.process = None

    def _end(self, children: Sequence[Child]) -> None:
        living = [child for child in children if child.process]
        for child in living:
            _send(child, signal.SIGTERM)
        deadline = time.monotonic() + STOP_WITHIN_S
        for child in living:
            assert child.process
            try:
                child.process.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                warn(f"{child.name} did not stop in {STOP_WITHIN_S:.0f} s and is killed")
                _send(child, signal.SIGKILL)
                child.process.wait()
            self._forget(child)

    def _echo(self, child: Child) -> None:
        if not child.log.exists() or child.log.stat().st_size <= child.read:
            return
        with child.log.open("rb") as file:
            file.seek(child.read)
            fresh = file.read()
        complete = fresh.rfind(b"\n") + 1
        child.read += complete
        loud = [text for text in fresh[:complete].decode(errors="replace").splitlines()
                if LOUD.search(text)]  # fmt: skip
        for text in loud[:LOUD_LINES_PER_TICK]:
            line(f"  {child.name}: {text[:300]}")
        if len(loud) > LOUD_LINES_PER_TICK:
            line(f"  {child.name}: … and {len(loud) - LOUD_LINES_PER_TICK} more in "
                 f"{_short(child.log)}")  # fmt: skip


def _send(child: Child, number: int) -> None:
    assert child.process
    try:
        if number == signal.SIGTERM:
            child.process.send_signal(number)  # a server stops its own workers in good order
        else:
            os.killpg(child.process.pid, number)
    except ProcessLookupError:
        pass


def _end_of(log: Path) -> str:
    return f"Its log, {_short(log)}, ends:\n{tail(log)}"


def _rotate(log: Path) -> None:
    if log.exists() and log.stat().st_size > LOG_LIMIT:
        log.replace(log.with_name(f"{log.name}.1"))


def _how(code: int) -> str:
    return f"signal {-code}" if code < 0 else f"exit code {code}"


def _short(path: Path) -> str:
    return str(path.relative_to(ROOT)) if path.is_relative_to(ROOT) else str(path)
