"""Pulling what is due, in pieces, so that everything else gets its turn."""

from __future__ import annotations

from collections.abc import Callable

from app.bootstrap import Parts
from app.flows.completeness.reconcile import pull_one


def pull_due(parts: Parts, limit: int = 20, stop: Callable[[], bool] = lambda: False) -> int:
    """Make up to `limit` calls that are due; returns how many."""
    made = 0
    while made < limit and not stop() and pull_one(parts.db, parts.outside, parts.clock):
        made += 1
    return made
