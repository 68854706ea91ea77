"""Real servers for a benchmark, on loopback: ours, and gunicorn for the peer."""

from __future__ import annotations

import http.client
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[1]
READY_WITHIN_S = 120.0  # on a busy machine, too


class Server(NamedTuple):
    """Where it listens on loopback, and the process that started the others."""

    port: int
    pid: int


@contextmanager
def gunicorn(
    target: str, environment: Mapping[str, str], arguments: list[str], log: Path
) -> Iterator[Server]:
    """`target` served with `arguments`, once /healthz answers."""
    port = free_port()
    command = ["-m", "gunicorn", target, "--bind", f"127.0.0.1:{port}", *arguments]
    with _serving(command, port, environment, log) as server:
        yield server


@contextmanager
def ours(environment: Mapping[str, str], log: Path) -> Iterator[Server]:
    """The product's web process, once /healthz answers."""
    port = free_port()
    command = ["web.py", "--host", "127.0.0.1", "--port", str(port)]
    with _serving(command, port, environment, log) as server:
        yield server


@contextmanager
def program(
    arguments: list[str], environment: Mapping[str, str], log: Path
) -> Iterator[subprocess.Popen[bytes]]:
    """A Python process in the project's folder for the length of the block."""
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, *arguments],
            env={**os.environ, **environment}, cwd=ROOT, stdout=output, stderr=output,
        )  # fmt: skip
        try:
            yield process
        finally:
            process.terminate()
            process.wait(20)


@contextmanager
def _serving(
    arguments: list[str], port: int, environment: Mapping[str, str], log: Path
) -> Iterator[Server]:
    with program(arguments, environment, log) as process:
        _wait(port, process, log)
        yield Server(port, process.pid)


def free_port() -> int:
    """A port on loopback that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + READY_WITHIN_S
    while time.monotonic() < deadline and process.poll() is None:
        try:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
            connection.request("GET", "/healthz")
            if connection.getresponse().status == 200:
                return
        except OSError:
            pass
        time.sleep(0.05)
    raise RuntimeError(f"the server did not start:\n{log.read_text()[-2000:]}")
