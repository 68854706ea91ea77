"""Bells of the pull."""

from __future__ import annotations

from workers.context import parts, stopping
from workers.reconciling import pull_due


def pull() -> None:
    """Make some of the calls that are due; the next look at the tables goes on."""
    pull_due(parts(), stop=stopping.is_set)
