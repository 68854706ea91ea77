"""The scheduler process: APScheduler as a clock only, with nothing to remember.

What is due is decided from the tables, so a missed beat is caught up by the next one and any
number of schedulers may run. One of them leads and writes what is due; all of them sweep.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.jobstores.memory import MemoryJobStore
from apscheduler.schedulers.background import BackgroundScheduler
from sqlalchemy.exc import SQLAlchemyError

from app.bootstrap import Parts, build
from app.infra import log
from app.operations import Heart
from workers.judging import keep_court
from workers.leading import Leadership
from workers.learning import keep_learning
from workers.mirroring import keep_names
from workers.nights import keep_nights
from workers.policies import keep_trial
from workers.sweeping import (
    begin_versions,
    keep_desk,
    keep_hospitals,
    keep_lists,
    keep_quality,
    keep_uploads,
    mend,
    sweep,
)

SWEEP_EVERY_S = 1
LEAD_EVERY_S = 1
MEND_EVERY_S = 5
QUALITY_EVERY_S = 300
KEPT: tuple[Callable[[Parts], object], ...] = (
    keep_quality, keep_hospitals, keep_desk, keep_court, keep_names, keep_uploads, keep_lists,
    keep_learning, keep_nights, keep_trial,
)  # fmt: skip
_log = log.get(__name__)


def main() -> None:
    """Beat until SIGTERM or SIGINT."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        # Not here and now: the signal may come while we wait for this very event.
        signal.signal(number, lambda *_: threading.Thread(target=stop.set).start())
    parts = build(process="scheduler")
    Heart("scheduler", parts.db, parts.clock).start()
    leadership = Leadership(parts)
    clock = clock_of(parts, leadership)
    clock.start()
    while not stop.wait(SWEEP_EVERY_S):
        keep_beating(clock)
    clock.shutdown(wait=False)
    _beat(leadership.resign)()


def keep(parts: Parts) -> None:
    """What may take long and is done by whoever comes first; what fails holds up nothing else."""
    for work in KEPT:
        try:
            work(parts)
        except Exception as problem:  # the next beat tries again
            _log.error("work failed", work=work.__name__, error=type(problem).__name__)


def clock_of(parts: Parts, leadership: Leadership) -> BackgroundScheduler:
    """A clock that sweeps every second, mends and lets versions begin every five, leads if it may,
    and notes the day's figures."""
    clock = BackgroundScheduler(
        jobstores={"default": MemoryJobStore()},
        executors={"default": ThreadPoolExecutor(5)},
        job_defaults={"misfire_grace_time": None, "coalesce": True, "max_instances": 1},
        timezone="Asia/Shanghai",
    )
    works: dict[str, tuple[Callable[[], object], int]] = {
        "sweep": (lambda: sweep(parts), SWEEP_EVERY_S),
        "mend": (lambda: mend(parts), MEND_EVERY_S),
        "versions": (lambda: begin_versions(parts), MEND_EVERY_S),
        "lead": (leadership.beat, LEAD_EVERY_S),
        # may take long: leads nobody
        "quality": (lambda: keep(parts), QUALITY_EVERY_S),
    }
    for name, (work, seconds) in works.items():
        clock.add_job(_beat(work, name), "interval", seconds=seconds, id=name)
    return clock


def keep_beating(clock: BackgroundScheduler) -> None:
    """Beat at once when the host's clock was set back: APScheduler would wait until it catches up.

    Call it about once a second.
    """
    now = datetime.now(UTC)
    for job in clock.get_jobs():
        if job.next_run_time is not None and job.next_run_time - now > 2 * job.trigger.interval:
            job.modify(next_run_time=now)


def _beat(work: Callable[[], object], name: str = "resign") -> Callable[[], Any]:
    def beat() -> None:
        try:
            work()
        except SQLAlchemyError as problem:  # the next beat tries again
            _log.error("beat failed", work=name, error=type(problem).__name__)

    return beat


if __name__ == "__main__":
    main()
