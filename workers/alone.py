"""Work that one thread of a process does at a time."""

from __future__ import annotations

import threading
from collections.abc import Callable


class Alone:
    """Whoever comes while another is at work does not wait: he leaves word, and the thread that
    looks by itself works once more."""

    def __init__(self) -> None:
        self._at_work = threading.Lock()
        self._asked = threading.Event()

    def work(self, do: Callable[[], int]) -> int:
        """Do it, after another thread if one is at it, and once more if somebody left word
        meanwhile; the sum of what it returned. For the thread that looks by itself."""
        done = self._once(do, wait=True)
        return done + self._once(do, wait=True) if self._asked.is_set() else done

    def answer(self, do: Callable[[], int]) -> int:
        """Do it once; leave word and return 0 when another thread is at it.

        A bell's job may not last: RQ ends it after some minutes, wherever it is.
        """
        self._asked.set()
        return self._once(do)

    def _once(self, do: Callable[[], int], *, wait: bool = False) -> int:
        if not self._at_work.acquire(blocking=wait):
            return 0
        try:
            self._asked.clear()
            return do()
        finally:
            self._at_work.release()
