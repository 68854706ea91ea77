"""Who may be one physician although no identifier says so: compared, scored, queued for people.

LinkCandidate, State   a pair and what became of it
get, counts            the queue
next_for, pace, last_of    the review desk of one person
of_persons, by_person    the candidate of two, also when a person asks
are_behind, take_conflicts    what evidence joins and a rule keeps apart, as cases of the queue
basis    what the first of two persons has seen, as a mark
move, reopen, tidy     its states; tidy brings it in line with the identity graph
is_due, due, look, put          whoever has changed is compared with whom keys bring together
others_wait, hold_back, look_again, unchanged, one_at_a_time    so that only what is sure is joined
scorer, current_model, save_model    trained weights
decided, note_levels    what people answered, to train the next
"""

from app.linkage.basis import basis
from app.linkage.conflicts import COLUMN as CONFLICT
from app.linkage.conflicts import are_behind, take_conflicts
from app.linkage.decided import Decided, decided, note_levels
from app.linkage.desk import Pace, by_person, last_of, next_for, of_persons, pace
from app.linkage.due import due, hold_back, is_due, look_again, one_at_a_time, others_wait
from app.linkage.look import (
    Pair,
    allowed,
    current_model,
    look,
    put,
    save_model,
    scorer,
    unchanged,
    weigh,
)
from app.linkage.models import LinkCandidate, State
from app.linkage.queue import WAITING, counts, get, move, reopen, tidy

__all__ = [
    "CONFLICT",
    "WAITING",
    "Decided",
    "LinkCandidate",
    "Pace",
    "Pair",
    "State",
    "allowed",
    "are_behind",
    "basis",
    "by_person",
    "counts",
    "current_model",
    "decided",
    "due",
    "get",
    "hold_back",
    "is_due",
    "last_of",
    "look",
    "look_again",
    "move",
    "next_for",
    "note_levels",
    "of_persons",
    "one_at_a_time",
    "others_wait",
    "pace",
    "put",
    "reopen",
    "save_model",
    "scorer",
    "take_conflicts",
    "tidy",
    "unchanged",
    "weigh",
]
