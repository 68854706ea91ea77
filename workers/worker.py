"""The worker process: bells through RQ, and a look at the tables every second without them.

Jobs run in this process (RQ's SimpleWorker): one bell drains many rows, so a fork per job would
cost more than the work. Redis may be away; then only the second path runs.
"""

from __future__ import annotations

import signal
import threading
from typing import Any

import redis
from rq import Queue, SimpleWorker
from rq.serializers import JSONSerializer

from app.bootstrap import Parts
from app.infra import log
from app.infra.queue import FAST, NORMAL
from workers.context import parts
from workers.polling import poll_once
from workers.safe_job import SafeJob

POLL_S = 1.0
REDIS_RETRY_S = 2.0

_log = log.get(__name__)


def main() -> None:
    """Work until SIGTERM or SIGINT."""
    here = parts()
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    poller = threading.Thread(target=_poll, args=(here, stop), name="poll", daemon=True)
    poller.start()
    while not stop.is_set():
        try:
            here.redis.ping()
            _bells(here.redis).work(with_scheduler=False, logging_level="WARNING")
            stop.set()  # `work` returns after its own SIGTERM handling
        except (redis.RedisError, OSError):
            _log.warning("redis is away, working by polling")
            stop.wait(REDIS_RETRY_S)
    poller.join(timeout=4)


def _bells(connection: redis.Redis) -> SimpleWorker:
    queues = [
        Queue(lane, connection=connection, serializer=JSONSerializer, job_class=SafeJob)
        for lane in (FAST, NORMAL)
    ]
    options: dict[str, Any] = {"serializer": JSONSerializer, "job_class": SafeJob}
    return SimpleWorker(queues, connection=connection, **options)


def _poll(here: Parts, stop: threading.Event) -> None:
    while not stop.wait(POLL_S):
        try:
            poll_once(here)
        except Exception as problem:  # the next second tries again
            _log.error("polling failed", error=type(problem).__name__)


if __name__ == "__main__":
    main()
