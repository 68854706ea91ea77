"""Taking turns at the one writer's place of an SQLite database.

SQLite lets waiting writers sleep and look again, up to a tenth of a second at a time. Processes
that queue at a file lock instead are woken the moment it is their turn. Only speed depends on it:
SQLite's own lock still decides, so a system without file locks, or a writer that does not queue
here, is merely slower.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import IO

from sqlalchemy import Engine

try:
    import fcntl
except ImportError:  # not a POSIX system
    fcntl = None  # type: ignore[assignment]


class Turns:
    """`with turns.mine():` waits for this process's turn. One thread at a time."""

    def __init__(self, engine: Engine) -> None:
        database = engine.url.database
        queues = engine.dialect.name == "sqlite" and fcntl is not None and database
        self._path = Path(f"{database}-turns") if queues else None
        self._file: IO[bytes] | None = None

    def mine(self) -> AbstractContextManager[None]:
        """A block that only one process at a time is in."""
        return nullcontext() if self._path is None else self._locked(self._path)

    @contextmanager
    def _locked(self, path: Path) -> Iterator[None]:
        if self._file is None:
            self._file = path.open("wb")
        fcntl.flock(self._file, fcntl.LOCK_EX)
        try:
            yield
        finally:
            fcntl.flock(self._file, fcntl.LOCK_UN)

    def close(self) -> None:
        """Leave the queue."""
        if self._file is not None:
            self._file.close()
            self._file = None
