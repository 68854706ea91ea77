"""What counts as reading. Pure."""

from __future__ import annotations

READ_DEPTH_PCT = 60
READ_SECONDS = 30.0
MAX_VISIBLE_S = 3600.0


def counts_as_read(visible_s: float, depth_pct: int, reading_seconds: int) -> bool:
    """Visible for half the reading time (at most 30 s are asked for) and scrolled past 60 %."""
    return visible_s >= min(READ_SECONDS, reading_seconds / 2) and depth_pct >= READ_DEPTH_PCT


def plausible(visible_s: float, depth_pct: int, since_opening_s: float) -> tuple[float, int]:
    """Progress no greater than the clock and the page allow."""
    visible = max(0.0, min(visible_s, since_opening_s + 15.0, MAX_VISIBLE_S))
    return visible, max(0, min(depth_pct, 100))
