"""The tag court: looking at whoever has changed, each night at what was never opened, and once a
week at how reliable sources are."""

from __future__ import annotations

from collections.abc import Callable

from app import court
from app.bootstrap import Parts
from app.infra import log

_log = log.get(__name__)
PIECE = 30  # of one transaction: SQLite lets nobody else write meanwhile
AT_ONCE = 600  # then other work has its turn


def look_at_due(parts: Parts, stop: Callable[[], bool] = lambda: False) -> int:
    """Look at those about whom something has changed; returns how many."""
    done = 0
    while done < AT_ONCE and not stop() and _are_due(parts):
        with parts.db.transaction() as session:
            looked = court.examine_due(session, parts.clock(), PIECE)
        if not looked:  # others have them in hand
            return done
        done += looked
    return done


def keep_court(parts: Parts) -> bool:
    """Whoever comes first each night marks whose contents have ripened, and once a week learns;
    True when anything was due."""
    now = parts.clock()
    with parts.db.reading() as session:
        night, week = court.is_night(session, now), court.is_learning_due(session, now)
    while _mark_ripened(parts):
        pass
    if week:
        logs = court.learn(parts.db, parts.clock)
        if logs is not None:
            _log.info("reliability learned", physicians=logs.people, sent=logs.sent)
    return night or week


def _mark_ripened(parts: Parts) -> bool:
    """A day of it; True when there may be more."""
    with parts.db.transaction() as session:
        if not court.is_night(session, parts.clock()):
            return False
        court.mark_ripened(session, parts.clock())
        return True


def _are_due(parts: Parts) -> bool:
    with parts.db.reading() as session:
        return court.are_due(session)
