"""Questions about the inbox, for the console, the command line and the metrics."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import func, literal_column, select
from sqlalchemy.orm import Session

from app.inbox.models import InboxEvent, State
from app.infra.errors import NotFound

Counts = dict[str, int]
CHUNK = 500  # partitions asked for at a time


def count_by_state(session: Session) -> Counts:
    """How many events are in each state; every state is named."""
    rows = session.execute(
        select(InboxEvent.state, func.count().label("number")).group_by(InboxEvent.state)
    )
    found = {row.state: row.number for row in rows}
    return {state.value: found.get(state.value, 0) for state in State}


def oldest_pending(session: Session) -> datetime | None:
    """When the oldest event that still waits arrived."""
    return session.scalar(
        select(func.min(InboxEvent.received_at)).where(
            InboxEvent.state == literal_column("'pending'")  # in the text: a partial index is asked
        )
    )


def oldest_error(session: Session) -> str:
    """Why that event was not handled when it was tried last; empty when it was not tried."""
    waiting = select(InboxEvent.error).where(InboxEvent.state == literal_column("'pending'"))
    return session.scalar(waiting.order_by(InboxEvent.received_at).limit(1)) or ""


def listing(
    session: Session,
    *,
    state: State | None = None,
    event_type: str = "",
    source: str = "",
    before_id: int | None = None,
    limit: int = 50,
) -> Sequence[InboxEvent]:
    """Events, newest first; page on with the last id as `before_id`."""
    chosen = select(InboxEvent).order_by(InboxEvent.id.desc()).limit(limit)
    if state:
        chosen = chosen.where(InboxEvent.state == state)
    if event_type:
        chosen = chosen.where(InboxEvent.event_type == event_type)
    if source:
        chosen = chosen.where(InboxEvent.source == source)
    if before_id:
        chosen = chosen.where(InboxEvent.id < before_id)
    return session.scalars(chosen).all()


def find(session: Session, event_id: int) -> InboxEvent:
    """One event. Raises NotFound."""
    event = session.get(InboxEvent, event_id)
    if event is None:
        raise NotFound(f"没有编号为 {event_id} 的收件。")
    return event


def waiting_in(session: Session, partitions: Collection[bytes]) -> set[bytes]:
    """Of these partitions, those with an event that is still to be handled."""
    chosen = select(InboxEvent.partition).where(InboxEvent.state == State.PENDING).distinct()
    return {bytes(row[0]) for some in _chunks(partitions)
            for row in session.execute(chosen.where(InboxEvent.partition.in_(some)))}  # fmt: skip


def last_done_in(session: Session, partitions: Collection[bytes]) -> dict[bytes, int]:
    """The id of the newest handled event of each of these partitions that has one."""
    chosen = (
        select(InboxEvent.partition, func.max(InboxEvent.id).label("newest"))
        .where(InboxEvent.state == State.DONE)
        .group_by(InboxEvent.partition)
    )
    return {bytes(row.partition): row.newest for some in _chunks(partitions)
            for row in session.execute(chosen.where(InboxEvent.partition.in_(some)))}  # fmt: skip


def _chunks(partitions: Collection[bytes]) -> list[list[bytes]]:
    every = list(partitions)
    return [every[start : start + CHUNK] for start in range(0, len(every), CHUNK)]
