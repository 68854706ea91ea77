"""Bells of the inbox."""

from __future__ import annotations

from workers.context import events, parts, stopping
from workers.drain import drain_inbox


def drain() -> None:
    """Handle everything that is due."""
    events.answer(lambda: drain_inbox(parts(), stop=stopping.is_set))
