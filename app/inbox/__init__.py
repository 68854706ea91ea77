"""Everything that came from outside, as one committed row before it is anything else.

append      write down what arrived, once
Intake      the same while somebody waits for the answer: commits by itself
Spill       where arrivals wait while the database is away
due         the next event of each contact that has work
begin       count an attempt of each, before anything can go wrong
hold        begun events, inside the transaction that carries them out
finish / keep_unknown / fail
replay      put events back to work
drop        give up events that nobody can handle, with a reason
"""

from app.inbox.bringer import DRAIN, bring_in
from app.inbox.decided import LONGEST_REASON, drop, replay
from app.inbox.intake import Intake, NotWritten
from app.inbox.models import InboxEvent, State
from app.inbox.queries import (
    Counts,
    count_by_state,
    find,
    last_done_in,
    listing,
    oldest_error,
    oldest_pending,
    waiting_in,
)
from app.inbox.spill import Spill
from app.inbox.store import Arrival, append, dedupe_key, erase_before, partition_key
from app.inbox.work import (
    MAX_ATTEMPTS,
    Claim,
    begin,
    due,
    extend_leases,
    fail,
    finish,
    hold,
    is_due,
    keep_unknown,
    pull_back,
)

__all__ = [
    "DRAIN",
    "LONGEST_REASON",
    "MAX_ATTEMPTS",
    "Arrival",
    "Claim",
    "Counts",
    "InboxEvent",
    "Intake",
    "NotWritten",
    "Spill",
    "State",
    "append",
    "begin",
    "bring_in",
    "count_by_state",
    "dedupe_key",
    "drop",
    "due",
    "erase_before",
    "extend_leases",
    "fail",
    "find",
    "finish",
    "hold",
    "is_due",
    "keep_unknown",
    "last_done_in",
    "listing",
    "oldest_error",
    "oldest_pending",
    "partition_key",
    "pull_back",
    "replay",
    "waiting_in",
]
