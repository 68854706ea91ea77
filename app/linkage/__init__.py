"""Who may be one physician although no identifier says so: compared, scored, queued for people.

LinkCandidate, State   a pair and what became of it
open_candidates, get, counts    the queue, the likeliest first
move, reopen, tidy     its states; tidy brings it in line with the identity graph
"""

from app.linkage.models import LinkCandidate, State
from app.linkage.queue import WAITING, counts, get, move, open_candidates, reopen, tidy

__all__ = [
    "WAITING",
    "LinkCandidate",
    "State",
    "counts",
    "get",
    "move",
    "open_candidates",
    "reopen",
    "tidy",
]
