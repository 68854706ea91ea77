"""What a person decides about events that nobody works on: back to work, or set aside for good."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import literal, update
from sqlalchemy.orm import Session

from app.inbox.models import InboxEvent, State
from app.infra import log
from app.infra.errors import Refused

LONGEST_REASON = 100
PARKED = (State.DEAD, State.UNKNOWN)


def replay(
    session: Session,
    now: datetime,
    *,
    ids: Sequence[int] = (),
    state: State | None = None,
    event_type: str = "",
) -> int:
    """Put dead, unknown or done events back to work; returns how many."""
    chosen = update(InboxEvent).where(InboxEvent.state != State.PENDING)
    if ids:
        chosen = chosen.where(InboxEvent.id.in_(ids))
    if state:
        chosen = chosen.where(InboxEvent.state == state)
    if event_type:
        chosen = chosen.where(InboxEvent.event_type == event_type)
    if not ids and not state:
        raise ValueError("say which events: ids or a state")
    done = session.execute(
        chosen.values(
            state=State.PENDING, attempts=0, next_attempt_at=now, finished_at=None, error=""
        )
    )
    return int(done.rowcount)  # type: ignore[attr-defined]


def drop(
    session: Session,
    now: datetime,
    reason: str,
    *,
    ids: Sequence[int] = (),
    state: State | None = None,
    event_type: str = "",
) -> int:
    """Give up dead or unknown events, by ids or all in a state; returns how many.

    They stay as they are, with the reason before their error, alarm nobody any more and can be put
    back to work. Raises Refused without a reason.
    """
    raw = log.PHONE.sub("1**********", " ".join(reason.split()))
    if not raw or len(raw) > LONGEST_REASON:
        raise Refused(f"请写明放弃的原因，不超过 {LONGEST_REASON} 个字。")
    if not ids and not state:
        raise ValueError("say which events: ids or a state")
    chosen = update(InboxEvent).where(InboxEvent.state.in_(PARKED))
    if ids:
        chosen = chosen.where(InboxEvent.id.in_(ids))
    if state:
        chosen = chosen.where(InboxEvent.state == state)
    if event_type:
        chosen = chosen.where(InboxEvent.event_type == event_type)
    error = "\n"  # stands for the column: no reason has one
    before, after = f"已放弃：{raw}（{error}）".split(error)
    said = literal(before) + InboxEvent.error + literal(after)
    done = session.execute(
        chosen.values(state=State.DROPPED, finished_at=now, error=said).execution_options(
            synchronize_session=False
        )
    )
    return int(done.rowcount)  # type: ignore[attr-defined]
