"""Is it running: /healthz for the process, /readyz for its parts, /metrics for the numbers."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING

from flask import Blueprint, Response, jsonify
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from app import completeness, delivery, operations, reps, tagging
from app.completeness import Figures as Completeness
from app.completeness import Source
from app.infra import queue
from app.operations import Figures
from app.tagging.mirror.mirror_figures import Standing
from app.web.context import parts
from app.web.policy import Policy, default_policy

if TYPE_CHECKING:
    from app.bootstrap import Parts
    from app.infra.settings import Settings

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
    answers = queue.answers(here.settings.redis_url)
    bell = "ok" if answers else "away: work goes on by polling"
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
    """Numbers that the database and this host know. Without it there is only `yishu_database_up 0`.

    Counts stop at `operations.CEILING`, so that a scrape costs milliseconds.
    """

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def collect(self) -> Iterator[Metric]:
        """See prometheus_client."""
        try:
            with self._parts.db.reading() as session:
                found = operations.figures(session, self._parts.clock())
                breakers = list(_breakers(session, self._parts.clock()))
                complete = completeness.figures(session, self._parts.clock())
                lists = list(_lists(session))
                marks = tagging.mirror_standing(session)
        except SQLAlchemyError:
            found = None
        yield _one("yishu_database_up", "1 while the database answers", float(found is not None))
        if found is not None:
            yield from _of_tables(found)
            yield from breakers
            yield from _completeness(complete, self._parts.clock())
            yield from lists
            yield from _of_mirror(marks)
        yield from _of_host(self._parts.settings)


def _of_tables(found: Figures) -> Iterator[GaugeMetricFamily]:
    messages = found.messages | {f"{state}_today": n for state, n in found.ended_today.items()}
    living = operations.alive_by_kind(found.processes, found.at)
    skews = [abs(p.skew_s) for p in found.processes if operations.is_alive(p, found.at)]
    yield _by("yishu_inbox_events", "Inbox events by state", "state", found.events)
    yield _one(
        "yishu_inbox_oldest_pending_seconds", "Age of the oldest event that waits",
        found.event_age_s,
    )  # fmt: skip
    yield _by("yishu_dispatches", "Messages of the outbox by state", "state", messages)
    yield _one(
        "yishu_outbox_oldest_due_seconds", "How long the oldest due message waits",
        found.message_age_s,
    )  # fmt: skip
    yield _by(
        "yishu_schedule_runs_today", "Today's runs of schedules by state", "state", found.runs
    )
    yield _one(
        "yishu_schedule_oldest_due_seconds", "How long the oldest due run of today waits",
        found.run_age_s,
    )  # fmt: skip
    yield _by("yishu_processes", "Processes that live, by kind", "kind", living)
    yield _one(
        "yishu_clock_skew_seconds", "The largest distance of a host's clock from the database's",
        max(skews, default=0.0),
    )  # fmt: skip


def _breakers(session: Session, now: datetime) -> Iterator[GaugeMetricFamily]:
    stopped = {(row.account, row.api) for row in delivery.stopped(session, now)}
    family = GaugeMetricFamily(
        "yishu_breaker_open", "1 while an API of a platform is stopped", labels=["account", "api"]
    )
    for row in delivery.known_breakers(session):
        family.add_metric([row.account, row.api], (row.account, row.api) in stopped)
    yield family


def _completeness(figures: Completeness, now: datetime) -> list[Metric]:
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


def _lists(session: Session) -> Iterator[GaugeMetricFamily]:
    """Each rep under our number: what reps are called is nobody's business here."""
    family = GaugeMetricFamily(
        "yishu_reconcile_completeness_ratio",
        "Known before the last pull, of what is there, by rep and by Official Account",
        labels=["source", "list"],
    )
    numbers = {rep.userid: str(rep.id) for rep in reps.reps_by_id(session).values()}
    for one in completeness.standings(session):
        name = numbers.get(one.name) if one.source is Source.CONTACTS else one.account
        if one.source in completeness.LISTS and name and one.completeness is not None:
            family.add_metric([one.source.value, name], one.completeness)
    yield family


def _of_mirror(standing: Standing) -> Iterator[GaugeMetricFamily]:
    yield _by("yishu_tag_marks", "Our tags on contacts in WeCom, by state", "state",
              asdict(standing.marks))  # fmt: skip
    yield _one("yishu_tag_mirror_troubled", "Mirrored tags with a problem", standing.troubled)
    yield _one(
        "yishu_tag_mirror_failing", "Sides of contacts that the platform refuses",
        standing.sides_failing,
    )  # fmt: skip


def _of_host(settings: Settings) -> Iterator[GaugeMetricFamily]:
    folder = operations.spill_folder(settings)
    waiting, room = operations.spilled_in(folder), operations.room_of(folder)
    yield _one(
        "yishu_spill_waiting_bytes", "Bytes of callbacks in files that wait for the database",
        waiting.bytes,
    )  # fmt: skip
    yield _one("yishu_spill_free_bytes", "Free bytes of the volume of those files", room.free)


def _one(name: str, help_text: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, help_text, value=value)


def _by(name: str, help_text: str, label: str, counts: dict[str, int]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, help_text, labels=[label])
    for key, number in counts.items():
        family.add_metric([key], number)
    return family
