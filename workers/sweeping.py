"""Ringing again for what waits, because bells get lost. Any number of sweepers may run."""

from __future__ import annotations

from app import campaigns, delivery, inbox
from app.bootstrap import Parts
from app.infra.crashpoint import crashpoint
from app.infra.queue import FAST, NORMAL

DRAIN_INBOX = "workers.jobs.inbox.drain"
DRAIN_SENDS = "workers.jobs.sends.drain"
RECEIPTS = "workers.jobs.sends.receipts"


def sweep(parts: Parts) -> None:
    """Ring for inbox events and messages that are due."""
    inbox.bring_in(parts.db, parts.spill)
    now = parts.clock()
    with parts.db.reading() as session:
        urgent = inbox.is_due(session, now, urgent=True)
        events = urgent or inbox.is_due(session, now, urgent=False)
        messages = bool(delivery.due(session, now, 1))
        receipts = bool(delivery.awaiting_receipt(session, now, 1))
    if events:
        parts.db.bell.ring(DRAIN_INBOX, lane=FAST if urgent else NORMAL)
    if messages:
        parts.db.bell.ring(DRAIN_SENDS)
    if receipts:
        parts.db.bell.ring(RECEIPTS)


def tick(parts: Parts) -> None:
    """Let schedules write their due runs and expired sends become unknown."""
    with parts.db.transaction() as session:
        campaigns.tick(session, parts.clock())
        delivery.expire_leases(session, parts.clock())
        crashpoint("tick.written")
    crashpoint("tick.committed")
