"""One look at the tables for work that no bell announced."""

from __future__ import annotations

from collections.abc import Callable

from app import inbox
from app.bootstrap import Parts
from workers.drain import drain_inbox
from workers.planning import run_due
from workers.receipts import poll_group_tasks
from workers.reconciling import pull_due
from workers.sending import send_due


def poll_once(parts: Parts, stop: Callable[[], bool] = lambda: False) -> int:
    """Do what is due; returns how much there was."""
    done = inbox.bring_in(parts.db, parts.spill)
    done += drain_inbox(parts, limit=200, stop=stop)
    if not stop():
        done += run_due(parts)
    if not stop():
        done += send_due(parts, 100, stop)
    if not stop():
        done += poll_group_tasks(parts, 20)
    if not stop():
        done += pull_due(parts, 10, stop)
    return done
