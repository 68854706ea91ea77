"""Everybody's best contents, worked out when what scores go by has changed: begun by whichever
scheduler comes first, shared by all workers."""

from __future__ import annotations

from collections.abc import Callable

from app import recommend
from app.bootstrap import Parts
from app.flows.fitting import nights
from app.infra import log
from app.infra.clock import local
from app.recommend import proof
from workers.drain import explain
from workers.learning import FROM_HOUR

WAIT_UNTIL_HOUR = 4  # for the night's learning, where there is some

_log = log.get(__name__)


def keep_nights(parts: Parts) -> bool:
    """True when a night was begun now: after tonight's learning, and whenever the library or the
    vocabulary has changed."""
    now = parts.clock()
    here = local(now)
    with parts.db.reading() as session:
        waits = proof.available() and not recommend.learned_on(session, here.date())
        if here.hour < (WAIT_UNTIL_HOUR if waits else FROM_HOUR):
            return False
        goes_by = nights.wanted(session, now)
    if goes_by is None:
        return False
    with parts.db.transaction() as session:
        night = nights.begin(session, goes_by, now)
        if night is None:
            return False  # another scheduler was faster
        _log.info("night begun", night=night.id, people=night.people, shards=night.shards)
    return True


def score_due(parts: Parts, stop: Callable[[], bool] = lambda: False) -> int:
    """Score the shards that wait; returns how many this process has tried."""
    done = 0
    while not stop() and _is_due(parts):
        with parts.db.transaction() as session:
            mine = nights.claim(session, parts.clock())
        if mine is None:
            return done
        _score(parts, mine)
        done += 1
    return done


@log.about(fit_shard_id="mine.id")
def _score(parts: Parts, mine: nights.Claim) -> None:
    try:
        nights.work(parts.db, mine, parts.clock())
    except Exception as problem:  # another try, see `fail`
        error = explain(problem)
        with parts.db.transaction() as session:
            nights.fail(session, mine, error, parts.clock())
        _log.warning("scoring failed", fit_shard_id=mine.id, error=error)


def _is_due(parts: Parts) -> bool:
    with parts.db.reading() as session:
        return nights.is_due(session, parts.clock())
