"""Bells of the inbox."""

from __future__ import annotations

from workers.context import parts, stopping
from workers.drain import drain_inbox


def drain() -> None:
    """Handle everything that is due."""
    drain_inbox(parts(), stop=stopping.is_set)
