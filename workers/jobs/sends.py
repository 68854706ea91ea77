"""Bells of the outbox."""

from __future__ import annotations

from workers.context import messages, parts, stopping
from workers.receipts import poll_group_tasks
from workers.sending import send_due, send_one

AT_MOST = 500  # messages; the thread that looks by itself goes on


def send(dispatch_id: int) -> None:
    """Send one message if it is due and still permitted."""
    send_one(parts(), dispatch_id)


def drain() -> None:
    """Send what is due."""
    messages.answer(lambda: send_due(parts(), AT_MOST, stopping.is_set))


def receipts() -> None:
    """Ask what became of the group tasks whose time has come."""
    poll_group_tasks(parts())
