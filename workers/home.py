"""Bells that ring in the process in which they are heard."""

from __future__ import annotations

import threading
from collections.abc import Mapping

from app.infra.queue import NORMAL, Bell


class HomeBell:
    """Wakes the thread of this process that does a job anyway; all other bells ring elsewhere.

    Most messages are asked for by events that a worker has just handled: through Redis each such
    bell would cost more than the message.
    """

    def __init__(self, elsewhere: Bell, awake: Mapping[str, threading.Event]) -> None:
        self._elsewhere, self._awake = elsewhere, awake

    def ring(self, job: str, *ids: int | str, lane: str = NORMAL) -> None:
        """See Bell."""
        if job in self._awake and not ids:
            self._awake[job].set()
        else:
            self._elsewhere.ring(job, *ids, lane=lane)
