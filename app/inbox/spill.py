"""Arrivals that the database cannot take now: an encrypted, checksummed file that is synced.

One line an arrival: `crc32 of the rest, 8 hex digits` + space + base64 of the encrypted JSON. A
line that a power cut has torn was never acknowledged; it is told from the others by its checksum.
All processes of one host share the folder: appending and setting aside take turns at a lock file,
and a file that was set aside belongs to whoever locked it. A crash leaves it for the next one, and
rows that were imported before are known by their keys.
"""

from __future__ import annotations

import base64
import fcntl
import os
import time
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import BinaryIO

from prometheus_client import Counter
from sqlalchemy.exc import DataError, IntegrityError

from app.inbox.batches import Outcome
from app.inbox.store import Arrival, insert_of, is_repeat
from app.infra import crypto, log
from app.infra.crashpoint import crashpoint
from app.infra.db import Database
from app.infra.errors import Permanent

SEAL = "inbox_spill.line"
PIECE = 500  # rows in one transaction

_damaged = Counter("yishu_spill_damaged_lines_total", "Lines of the spill that cannot be read")
_log = log.get(__name__)


class Spill:
    """The spill of this host, in `folder`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._current = folder / "arrivals.spill"

    def append(self, arrivals: Sequence[Arrival]) -> Sequence[Outcome]:
        """Durable when it returns. Raises OSError, and then nothing may be acknowledged."""
        lines = b"".join(line_of(arrival) for arrival in arrivals)
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with self._alone(), self._open() as file:
            size = os.fstat(file).st_size
            if size and os.pread(file, 1, size - 1) != b"\n":
                lines = b"\n" + lines  # what was torn must not spoil what follows
            _write(file, lines)
            crashpoint("spill.written")
            os.fsync(file)
            if not size:
                _sync_folder(self._folder)
        crashpoint("spill.synced")
        return [None] * len(arrivals)

    def waiting_bytes(self) -> int:
        """How much waits to be imported; 0 when nothing does."""
        return sum(_size(path) for path in self._waiting())

    def bring_in(self, db: Database) -> int:
        """Write what waits into the inbox; returns how many arrivals. Any process may, any time."""
        self._set_aside()
        number = 0
        for path in sorted(self._folder.glob("importing-*.spill")):
            with _mine(path) as file:
                if file is not None:
                    number += self._import(db, file)
                    crashpoint("spill.imported")
                    path.unlink()
        return number

    def _waiting(self) -> list[Path]:
        return [self._current, *self._folder.glob("importing-*.spill")]

    def _set_aside(self) -> None:
        if not _size(self._current):
            return
        with self._alone():
            if _size(self._current):
                name = f"importing-{time.time_ns()}-{os.getpid()}.spill"
                self._current.rename(self._folder / name)
                _sync_folder(self._folder)
                crashpoint("spill.set_aside")

    def _import(self, db: Database, file: BinaryIO) -> int:
        number = 0
        while lines := list(islice(file, PIECE)):
            arrivals = [found for line in lines if (found := self._read(line))]
            try:
                _insert(db, arrivals)
            except (DataError, IntegrityError):  # one bad row must not hold up the others
                for arrival in arrivals:
                    self._insert_alone(db, arrival)
            number += len(arrivals)
        return number

    def _read(self, line: bytes) -> Arrival | None:
        text = line.removesuffix(b"\n")
        try:
            return arrival_of(text) if text else None
        except (ValueError, KeyError, Permanent) as problem:
            self._keep_damaged(text, problem)
            return None

    def _insert_alone(self, db: Database, arrival: Arrival) -> None:
        try:
            _insert(db, [arrival])
        except (DataError, IntegrityError) as problem:
            self._keep_damaged(line_of(arrival).removesuffix(b"\n"), problem)

    def _keep_damaged(self, line: bytes, problem: Exception) -> None:
        _damaged.inc()
        _log.error("spilled line cannot be read", error=type(problem).__name__)
        with (self._folder / "damaged.lines").open("ab") as kept:
            kept.write(line + b"\n")

    @contextmanager
    def _alone(self) -> Iterator[None]:
        with (self._folder / "lock").open("wb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    @contextmanager
    def _open(self) -> Iterator[int]:
        file = os.open(self._current, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            yield file
        finally:
            os.close(file)


def line_of(arrival: Arrival) -> bytes:
    """One line with its end."""
    sealed = base64.b64encode(crypto.ring().encrypt(arrival.as_json(), SEAL))
    return b"%08x %s\n" % (zlib.crc32(sealed), sealed)


def arrival_of(line: bytes) -> Arrival:
    """The arrival of a line without its end. Raises ValueError, or Undecryptable."""
    checksum, _, sealed = line.partition(b" ")
    if checksum != b"%08x" % zlib.crc32(sealed):
        raise ValueError("the checksum does not fit")
    return Arrival.from_json(crypto.ring().decrypt(base64.b64decode(sealed), SEAL))


def _insert(db: Database, arrivals: Sequence[Arrival]) -> None:
    """Rows get their numbers before others see them, and whoever arrives meanwhile gets a higher
    one: so this commits at once, and looks for repeats afterwards."""
    if not arrivals:
        return
    insert = insert_of(db.engine.dialect.name)
    with db.transaction() as session:
        session.connection().execute(insert, [arrival.row() for arrival in arrivals])
    with db.transaction() as session:
        for arrival in arrivals:
            again = arrival.again()
            if again is not None and is_repeat(session, arrival):
                session.connection().execute(insert, again.row())


@contextmanager
def _mine(path: Path) -> Iterator[BinaryIO | None]:
    """A file that was set aside; None when another process is at it."""
    try:
        file = path.open("rb")
    except FileNotFoundError:
        yield None
        return
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield None
            return
        gone = not os.fstat(file.fileno()).st_nlink
        yield None if gone else file


def _write(file: int, data: bytes) -> None:
    while data:
        data = data[os.write(file, data) :]


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except (FileNotFoundError, NotADirectoryError):
        return 0


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
