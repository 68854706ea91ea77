"""Is it running: /healthz for the process, /readyz for its parts, /metrics for the numbers."""

from __future__ import annotations

import redis
from flask import Blueprint, Response, jsonify
from prometheus_client import CONTENT_TYPE_LATEST, Gauge, generate_latest
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from app import inbox
from app.web.context import parts
from app.web.policy import Policy, default_policy

bp = Blueprint("health", __name__)
default_policy(bp, Policy(protected_by="holds numbers only"))

_waiting = Gauge("yishu_inbox_events", "Inbox events by state", ["state"])
_oldest = Gauge("yishu_inbox_oldest_pending_seconds", "Age of the oldest event that waits")


@bp.get("/healthz")
def healthz() -> Response:
    """200 while this process answers."""
    return jsonify(status="ok")


@bp.get("/readyz")
def readyz() -> tuple[Response, int]:
    """200 when the database can be read; Redis is reported but not required."""
    here = parts()
    try:
        with here.db.reading() as session:
            session.execute(text("select 1 from inbox_event limit 1"))
        database = "ok"
    except SQLAlchemyError:
        database = "away or not migrated"
    try:
        here.redis.ping()
        bell = "ok"
    except (redis.RedisError, OSError):
        bell = "away: work goes on by polling"
    ready = database == "ok"
    return jsonify(database=database, redis=bell), 200 if ready else 503


@bp.get("/metrics")
def metrics() -> Response:
    """Prometheus text."""
    here = parts()
    with here.db.reading() as session:
        for state, number in inbox.count_by_state(session).items():
            _waiting.labels(state).set(number)
        oldest = inbox.oldest_pending(session)
    _oldest.set((here.clock() - oldest).total_seconds() if oldest else 0)
    return Response(generate_latest(), content_type=CONTENT_TYPE_LATEST)
