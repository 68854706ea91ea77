"""The worker process: bells through RQ, and a look at the tables every second without them.

Jobs run in this process and not in a fork for each: one bell drains many rows, so a fork would
cost more than the work, and our clients and connections stay warm. A crash loses nothing, since
the tables are the truth. Redis may be away; then only the second path runs.
"""

from __future__ import annotations

import gc
import os
import signal
import threading
from collections.abc import Callable
from typing import Any

import redis
from rq import Queue, SimpleWorker
from rq.exceptions import StopRequested
from rq.serializers import JSONSerializer
from rq.worker import WorkerStatus

from app.bootstrap import Parts
from app.infra import log
from app.infra.queue import FAST, NORMAL, REST_S
from app.operations import Heart
from app.recommend.fit import kernel
from workers.context import parts, stopping
from workers.home import HomeBell
from workers.polling import AT_HOME, LOOKS, Stop
from workers.safe_job import SafeJob

POLL_S = 1.0
REDIS_RETRY_S = 2.0
END_WITHIN_S = 4.0

_log = log.get(__name__)


class BellWorker(SimpleWorker):
    """Answers bells, the fast lane first, until this process shall stop."""

    max_connection_wait_time = REDIS_RETRY_S

    def request_stop(self, *_: Any) -> None:
        """Signal handler. Unlike RQ's it does not talk to Redis, which may be the one away."""
        _request_stop()
        self._stop_requested = True
        if self.get_state() != WorkerStatus.BUSY:
            raise StopRequested


def main() -> None:
    """Work until SIGTERM or SIGINT."""
    here = parts()
    _listen_for_signals()
    awake = {name: threading.Event() for name in LOOKS}
    here.db.bell = HomeBell(here.db.bell, {job: awake[name] for job, name in AT_HOME.items()})
    pollers = [
        threading.Thread(
            target=_poll, args=(here, look, awake[name]), name=f"poll {name}", daemon=True
        )
        for name, look in LOOKS.items()
    ]
    for poller in pollers:
        poller.start()
    Heart("worker", here.db, here.clock).start()
    threading.Thread(target=settle_in, name="settle in", daemon=True).start()  # no plan waits
    while not stopping.is_set():
        _answer_bells(here.redis)
        stopping.wait(REDIS_RETRY_S)  # RQ also returns when Redis went away
    for event in awake.values():
        event.set()  # here and not where the signal comes: it may come while a bell rings
    for poller in pollers:
        poller.join(END_WITHIN_S)


def settle_in() -> None:
    """Load what plans need, take all of it out of what is looked through for garbage, and look less
    often: an eighth and a fifteenth of a plan's processor time (`./dev bench night`)."""
    if kernel.has_numba():
        kernel.warm()
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


def bell_worker(connection: redis.Redis) -> BellWorker:
    """A worker of both lanes. Needs Redis to answer."""
    options: dict[str, Any] = {"serializer": JSONSerializer, "job_class": SafeJob}
    queues = [Queue(lane, connection=connection, **options) for lane in (FAST, NORMAL)]
    return BellWorker(queues, connection=connection, **options)


def _answer_bells(connection: redis.Redis) -> None:
    try:
        connection.ping()
        bell_worker(connection).work(logging_level="WARNING")
    except (redis.RedisError, OSError):
        _log.warning("redis is away, working by polling")
    except StopRequested:
        pass
    finally:
        _listen_for_signals()  # RQ leaves its own handlers behind


def _listen_for_signals() -> None:
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _request_stop)


def _poll(here: Parts, look: Callable[[Parts, Stop], int], awake: threading.Event) -> None:
    found = 0
    while not stopping.is_set():
        if not found and awake.wait(POLL_S):
            stopping.wait(REST_S)  # bells that come together are one look
        awake.clear()
        if stopping.is_set():
            return
        try:
            found = look(here, stopping.is_set)
        except Exception as problem:  # the next second tries again
            found = 0
            _log.error("polling failed", error=type(problem).__name__)


def _request_stop(*_: Any) -> None:
    if _end.ident is None:
        _end.start()


def _end_soon() -> None:
    """In a thread of its own: the signal may have come while the main one waited for this event,
    and would wait for itself for ever."""
    stopping.set()
    # A call to a platform may take longer than we are given; its lease puts things right.
    deadline = threading.Timer(END_WITHIN_S, os._exit, (0,))
    deadline.daemon = True
    deadline.start()


_end = threading.Thread(target=_end_soon, name="end", daemon=True)


if __name__ == "__main__":
    main()
