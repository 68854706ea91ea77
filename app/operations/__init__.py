"""Is the product running, what waits, and what is broken: read from the tables, judged by rules.

Heart          lets a process show that it lives
processes      who has shown life lately
figures        what waits and since when, cheap on millions of rows
problems       what a person on duty has to know about them (pure)
dead_reasons / replay_dead / drop_dead   why events were parked; back to work, or given up
"""

from app.operations.dead import DeadReason, dead_reasons, drop_dead, replay_dead
from app.operations.disk import Room, Spilled, room_of, spill_folder, spilled_in
from app.operations.figures import CEILING, Figures, figures, per_minute, todays_runs
from app.operations.heart import Heart
from app.operations.judge import Alarm, Problem, Severity, problems
from app.operations.models import Kind, ProcessBeat
from app.operations.processes import (
    ALIVE_WITHIN,
    alive_by_kind,
    beat,
    database_time,
    is_alive,
    leave,
    processes,
)

__all__ = [
    "ALIVE_WITHIN",
    "CEILING",
    "Alarm",
    "DeadReason",
    "Figures",
    "Heart",
    "Kind",
    "Problem",
    "ProcessBeat",
    "Room",
    "Severity",
    "Spilled",
    "alive_by_kind",
    "beat",
    "database_time",
    "dead_reasons",
    "drop_dead",
    "figures",
    "is_alive",
    "leave",
    "per_minute",
    "problems",
    "processes",
    "replay_dead",
    "room_of",
    "spill_folder",
    "spilled_in",
    "todays_runs",
]
