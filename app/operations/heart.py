"""A thread that shows life for its process every few seconds, and says goodbye at the end."""

from __future__ import annotations

import atexit
import os
import socket
import threading
from contextlib import suppress

from sqlalchemy.exc import SQLAlchemyError

from app.infra.clock import Clock
from app.infra.db import Database
from app.infra.version import version
from app.operations.models import Kind
from app.operations.processes import Me, beat, database_time, leave

BEAT_S = 5.0


class Heart:
    """`Heart("worker", db, clock).start()` is all that a process has to say.

    A database that is away costs nothing but the sign of life: the next beat tries again.
    """

    def __init__(self, kind: str, db: Database, clock: Clock) -> None:
        self._db = db
        self._clock = clock
        self._stopping = threading.Event()
        self._me = Me(Kind(kind), socket.gethostname(), os.getpid(), version(), clock())
        self._thread = threading.Thread(target=self._run, name="heart", daemon=True)

    def start(self) -> Heart:
        """Begin to beat, until `stop` or the end of the process."""
        self._thread.start()
        atexit.register(self.stop)
        return self

    def stop(self) -> None:
        """Stop, and say goodbye if the database can be reached at once."""
        atexit.unregister(self.stop)
        if self._stopping.is_set():
            return
        self._stopping.set()
        self._thread.join(1.0)
        if not self._thread.is_alive():
            with suppress(SQLAlchemyError), self._db.transaction() as session:
                leave(session, self._me)

    def beat(self) -> None:
        """One sign of life."""
        with self._db.transaction() as session:
            now = database_time(session, self._clock)
            beat(session, self._me, now, (self._clock() - now).total_seconds())

    def _run(self) -> None:
        while not self._stopping.is_set():
            with suppress(SQLAlchemyError):
                self.beat()
            self._stopping.wait(BEAT_S)
