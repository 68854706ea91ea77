"""Is it running: /healthz for the process, /readyz for its parts, /metrics for the numbers."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING

import redis
from flask import Blueprint, Response, jsonify
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from app import delivery, inbox
from app.web.context import parts
from app.web.policy import Policy, default_policy

if TYPE_CHECKING:
    from app.bootstrap import Parts

SHARED_COUNTERS = "PROMETHEUS_MULTIPROC_DIR"  # where processes share counters, if set

bp = Blueprint("health", __name__)
default_policy(bp, Policy(protected_by="holds numbers only"))


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
    """Prometheus text: counters of this process (or of all, if they share), and the tables."""
    registry = CollectorRegistry()
    if os.environ.get(SHARED_COUNTERS):
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    registry.register(Tables(parts()))
    lines = generate_latest(registry)
    if not os.environ.get(SHARED_COUNTERS):
        lines = generate_latest(REGISTRY) + lines
    return Response(lines, content_type=CONTENT_TYPE_LATEST)


class Tables(Collector):
    """Numbers that the database knows. Without it there is only `yishu_database_up 0`."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """See prometheus_client."""
        up = GaugeMetricFamily("yishu_database_up", "1 while the database answers")
        try:
            found = self._ask()
        except SQLAlchemyError:
            found = []
        up.add_metric([], 1 if found else 0)
        yield from [up, *found]

    def _ask(self) -> list[GaugeMetricFamily]:
        now = self._parts.clock()
        with self._parts.db.reading() as session:
            events = inbox.count_by_state(session)
            oldest = inbox.oldest_pending(session)
            messages = delivery.count_by_state(session)
            breakers = delivery.known_breakers(session)
            stopped = {(row.account, row.api) for row in delivery.stopped(session, now)}
        age = GaugeMetricFamily(
            "yishu_inbox_oldest_pending_seconds", "Age of the oldest event that waits"
        )
        age.add_metric([], (now - oldest).total_seconds() if oldest else 0)
        breaker = GaugeMetricFamily(
            "yishu_breaker_open", "1 while an API of a platform is stopped",
            labels=["account", "api"],
        )  # fmt: skip
        for row in breakers:
            breaker.add_metric([row.account, row.api], (row.account, row.api) in stopped)
        return [
            _by_state("yishu_inbox_events", "Inbox events by state", events),
            age,
            _by_state("yishu_dispatches", "Messages of the outbox by state", messages),
            breaker,
        ]


def _by_state(name: str, help_text: str, counts: dict[str, int]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, help_text, labels=["state"])
    for state, number in counts.items():
        family.add_metric([state], number)
    return family
