"""The doorbell. A bell says "there may be work"; losing, doubling or delaying one is harmless.

Nothing but names and row ids ever travels through Redis.
"""

from __future__ import annotations

from typing import Protocol

import redis
from prometheus_client import Counter
from rq import Queue
from rq.serializers import JSONSerializer

from app.infra import log

BELL_TTL_S = 60
CONNECT_TIMEOUT_S = 0.2
FAST, NORMAL = "fast", "normal"

_lost = Counter("yishu_bells_lost_total", "Bells that Redis did not take; the sweeper rings again")
_log = log.get(__name__)


class Bell(Protocol):
    """Rings a worker."""

    def ring(self, job: str, *ids: int | str, lane: str = NORMAL) -> None:
        """Ask for `job` (dotted name under workers.jobs) to run soon. Never raises."""


class RedisBell:
    """Bells through RQ on Redis or Valkey; errors are counted and swallowed."""

    def __init__(self, connection: redis.Redis) -> None:
        self._queues = {
            lane: Queue(lane, connection=connection, serializer=JSONSerializer)
            for lane in (FAST, NORMAL)
        }

    def ring(self, job: str, *ids: int | str, lane: str = NORMAL) -> None:
        """See Bell."""
        try:
            self._queues[lane].enqueue(
                job, *ids, result_ttl=0, failure_ttl=BELL_TTL_S, ttl=BELL_TTL_S, job_timeout=300
            )
        except (redis.RedisError, OSError):
            _lost.inc()
            _log.warning("bell not taken", job=job)


class SilentBell:
    """Rings nobody: for commands and tests that drain by hand."""

    def ring(self, job: str, *ids: int | str, lane: str = NORMAL) -> None:
        """Do nothing."""


def connect(url: str) -> redis.Redis:
    """A Redis client with short time-outs; connects on first use."""
    return redis.Redis.from_url(
        url, socket_connect_timeout=CONNECT_TIMEOUT_S, socket_timeout=5, health_check_interval=30
    )
