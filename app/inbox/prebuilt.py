"""The statements that every event costs. Building one takes longer than running it."""

from __future__ import annotations

from typing import Any

from sqlalchemy import bindparam, exists, false, or_, select, text, true, update
from sqlalchemy.orm import aliased

from app.inbox.models import InboxEvent, State

_IN_IDS = InboxEvent.id.in_(bindparam("ids", expanding=True))
PENDING = select(InboxEvent.id).where(_IN_IDS, InboxEvent.state == State.PENDING)
STILL_DUE = (
    select(InboxEvent.id, InboxEvent.attempts)
    .where(
        _IN_IDS, InboxEvent.state == State.PENDING, InboxEvent.next_attempt_at <= bindparam("now")
    )
    .order_by(InboxEvent.id)
    .with_for_update(skip_locked=True)
)
COUNT_ATTEMPT = (
    update(InboxEvent)
    .where(_IN_IDS)
    .values(attempts=InboxEvent.attempts + 1, next_attempt_at=bindparam("lease"), error="")
)
FINISH = (
    update(InboxEvent)
    .where(_IN_IDS)
    .values(state=bindparam("as"), finished_at=bindparam("at"), error="")
)
TRY_LOCKS = text(
    "select key, pg_try_advisory_xact_lock(key) as got from unnest(cast(:keys as bigint[])) as key"
)
_EARLIER = aliased(InboxEvent)
_BLOCKED = exists().where(
    _EARLIER.partition == InboxEvent.partition,
    _EARLIER.state == State.PENDING,
    _EARLIER.id < InboxEvent.id,
)
# An attempt that ended without a word may have ended its process. In the text, so that the index
# of what was tried is asked.
_TRIED = text("inbox_event.state = 'pending' and inbox_event.attempts > 0")
_SOUND = or_(InboxEvent.attempts == 0, InboxEvent.error != "")


def _heads(urgent: bool, suspect: bool) -> Any:
    return select(
        InboxEvent.id, InboxEvent.partition, InboxEvent.source, InboxEvent.receiver,
        InboxEvent.body, InboxEvent.attempts, InboxEvent.received_at,
    ).where(
        InboxEvent.state == State.PENDING, InboxEvent.urgent == (true() if urgent else false()),
        InboxEvent.next_attempt_at <= bindparam("now"), ~_BLOCKED,
        *([_TRIED, InboxEvent.error == ""] if suspect else [_SOUND]),
    ).order_by(InboxEvent.next_attempt_at, InboxEvent.id).limit(bindparam("room"))  # fmt: skip


SOUND = [_heads(urgent, False) for urgent in (True, False)]
SUSPECT = [_heads(urgent, True) for urgent in (True, False)]
