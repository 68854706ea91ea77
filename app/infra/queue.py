"""The doorbell. A bell says "there may be work"; losing, doubling or delaying one is harmless.

Nothing but names and row ids ever travels through Redis.
"""

from __future__ import annotations

import threading
import time
from typing import Protocol

import redis
from prometheus_client import Counter
from redis.backoff import NoBackoff
from redis.retry import Retry
from rq import Queue
from rq.serializers import JSONSerializer

from app.infra import log

BELL_TTL_S = 60
CONNECT_TIMEOUT_S = 0.2
DEAF_S = 2.0  # after a failure, so that a dead Redis costs one time-out and not one for each bell
REST_S = 0.05  # between two rounds of the background bell: bells that come together ring once
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
        self._deaf_until = 0.0
        self._queues = {
            lane: Queue(lane, connection=connection, serializer=JSONSerializer)
            for lane in (FAST, NORMAL)
        }

    def ring(self, job: str, *ids: int | str, lane: str = NORMAL) -> None:
        """See Bell."""
        if time.monotonic() < self._deaf_until:
            _lost.inc()
            return
        try:
            self._queues[lane].enqueue(
                job, *ids, result_ttl=0, failure_ttl=BELL_TTL_S, ttl=BELL_TTL_S, job_timeout=300
            )
        except (redis.RedisError, OSError):
            self._deaf_until = time.monotonic() + DEAF_S
            _lost.inc()
            _log.warning("bell not taken", job=job)


class BackgroundBell:
    """Rings another bell from a thread: whoever rings this one never waits for Redis.

    The thread starts with the first bell, so it lives in the process that rings, also after a
    fork. Equal bells that wait together ring once.
    """

    def __init__(self, bell: Bell) -> None:
        self._bell = bell
        self._lock = threading.Lock()
        self._wanted: dict[tuple[str, tuple[int | str, ...], str], None] = {}
        self._awake = threading.Event()
        self._thread: threading.Thread | None = None

    def ring(self, job: str, *ids: int | str, lane: str = NORMAL) -> None:
        """See Bell."""
        with self._lock:
            self._wanted[job, ids, lane] = None
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._run, name="bell", daemon=True)
                self._thread.start()
        self._awake.set()

    def _run(self) -> None:
        while True:
            self._awake.wait()
            self._awake.clear()
            with self._lock:
                wanted, self._wanted = self._wanted, {}
            for job, ids, lane in sorted(wanted, key=lambda bell: bell[2] != FAST):
                self._bell.ring(job, *ids, lane=lane)
            time.sleep(REST_S)


class SilentBell:
    """Rings nobody: for commands and tests that drain by hand."""

    def ring(self, job: str, *ids: int | str, lane: str = NORMAL) -> None:
        """Do nothing."""


def connect(url: str) -> redis.Redis:
    """A Redis client with short time-outs; connects on first use."""
    return redis.Redis.from_url(
        url, socket_connect_timeout=CONNECT_TIMEOUT_S, socket_timeout=5, health_check_interval=30
    )


def connect_bell(url: str) -> redis.Redis:
    """A client for ringing: one short try, since a lost bell is harmless and waiting is not."""
    return redis.Redis.from_url(
        url,
        socket_connect_timeout=CONNECT_TIMEOUT_S,
        socket_timeout=CONNECT_TIMEOUT_S,
        retry=Retry(NoBackoff(), 0),
    )


def answers(url: str) -> bool:
    """Does Redis answer? Known within `CONNECT_TIMEOUT_S`, also when it hangs."""
    connection = connect_bell(url)
    try:
        return bool(connection.ping())
    except (redis.RedisError, OSError):
        return False
    finally:
        connection.close()
