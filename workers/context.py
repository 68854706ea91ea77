"""What every job of this process shares: the parts, and the wish to stop."""

from __future__ import annotations

import threading
from functools import cache

from app.bootstrap import Parts, build
from workers.alone import Alone

stopping = threading.Event()
"""Set when the process shall end: long jobs look at it between two pieces of work."""

events, messages = Alone(), Alone()
"""Two threads of a process at the same kind of work would only wait for each other."""


@cache
def parts() -> Parts:
    """Built once per process."""
    return build(process="worker")
