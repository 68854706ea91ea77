"""The outbox: every message that leaves us, written down before it is sent.

queue     freeze a message under a key that makes it happen once
claim     queued → sending, by one worker only
record    what the platform answered: sent, failed, again later, or unknown
settle    an operator decides about a message whose outcome is unknown
"""

from app.delivery.limits import contacted_at, group_tasks_this_month, lock_person, wait_for_room
from app.delivery.models import Dispatch, Receipt, State, Way
from app.delivery.outbox import (
    cancel,
    cancel_for,
    claim,
    count_by_state,
    due,
    find_by_task,
    get,
    listing,
    postpone,
    queue,
    settle,
)
from app.delivery.receipts import awaiting_receipt, checked
from app.delivery.record import (
    expire_leases,
    pause_way,
    record,
    record_failed,
    record_receipt,
)

__all__ = [
    "Dispatch",
    "Receipt",
    "State",
    "Way",
    "awaiting_receipt",
    "cancel",
    "cancel_for",
    "checked",
    "claim",
    "contacted_at",
    "count_by_state",
    "due",
    "expire_leases",
    "find_by_task",
    "get",
    "group_tasks_this_month",
    "listing",
    "lock_person",
    "pause_way",
    "postpone",
    "queue",
    "record",
    "record_failed",
    "record_receipt",
    "settle",
    "wait_for_room",
]
