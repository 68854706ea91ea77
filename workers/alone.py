"""Work that one thread of a process does at a time."""

from __future__ import annotations

import threading
from collections.abc import Callable


class Alone:
    """Whoever comes while another is at work does not wait: the other one works once more."""

    def __init__(self) -> None:
        self._at_work = threading.Lock()
        self._asked = threading.Event()

    def work(self, do: Callable[[], int]) -> int:
        """Do it, again if somebody asked meanwhile; the sum of what it returned. 0 at once when
        another thread is at it."""
        done = 0
        self._asked.set()
        while self._asked.is_set() and self._at_work.acquire(blocking=False):
            try:
                self._asked.clear()
                done += do()
            finally:
                self._at_work.release()
        return done
