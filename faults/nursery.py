"""Starts processes that have the third-party packages loaded already, by forking.

A start of the product costs three seconds of a processor, nearly all of it for importing packages;
with a kill every second a small machine would do nothing else. Here one process imports the
packages (none of ours) and forks a child for each start. The child is a process of its own session
with its own environment, imports and runs our modules from the beginning, and dies like any other.

    python -m faults.nursery    lines of JSON: {"argv", "env", "log"} in, {"pid"} or {"ended",
                                "code"} out
"""

from __future__ import annotations

import importlib
import json
import os
import runpy
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from launcher.guardian import Guardian
from launcher.tell import ROOT

PACKAGES = (
    "sqlalchemy.orm sqlalchemy.dialects.postgresql sqlalchemy.dialects.sqlite "
    "sqlalchemy.dialects.postgresql.psycopg psycopg sqlite3 flask flask_babel flask_login "
    "flask_limiter flask_wtf flask_wtf.csrf spectree httpx redis rq rq.serializers "
    "apscheduler.schedulers.background apscheduler.triggers.cron apscheduler.executors.pool "
    "apscheduler.jobstores.memory pydantic pydantic_settings structlog prometheus_client "
    "prometheus_client.multiprocess cryptography.hazmat.primitives.ciphers.aead lxml.etree "
    "wechatpy wechatpy.client wechatpy.enterprise wechatpy.work openpyxl markdown_it nh3 segno "
    "argon2 itsdangerous xmltodict granian a2wsgi uvloop werkzeug.serving "
    "zoneinfo alembic.command"
).split()

_children: set[int] = set()
_orphaned: set[int] = set()  # groups of children that have ended, while anybody of them lives


class Child:
    """One process of the nursery; behaves like a Popen as far as `servers` needs it."""

    def __init__(self, nursery: Nursery, pid: int) -> None:
        self._nursery, self.pid = nursery, pid

    @property
    def returncode(self) -> int | None:
        """The exit code once it has ended, negative for a signal."""
        return self._nursery.codes.get(self.pid)

    def poll(self) -> int | None:
        """See Popen."""
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """See Popen."""
        end = time.monotonic() + (timeout if timeout is not None else 3600.0)
        while (code := self.returncode) is None:
            if time.monotonic() > end:
                raise subprocess.TimeoutExpired("a process of the nursery", timeout or 0.0)
            time.sleep(0.01)
        return code

    def terminate(self) -> None:
        """See Popen."""
        with suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGTERM)


class Nursery:
    """The parent's end. Use it from one thread."""

    def __init__(self, guardian: Guardian, counters: Path) -> None:
        """`counters`: a folder where processes count what shall outlive them."""
        self._process = subprocess.Popen(
            [sys.executable, "-m", "faults.nursery"], cwd=ROOT, text=True, bufsize=1,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True,
            env=os.environ | {"PROMETHEUS_MULTIPROC_DIR": str(counters)},
        )  # fmt: skip
        guardian.watch(self._process.pid)
        self._guardian = guardian
        self.codes: dict[int, int] = {}
        self._born: list[int] = []
        self._news = threading.Condition()
        threading.Thread(target=self._listen, name="nursery", daemon=True).start()

    def spawn(self, argv: list[str], environment: Mapping[str, str], log: Path) -> Child:
        """Fork a child that runs `python -m argv…`. Raises RuntimeError."""
        assert self._process.stdin
        line = json.dumps({"argv": argv, "env": dict(environment), "log": str(log)})
        with self._news:
            self._process.stdin.write(line + "\n")
            self._process.stdin.flush()
            if not self._news.wait_for(lambda: bool(self._born), timeout=60):
                raise RuntimeError("the nursery does not answer")
            return Child(self, self._born.pop())

    def close(self) -> None:
        """End it, and whoever of its children is left."""
        assert self._process.stdin
        with suppress(OSError):
            self._process.stdin.close()
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(10)
        self._process.kill()
        self._process.wait()
        self._guardian.release(self._process.pid)

    def _listen(self) -> None:
        assert self._process.stdout
        for line in self._process.stdout:
            news = json.loads(line)
            with self._news:
                if "pid" in news:
                    self._born.append(news["pid"])
                else:
                    self.codes[news["ended"]] = news["code"]
                self._news.notify_all()


def main() -> None:
    """Import, then fork for each line until the input ends; then nobody may be left."""
    for name in PACKAGES:
        with suppress(ImportError):
            importlib.import_module(name)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # the end of the input says when
    pending = b""
    while True:
        readable, _, _ = select.select([0], [], [], 0.02)
        _bury()
        if not readable:
            continue
        piece = os.read(0, 1 << 20)
        if not piece:
            _end_all()
            return
        pending += piece
        while b"\n" in pending:
            line, _, pending = pending.partition(b"\n")
            _fork(json.loads(line))


def _bury() -> None:
    """Note who has ended. Whoever is left below them is to end with the run; a group is forgotten
    with its last process, as its number may become somebody else's."""
    with suppress(ChildProcessError):
        while (ended := os.waitpid(-1, os.WNOHANG))[0]:
            pid, status = ended
            _children.discard(pid)
            _orphaned.add(pid)
            _say({"ended": pid, "code": os.waitstatus_to_exitcode(status)})
    _orphaned.difference_update([one for one in _orphaned if not _signal_group(one, 0)])


def _end_all() -> None:
    """Everybody with their groups, and return when they are gone."""
    for pid in _children:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)  # one that was just born has no group of its own yet
    for group in _children | _orphaned:
        _signal_group(group, signal.SIGKILL)
    with suppress(ChildProcessError):
        while True:
            os.wait()


def _signal_group(group: int, number: int) -> bool:
    try:
        os.killpg(group, number)
    except (ProcessLookupError, PermissionError):  # macOS says so of a group of zombies
        return False
    return True


def _say(news: dict[str, Any]) -> None:
    os.write(1, json.dumps(news).encode() + b"\n")


def _fork(wanted: dict[str, Any]) -> None:
    pid = os.fork()
    if pid:
        _children.add(pid)
        _say({"pid": pid})
        return
    code = 1
    try:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        os.setsid()
        log = os.open(wanted["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        nothing = os.open(os.devnull, os.O_RDONLY)
        for source, target in ((nothing, 0), (log, 1), (log, 2)):
            os.dup2(source, target)
        os.environ.clear()
        os.environ.update(wanted["env"])
        sys.argv = wanted["argv"]
        runpy.run_module(wanted["argv"][0], run_name="__main__", alter_sys=True)
        code = 0
    except SystemExit as leaving:
        code = leaving.code if isinstance(leaving.code, int) else int(bool(leaving.code))
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        with suppress(BaseException):
            _leave()
        os._exit(code)


def _leave() -> None:
    """What Python does at its end: wait for threads, run exit handlers, flush."""
    threading._shutdown()  # type: ignore[attr-defined]
    import atexit

    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()


if __name__ == "__main__":
    main()
