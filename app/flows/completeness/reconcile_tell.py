"""Differences into the inbox: what we saw ourselves enters where a callback would have."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.orm import Session

from app import completeness, inbox
from app.completeness import Difference
from app.infra.db import ring_after_commit


def tell(
    session: Session, account: str, found: Sequence[Difference], now: datetime
) -> list[Difference]:
    """Write what is new; returns it.

    Whoever has an event waiting is left out: it will be read again anyway, and what is then seen
    is told from there.
    """
    queues = {one: inbox.partition_key(account, completeness.partition_of(one)) for one in found}
    waiting = inbox.waiting_in(session, set(queues.values()))
    left = [one for one in found if queues[one] not in waiting]
    written = write(session, account, left, now)
    if written:
        ring_after_commit(session, inbox.DRAIN)
    return written


def write(
    session: Session, account: str, found: Sequence[Difference], now: datetime
) -> list[Difference]:
    """The same, also for those who have an event waiting: it may be the one at work just now."""
    queues = {one: inbox.partition_key(account, completeness.partition_of(one)) for one in found}
    last = inbox.last_done_in(session, set(queues.values()))
    return [
        one
        for one in found
        if inbox.append(
            session, source=completeness.SOURCE, receiver=account,
            body=completeness.body_of(one, last.get(queues[one], 0)),
            event_type=f"reconcile/{one.what}", partition=completeness.partition_of(one),
            occurred_at=None, urgent=False, now=now,
        )
    ]  # fmt: skip


def numbers(written: Sequence[Difference]) -> tuple[dict[str, int], int]:
    """What was written by kind, and how much of it was lost on the way."""
    return dict(Counter(one.what.value for one in written)), sum(one.lost for one in written)
