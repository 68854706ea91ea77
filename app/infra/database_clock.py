"""The time of the database, for processes whose host's clock may jump.

Asked now and then and carried on by the monotonic clock in between: wrong or jumping clocks of
hosts make no difference to what is due or whose lease is over. All processes agree on one time.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from sqlalchemy import Engine, text
from sqlalchemy.exc import SQLAlchemyError

from app.infra.clock import utc_now

ASK_EVERY_S = 5.0


class DatabaseClock:
    """A Clock. While the database is away it goes on by itself, at first with the host's time."""

    def __init__(self, engine: Engine, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._engine = engine
        self._monotonic = monotonic
        self._asking = threading.Lock()
        self._known: tuple[datetime, float] | None = None
        self._ask_at = float("-inf")

    def __call__(self) -> datetime:
        """Now, in UTC."""
        here = self._monotonic()
        if not self._ask_at - ASK_EVERY_S <= here < self._ask_at and self._asking.acquire(False):
            try:
                self._ask()
            finally:
                self._asking.release()
        if self._known is None:
            return utc_now()
        told, when = self._known
        return told + timedelta(seconds=self._monotonic() - when)

    def _ask(self) -> None:
        before = self._monotonic()
        self._ask_at = before + ASK_EVERY_S  # also after a failure: a dead database costs one try
        try:
            with self._engine.connect() as connection:
                told = connection.execute(text("select clock_timestamp()")).scalar_one()
        except SQLAlchemyError:
            return
        after = self._monotonic()
        self._known = told.astimezone(UTC), (before + after) / 2
        self._ask_at = after + ASK_EVERY_S
