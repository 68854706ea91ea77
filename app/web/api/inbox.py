"""GET /inbox?state=, POST /inbox/replay, POST /inbox/drop."""

from __future__ import annotations

from typing import Any

from flask import Response, jsonify
from pydantic import Field
from werkzeug.exceptions import BadRequest

from app import accounts, inbox
from app.accounts.models import Role
from app.inbox import InboxEvent, State
from app.infra.db import ring_after_commit
from app.web import auth
from app.web.api import bp
from app.web.api.asking import Asked, RowId, body, query
from app.web.context import parts
from app.web.policy import allow


class InboxQuery(Asked):
    """Filter by state and type; page on with `before`."""

    state: State | None = None
    type: str = ""
    before: RowId | None = None
    limit: int = Field(50, ge=1, le=500)


class Replay(Asked):
    """Which events go back to work: ids, or a state (and a type)."""

    ids: list[RowId] = Field(default_factory=list, max_length=10_000)
    state: State | None = None
    type: str = ""


class Drop(Replay):
    """Which dead or unknown events are given up, and why: no personal data."""

    reason: str = Field(min_length=1, max_length=inbox.LONGEST_REASON)


@bp.get("/inbox")
def list_inbox() -> Response:
    """What arrived, newest first, with counts by state. Bodies are not shown."""
    asked = query(InboxQuery)
    with parts().db.reading() as session:
        rows = inbox.listing(
            session, state=asked.state, event_type=asked.type, before_id=asked.before,
            limit=asked.limit,
        )  # fmt: skip
        counts = inbox.count_by_state(session)
    return jsonify(items=[as_json(row) for row in rows], counts=counts)


@bp.post("/inbox/replay")
@allow(Role.ADMIN, token=True)
def replay() -> Response:
    """Put events back to work."""
    asked = body(Replay)
    if not asked.ids and asked.state is None:
        raise BadRequest("ids or state: say which events")
    here, who = parts(), auth.actor()
    with here.db.transaction() as session:
        now = here.clock()
        number = inbox.replay(session, now, ids=asked.ids, state=asked.state, event_type=asked.type)
        accounts.audit(session, who.key, "inbox.replayed", "inbox", "", now=now, number=number)
        ring_after_commit(session, inbox.DRAIN)
    return jsonify(replayed=number)


@bp.post("/inbox/drop")
@allow(Role.ADMIN, token=True)
def drop() -> Response:
    """Give up dead or unknown events: they stay readable and can be replayed."""
    asked = body(Drop)
    if not asked.ids and asked.state is None:
        raise BadRequest("ids or state: say which events")
    here, who = parts(), auth.actor()
    with here.db.transaction() as session:
        now = here.clock()
        number = inbox.drop(
            session, now, asked.reason, ids=asked.ids, state=asked.state, event_type=asked.type
        )
        accounts.audit(session, who.key, "inbox.dropped", "inbox", "", now=now, number=number)
    return jsonify(dropped=number)


def as_json(row: InboxEvent) -> dict[str, Any]:
    """An event without its body."""
    return {
        "id": row.id,
        "source": row.source,
        "type": row.event_type,
        "state": row.state,
        "attempts": row.attempts,
        "error": row.error,
        "occurred_at": row.occurred_at.isoformat() if row.occurred_at else None,
        "received_at": row.received_at.isoformat(),
        "finished_at": row.finished_at.isoformat() if row.finished_at else None,
    }
