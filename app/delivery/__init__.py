"""The outbox: every message that leaves us, written down before it is sent.

queue     freeze a message under a key that makes it happen once
claim     queued → sending, by one worker only
record_*  what became of it
settle    an operator decides about a message whose outcome is unknown
"""

from app.delivery.models import Dispatch, State, Way
from app.delivery.outbox import (
    cancel,
    cancel_for,
    claim,
    contacted_at,
    count_by_state,
    due,
    expire_leases,
    find_by_task,
    get,
    listing,
    queue,
    record_failed,
    record_retry,
    record_sent,
    record_unknown,
    settle,
    wait_for_room,
)

__all__ = [
    "Dispatch",
    "State",
    "Way",
    "cancel",
    "cancel_for",
    "claim",
    "contacted_at",
    "count_by_state",
    "due",
    "expire_leases",
    "find_by_task",
    "get",
    "listing",
    "queue",
    "record_failed",
    "record_retry",
    "record_sent",
    "record_unknown",
    "settle",
    "wait_for_room",
]
