"""The scheduler process: APScheduler as a clock only, with nothing to remember.

What is due is decided from the tables, so a missed beat is caught up by the next one and any
number of schedulers may run.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from typing import Any

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.jobstores.memory import MemoryJobStore
from apscheduler.schedulers.background import BackgroundScheduler
from sqlalchemy.exc import SQLAlchemyError

from app.bootstrap import Parts, build
from app.infra import log
from app.operations import Heart
from workers.sweeping import sweep, tick

SWEEP_EVERY_S = 1
TICK_EVERY_S = 10

_log = log.get(__name__)


def main() -> None:
    """Beat until SIGTERM or SIGINT."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    here = build(process="scheduler")
    Heart("scheduler", here.db, here.clock).start()
    clock = clock_of(here)
    clock.start()
    stop.wait()
    clock.shutdown(wait=False)


def clock_of(parts: Parts) -> BackgroundScheduler:
    """A clock that sweeps every second and ticks the schedules every ten."""
    clock = BackgroundScheduler(
        jobstores={"default": MemoryJobStore()},
        executors={"default": ThreadPoolExecutor(2)},
        job_defaults={"misfire_grace_time": None, "coalesce": True, "max_instances": 1},
        timezone="Asia/Shanghai",
    )
    clock.add_job(_beat(sweep, parts), "interval", seconds=SWEEP_EVERY_S, id="sweep")
    clock.add_job(_beat(tick, parts), "interval", seconds=TICK_EVERY_S, id="tick")
    return clock


def _beat(work: Callable[[Parts], None], parts: Parts) -> Callable[[], Any]:
    def beat() -> None:
        try:
            work(parts)
        except SQLAlchemyError as problem:  # the next beat tries again
            _log.error("beat failed", work=work.__name__, error=type(problem).__name__)

    return beat


if __name__ == "__main__":
    main()
