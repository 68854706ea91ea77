"""The outbox: every message that leaves us, written down before it is sent.

queue     freeze a message under a key that makes it happen once
claim     queued → sending, by one worker only
record    what the platform answered: sent, failed, again later, or unknown
settle    an operator decides about a message whose outcome is unknown
Gate      the platform's limits, asked before each claim; breakers stop an API that is in trouble
"""

from app.delivery import moments
from app.delivery.budgets import moments_this_month, replies_since, tasked_today
from app.delivery.closed import WAITS_FOR_LIMIT, say_why
from app.delivery.erase import erase, erase_marked
from app.delivery.gates import Gate, Limits, known_breakers, note_answer, note_call, stopped
from app.delivery.limits import contacted_at, group_tasks_this_month, lock_person
from app.delivery.models import Dispatch, Receipt, State, Way
from app.delivery.outbox import (
    DRAIN,
    claim,
    count_by_state,
    count_left,
    find_by_task,
    get,
    has_stale,
    leave_to_staff,
    listing,
    postpone,
    queue,
    readdress,
    send_instead,
    settle,
    stale,
    undecided,
)
from app.delivery.picking import due, pick
from app.delivery.receipts import (
    ask_again,
    awaiting_receipt,
    checked,
    is_late,
    not_got,
    take_back_task,
)
from app.delivery.record import (
    awaiting,
    expire_leases,
    extend_leases,
    has_expired,
    hold_tried,
    record,
    record_failed,
    record_receipt,
    record_seen,
    repeatable,
    uncount,
)
from app.delivery.set_back import pull_back
from app.delivery.take_back import cancel, cancel_for, forget_links
from app.delivery.ways import spread

__all__ = [
    "DRAIN",
    "WAITS_FOR_LIMIT",
    "Dispatch",
    "Gate",
    "Limits",
    "Receipt",
    "State",
    "Way",
    "ask_again",
    "awaiting",
    "awaiting_receipt",
    "cancel",
    "cancel_for",
    "checked",
    "claim",
    "contacted_at",
    "count_by_state",
    "count_left",
    "due",
    "erase",
    "erase_marked",
    "expire_leases",
    "extend_leases",
    "find_by_task",
    "forget_links",
    "get",
    "group_tasks_this_month",
    "has_expired",
    "has_stale",
    "hold_tried",
    "is_late",
    "known_breakers",
    "leave_to_staff",
    "listing",
    "lock_person",
    "moments",
    "moments_this_month",
    "not_got",
    "note_answer",
    "note_call",
    "pick",
    "postpone",
    "pull_back",
    "queue",
    "readdress",
    "record",
    "record_failed",
    "record_receipt",
    "record_seen",
    "repeatable",
    "replies_since",
    "say_why",
    "send_instead",
    "settle",
    "spread",
    "stale",
    "stopped",
    "take_back_task",
    "tasked_today",
    "uncount",
    "undecided",
]
