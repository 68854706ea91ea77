"""Committing what waits together: a burst costs a few syncs of the disk and not one each.

Those who come while one commit runs share the next one. Somebody who comes alone does not wait for
others; in a burst everybody waits a moment, since a commit costs more than the rows in it. The
commits run in a thread of their own, so that whoever waits can stop waiting when one hangs. An
event loop is woken once for all of a batch: each waking costs more than a row, too.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import Generic, TypeVar

Item = TypeVar("Item")
IDLE_S = 5.0  # then the thread ends; the next item starts another
GATHER_S = 0.001  # after a batch of several: who comes in this time shares the next commit

Outcome = Exception | None
"""What became of one item: None when it is durable."""

Ticket = Future[Outcome] | asyncio.Future[Outcome]


class Batches(Generic[Item]):
    """`commit` makes a batch durable and says what became of each item."""

    def __init__(self, commit: Callable[[Sequence[Item]], Sequence[Outcome]], name: str) -> None:
        self._commit = commit
        self._name = name
        self._lock = threading.Lock()
        self._waiting: SimpleQueue[tuple[Item, Ticket]] = SimpleQueue()
        self._thread: threading.Thread | None = None
        self._begun: float | None = None

    def submit(self, item: Item) -> Future[Outcome]:
        """Commit `item` with whatever else waits; the future gives its outcome."""
        ticket: Future[Outcome] = Future()
        ticket.set_running_or_notify_cancel()  # who stops waiting does not stop the commit
        self._add(item, ticket)
        return ticket

    def submit_soon(self, item: Item) -> asyncio.Future[Outcome]:
        """`submit` for whoever waits in the running event loop."""
        ticket = asyncio.get_running_loop().create_future()
        self._add(item, ticket)
        return ticket

    def busy_s(self) -> float:
        """How long the running commit takes already, in seconds; 0 when none runs."""
        begun = self._begun
        return 0.0 if begun is None else time.monotonic() - begun

    def _add(self, item: Item, ticket: Ticket) -> None:
        with self._lock:
            self._waiting.put((item, ticket))
            if self._thread is None or not self._thread.is_alive():  # dead: after a fork
                self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
                self._thread.start()

    def _run(self) -> None:
        taken: list[tuple[Item, Ticket]] = []
        while True:
            if len(taken) > 1:
                time.sleep(GATHER_S)  # before it waits for the first: that one need not wake it
            try:
                taken = [self._waiting.get(timeout=IDLE_S)]
            except Empty:
                if self._may_end():
                    return
                continue
            with suppress(Empty):
                while True:
                    taken.append(self._waiting.get_nowait())
            self._commit_all(taken)

    def _may_end(self) -> bool:
        with self._lock:
            if not self._waiting.empty():
                return False
            self._thread = None
            return True

    def _commit_all(self, taken: list[tuple[Item, Ticket]]) -> None:
        self._begun = time.monotonic()
        outcomes: Sequence[Outcome]
        try:
            outcomes = self._commit([item for item, _ in taken])
        except BaseException as problem:  # the thread lives on: others wait for it
            failure = problem if isinstance(problem, Exception) else InterruptedError()
            outcomes = [failure] * len(taken)
        finally:
            self._begun = None
        _tell(zip((ticket for _, ticket in taken), outcomes, strict=True))


def _tell(outcomes: Iterable[tuple[Ticket, Outcome]]) -> None:
    in_loops: dict[asyncio.AbstractEventLoop, list[tuple[asyncio.Future[Outcome], Outcome]]] = {}
    for ticket, outcome in outcomes:
        if isinstance(ticket, Future):
            ticket.set_result(outcome)
        else:
            in_loops.setdefault(ticket.get_loop(), []).append((ticket, outcome))
    for loop, told in in_loops.items():
        with suppress(RuntimeError):  # it has ended, and with it whoever waited
            loop.call_soon_threadsafe(_tell_here, told)


def _tell_here(outcomes: list[tuple[asyncio.Future[Outcome], Outcome]]) -> None:
    for ticket, outcome in outcomes:
        if not ticket.done():  # whoever waited has given up
            ticket.set_result(outcome)
