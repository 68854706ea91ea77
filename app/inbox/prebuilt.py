"""The statements that every event costs. Building one takes longer than running it."""

from __future__ import annotations

from sqlalchemy import bindparam, exists, false, select, text, true, update
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
    .values(attempts=InboxEvent.attempts + 1, next_attempt_at=bindparam("lease"))
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
HEADS = [
    select(
        InboxEvent.id, InboxEvent.partition, InboxEvent.source, InboxEvent.receiver,
        InboxEvent.body, InboxEvent.attempts, InboxEvent.received_at,
    )
    .where(
        InboxEvent.state == State.PENDING, InboxEvent.urgent == urgent,
        InboxEvent.next_attempt_at <= bindparam("now"), ~_BLOCKED,
    )
    .order_by(InboxEvent.next_attempt_at, InboxEvent.id)
    .limit(bindparam("room"))
    for urgent in (true(), false())
]  # fmt: skip
