"""Writing down what arrives while somebody waits for the answer.

An arrival goes to the database, together with whatever else waits. Where the database is away or
takes too long, it goes to the spill, and from there into the database when that is back. Either is
durable before `write` returns; if both fail, NotWritten says so, in less time than a platform
waits.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Generator
from concurrent.futures import Future
from contextlib import suppress

from prometheus_client import Counter

from app.inbox.batches import Batches, Outcome
from app.inbox.bringer import Bringer
from app.inbox.rows import Rows
from app.inbox.spill import Spill
from app.inbox.store import Arrival
from app.infra import log
from app.infra.db import Database
from app.infra.errors import Transient

PATIENCE_S = 1.5  # for the database, and again for the spill; the platforms hang up after five
REST_S = 0.5  # while the database is away, one arrival in so long finds out whether it is back

_spilled = Counter("yishu_callbacks_spilled_total", "Callbacks that went to the spill file")
_log = log.get(__name__)

Steps = Generator[Batches[Arrival], Outcome, None]
"""Where to submit an arrival next, given what became of it where it was before."""


class NotWritten(Transient):
    """The arrival is nowhere; the message is the type of the cause."""


class Intake:
    """Takes arrivals from any number of threads, or from an event loop."""

    def __init__(self, db: Database, spill: Spill | None = None) -> None:
        self._rows = Rows(db.engine)
        self._database = Batches(self._rows.commit, "inbox")
        self._spill = Batches(spill.append, "spill") if spill else None
        self._bringer = Bringer(db, spill) if spill else None
        if self._bringer and spill and spill.waiting_bytes():
            self._bringer.wake()  # a process before this one left something
        self._state = threading.Lock()
        self._failing, self._try_at = False, 0.0

    def write(self, arrival: Arrival) -> None:
        """Return when `arrival` is durable, or was before. Raises NotWritten."""
        steps = self._steps()
        with suppress(StopIteration):
            batches = next(steps)
            while True:
                batches = steps.send(_outcome(batches.submit(arrival)))

    async def write_soon(self, arrival: Arrival) -> None:
        """`write` for an event loop, which goes on meanwhile."""
        steps = self._steps()
        with suppress(StopIteration):
            batches = next(steps)
            while True:
                batches = steps.send(await _outcome_soon(batches.submit_soon(arrival)))

    def close(self) -> None:
        """Give up the connection; the next arrival opens another."""
        self._rows.close()
        if self._bringer:
            self._bringer.stop()

    def _steps(self) -> Steps:
        problem: Outcome = None
        if self._is_away():
            problem = TimeoutError()
        else:
            problem = yield self._database
            self._note(problem)
        if problem is None:
            return
        if self._spill is None or self._bringer is None or not self._rows.is_away(problem):
            raise NotWritten(type(problem).__name__) from problem
        problem = yield self._spill
        if problem is not None:
            raise NotWritten(type(problem).__name__) from problem
        _spilled.inc()
        self._bringer.wake()

    def _is_away(self) -> bool:
        """True when asking the database now would only cost time."""
        if self._database.busy_s() > PATIENCE_S:
            return True
        if not self._failing:
            return False
        with self._state:
            if time.monotonic() < self._try_at:
                return True
            self._try_at = time.monotonic() + REST_S  # this one finds out, the others do not wait
            return False

    def _note(self, problem: Outcome) -> None:
        failing = problem is not None and self._rows.is_away(problem)
        if failing == self._failing:
            return
        with self._state:
            self._failing, self._try_at = failing, time.monotonic() + REST_S
        if failing:
            _log.error("database does not take callbacks", error=type(problem).__name__)
        else:
            _log.info("database takes callbacks again")


def _outcome(ticket: Future[Outcome]) -> Outcome:
    try:
        return ticket.result(PATIENCE_S)
    except TimeoutError as late:
        return late


async def _outcome_soon(ticket: asyncio.Future[Outcome]) -> Outcome:
    # A timer of our own: `asyncio.timeout` costs several times as much, for each callback.
    timer = ticket.get_loop().call_later(PATIENCE_S, _give_up, ticket)
    try:
        return await ticket
    finally:
        timer.cancel()


def _give_up(ticket: asyncio.Future[Outcome]) -> None:
    if not ticket.done():
        ticket.set_result(TimeoutError())
