"""Bells of the schedule."""

from __future__ import annotations

from workers.context import parts
from workers.planning import carry_out_run


def run(schedule_run_id: int) -> None:
    """Carry out one run of a schedule: a rep's plan of the day, or a campaign."""
    carry_out_run(parts(), schedule_run_id)
