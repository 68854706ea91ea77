"""Bringing spilled arrivals into the inbox from the process that spilled them.

Workers and schedulers of the same host do the same when they look at the tables, but a host may
have web processes only.
"""

from __future__ import annotations

import threading

from app.inbox.spill import Spill
from app.infra import log
from app.infra.db import Database

EVERY_S = 1.0
DRAIN = "workers.jobs.inbox.drain"

_log = log.get(__name__)


class Bringer:
    """A thread that tries every second until nothing waits."""

    def __init__(self, db: Database, spill: Spill) -> None:
        self._db = db
        self._spill = spill
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._stopping = threading.Event()

    def wake(self) -> None:
        """Something was spilled, or may be there from before."""
        with self._lock:
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._run, name="bringer", daemon=True)
                self._thread.start()

    def stop(self) -> None:
        """Leave the rest to others."""
        self._stopping.set()

    def _run(self) -> None:
        while not self._stopping.wait(EVERY_S):
            try:
                if bring_in(self._db, self._spill):
                    continue
            except Exception as problem:  # the database is still away; the next second tries again
                _log.warning("spill not imported yet", error=type(problem).__name__)
                continue
            with self._lock:
                if not self._spill.waiting_bytes():
                    self._thread = None
                    return


def bring_in(db: Database, spill: Spill) -> int:
    """Write what waits into the inbox and ring; returns how many arrivals."""
    number = spill.bring_in(db)
    if number:
        _log.info("spilled callbacks are in the inbox", number=number)
        db.bell.ring(DRAIN)
    return number
