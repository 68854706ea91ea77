"""Is it running: /healthz for the process, /readyz for its parts, /metrics for the numbers."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING

import redis
from flask import Blueprint, Response, jsonify
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from app import completeness, delivery, inbox
from app.completeness import Figures
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

    def collect(self) -> Iterator[Metric]:
        """See prometheus_client."""
        up = GaugeMetricFamily("yishu_database_up", "1 while the database answers")
        try:
            found = self._ask()
        except SQLAlchemyError:
            found = []
        up.add_metric([], 1 if found else 0)
        yield from [up, *found]

    def _ask(self) -> list[Metric]:
        with self._parts.db.reading() as session:
            events = inbox.count_by_state(session)
            oldest = inbox.oldest_pending(session)
            messages = delivery.count_by_state(session)
            complete = completeness.figures(session, self._parts.clock())
        age = GaugeMetricFamily(
            "yishu_inbox_oldest_pending_seconds", "Age of the oldest event that waits"
        )
        age.add_metric([], (self._parts.clock() - oldest).total_seconds() if oldest else 0)
        return [
            _by_state("yishu_inbox_events", "Inbox events by state", events),
            age,
            _by_state("yishu_dispatches", "Messages of the outbox by state", messages),
            *_completeness(complete, self._parts.clock()),
        ]


def _completeness(figures: Figures, now: datetime) -> list[Metric]:
    def gauge(name: str, text: str, value: float) -> GaugeMetricFamily:
        return GaugeMetricFamily(f"yishu_reconcile_{name}", text, value=value)

    full_at = figures.last_full_at
    age = (now - full_at).total_seconds() if full_at else float("inf")
    found = CounterMetricFamily(
        "yishu_reconcile_found", "Differences that pulls found", labels=["source", "what"]
    )
    for (source, what), number in figures.found.items():
        found.add_metric([source, what], number)
    return [
        gauge("gap_ratio", "Callbacks lost in 24 h, of what the platforms list", figures.gap),
        gauge("alarm", "1 while the gap is above 0.1 %", float(figures.alarm)),
        gauge("full_age_seconds", "Age of the last complete full pull", age),
        gauge("failing", "Lists that could not be compared", figures.failing),
        found,
    ]


def _by_state(name: str, help_text: str, counts: dict[str, int]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, help_text, labels=["state"])
    for state, number in counts.items():
        family.add_metric([state], number)
    return family
