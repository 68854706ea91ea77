"""Bells of the outbox."""

from __future__ import annotations

from workers.context import messages, parts, stopping
from workers.receipts import poll_group_tasks
from workers.sending import send_due, send_one

AT_MOST = 500  # messages, then it looks again whether this process shall stop


def send(dispatch_id: int) -> None:
    """Send one message if it is due and still permitted."""
    send_one(parts(), dispatch_id)


def drain() -> None:
    """Send everything that is due."""
    while not stopping.is_set() and messages.work(_send_some) >= AT_MOST:
        pass


def _send_some() -> int:
    return send_due(parts(), AT_MOST, stopping.is_set)


def receipts() -> None:
    """Ask what became of the group tasks whose time has come."""
    poll_group_tasks(parts())
