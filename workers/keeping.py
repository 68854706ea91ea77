"""Keeping what is in hand: a thread renews leases while calls to the outside are under way.

    keeper = Keeper(db, clock, {"send": delivery.extend_leases})
    with keeper.holding("send", (dispatch.id, dispatch.turn)):
        ...a call that may take seconds...

So leases can be short, and what a killed process held is free again within seconds. A lease only
saves work: whoever records a result must prove that it is still his turn.

What is in hand for minutes has hung, and nobody else may have it as long as this process lives. So
then the process ends: the lease runs out, the attempt is counted, and after five the row is parked.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Collection, Hashable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from types import TracebackType
from typing import Any

from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from app.infra import log
from app.infra.clock import Clock
from app.infra.db import Database

EVERY_S = 1.0
HUNG_AFTER = 120  # renewals; a process that stands still makes none, and may go on
EXIT_CODE = 1

Extend = Callable[[Session, Collection[Any], datetime], object]
"""Renews the leases of these things from now on; those that are no longer ours it leaves alone."""

_log = log.get(__name__)


class Keeper:
    """Renews everything in hand, one transaction a second, as long as anything is in hand."""

    def __init__(
        self,
        db: Database,
        clock: Clock,
        extend: Mapping[str, Extend],
        *,
        every_s: float = EVERY_S,
        give_up: Callable[[], object] = lambda: os._exit(EXIT_CODE),
    ) -> None:
        self._db, self._clock, self._extend, self._every_s = db, clock, extend, every_s
        self._give_up = give_up
        self._held: dict[str, dict[Hashable, int]] = {kind: {} for kind in extend}  # renewals
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._closed = threading.Event()

    def __enter__(self) -> Keeper:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        problem: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    @contextmanager
    def holding(self, kind: str, thing: Hashable) -> Iterator[None]:
        """`thing` is in hand until the block ends. KeyError for a kind nobody can extend."""
        self.take(kind, thing)
        try:
            yield
        finally:
            self.let_go(kind, thing)

    def take(self, kind: str, thing: Hashable) -> None:
        """`thing` is in hand until `let_go`."""
        with self._lock:
            self._held[kind][thing] = 0
            if self._thread is None and not self._closed.is_set():
                self._thread = threading.Thread(target=self._run, name="keeper", daemon=True)
                self._thread.start()

    def let_go(self, kind: str, thing: Hashable) -> None:
        """`thing` needs no more renewing."""
        with self._lock:
            self._held[kind].pop(thing, None)

    def renew(self) -> int:
        """Renew once what is in hand; returns how much that is."""
        with self._lock:
            held = {kind: list(things) for kind, things in self._held.items() if things}
            for kind, things in held.items():
                for thing in things:
                    self._held[kind][thing] += 1
            renewals = [count for things in self._held.values() for count in things.values()]
        if max(renewals, default=0) > HUNG_AFTER:
            _log.error("work in hand has hung, this process ends")
            self._give_up()
        if held:
            with self._db.transaction() as session:
                for kind, things in held.items():
                    self._extend[kind](session, things, self._clock())
        return sum(map(len, held.values()))

    def close(self) -> None:
        """Stop renewing."""
        self._closed.set()

    def _run(self) -> None:
        while not self._closed.wait(self._every_s):
            try:
                self.renew()
            except SQLAlchemyError as problem:  # the next second tries again
                _log.warning("leases not renewed", error=type(problem).__name__)
