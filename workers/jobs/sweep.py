"""The sweeper's bell: what the scheduler does every second, on demand."""

from __future__ import annotations

from workers.context import parts
from workers.sweeping import sweep


def run() -> None:
    """Ring again for everything that waits."""
    sweep(parts())
