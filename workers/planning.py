"""Carrying out the runs of schedules, each in one transaction."""

from __future__ import annotations

from app import campaigns
from app.bootstrap import Parts
from app.flows.campaigns.carry_out import carry_out
from app.infra import log
from app.infra.crashpoint import crashpoint
from workers.drain import explain

_log = log.get(__name__)


def run_due(parts: Parts) -> int:
    """Carry out the runs that wait; returns how many this process has tried."""
    with parts.db.reading() as session:
        waiting = [run.id for run in campaigns.unfinished(session, parts.clock())]
    return sum(carry_out_run(parts, run_id) for run_id in waiting)


@log.about(schedule_run_id="run_id")
def carry_out_run(parts: Parts, run_id: int) -> bool:
    """Carry out one run; a failure is noted and tried again later. False: another is at it."""
    try:
        with parts.db.transaction() as session:
            if not campaigns.try_run(session, run_id, parts.clock()):
                return False
        with parts.db.transaction() as session:
            crashpoint("run.begun")
            done = carry_out(session, run_id, parts.settings, parts.clock())
            crashpoint("run.planned")
        crashpoint("run.committed")
        return done
    except Exception as problem:  # any failure counts as an attempt, nothing may escape
        error = explain(problem)
        with parts.db.transaction() as session:
            campaigns.fail_run(session, run_id, error, parts.clock())
        _log.warning("run failed", schedule_run_id=run_id, error=error)
        return True
