"""Bells of the inbox."""

from __future__ import annotations

from workers.context import parts
from workers.drain import drain_inbox


def drain() -> None:
    """Handle everything that is due."""
    drain_inbox(parts())
