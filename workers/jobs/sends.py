"""Bells of the outbox."""

from __future__ import annotations

from workers.context import parts, stopping
from workers.receipts import poll_group_tasks
from workers.sending import send_due, send_one


def send(dispatch_id: int) -> None:
    """Send one message if it is due and still permitted."""
    send_one(parts(), dispatch_id)


def drain() -> None:
    """Send everything that is due."""
    while not stopping.is_set() and send_due(parts(), 500, stopping.is_set) >= 500:
        pass


def receipts() -> None:
    """Ask what became of the group tasks whose time has come."""
    poll_group_tasks(parts())
