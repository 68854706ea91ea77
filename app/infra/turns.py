"""Taking turns at the one writer's place of an SQLite database.

SQLite lets waiting writers sleep and look again, up to a tenth of a second at a time, and gives the
place to whoever looks at the right moment. A callback must be written within seconds, whatever the
workers do. So processes that take callbacks queue at a file lock, where they are woken the moment
it is their turn, and every other writer lets them go first.

Only speed depends on it: SQLite's own lock still decides, so a system without file locks is merely
slower, and who waits for a process that was stopped in the middle waits a moment, not for ever.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from pathlib import Path
from typing import IO

from sqlalchemy import URL

try:
    import fcntl
except ImportError:  # not a POSIX system
    fcntl = None  # type: ignore[assignment]

POLITE_S = 0.2  # then a writer goes on, whoever waits
GLANCE_S = 0.001


class Turns:
    """`with turns.mine():` waits for this process's turn. One thread at a time."""

    def __init__(self, url: URL) -> None:
        queues = url.get_backend_name() == "sqlite" and fcntl is not None and url.database
        self._path = (
            Path(f"{url.database}-turns") if queues and url.database != ":memory:" else None
        )
        self._file: IO[bytes] | None = None
        self._opening = threading.Lock()

    def mine(self) -> AbstractContextManager[None]:
        """A block that only one process at a time is in."""
        file = self._opened()
        return nullcontext() if file is None else self._locked(file)

    def give_way(self) -> None:
        """Return when nobody is in `mine`, or after `POLITE_S`. For any number of threads."""
        file, end = self._opened(), time.monotonic() + POLITE_S
        if file is None:
            return
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except OSError:
                if time.monotonic() > end:
                    return
                time.sleep(GLANCE_S)
            else:
                fcntl.flock(file, fcntl.LOCK_UN)
                return

    @contextmanager
    def _locked(self, file: IO[bytes]) -> Iterator[None]:
        fcntl.flock(file, fcntl.LOCK_EX)
        try:
            yield
        finally:
            fcntl.flock(file, fcntl.LOCK_UN)

    def _opened(self) -> IO[bytes] | None:
        with self._opening:
            if self._file is None and self._path is not None:
                with suppress(OSError):  # no room, no descriptors: then nobody queues
                    self._file = self._path.open("wb")
            return self._file
