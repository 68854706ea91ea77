"""The parts of this process, built on first use."""

from __future__ import annotations

from functools import cache

from app.bootstrap import Parts, build


@cache
def parts() -> Parts:
    """Built once per process."""
    return build(process="worker")
