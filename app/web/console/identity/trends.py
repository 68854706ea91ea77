"""Where the figures of the identity graph go, as small lines beside them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from app.identity.quality import Quality

SHOWN = (
    "persons", "linked_share", "per_person", "alone", "duplicates", "unlinked_share", "conflicts",
    "shared", "blocked", "quarantined",
)  # fmt: skip
WIDE, HIGH, EDGE = 120, 24, 2


@dataclass(frozen=True, slots=True)
class Trend:
    """What it was at first, and a line through all days for a box of `WIDE` × `HIGH`."""

    first: float
    points: str


def trends(days: Sequence[Quality]) -> dict[str, Trend]:
    """Of each figure that two days or more have; oldest first."""
    told = {
        name: [value for day in days if (value := getattr(day, name)) is not None] for name in SHOWN
    }
    return {name: Trend(values[0], _line(values)) for name, values in told.items() if values[1:]}


def _line(values: Sequence[float]) -> str:
    """Oldest left, 0 at the bottom, the most at the top."""
    step, most = WIDE / (len(values) - 1), max(*values, 1e-9)
    room = HIGH - 2 * EDGE
    return " ".join(
        f"{n * step:.1f},{HIGH - EDGE - room * value / most:.1f}" for n, value in enumerate(values)
    )
