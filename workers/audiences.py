"""Keeping what answers questions about audiences: building it once, following changes."""

from __future__ import annotations

from collections.abc import Callable

from app import court, segments
from app.bootstrap import Parts
from app.flows.fitting import nights
from app.infra import log
from app.infra.errors import Refused

_log = log.get(__name__)


def keep_audiences(parts: Parts, stop: Callable[[], bool] = lambda: False) -> int:
    """Follow all that has changed; returns how much that was.

    One process of all follows at a time; the others find nothing to do.
    """
    with parts.db.reading() as session:
        wanted = segments.is_wanted(session, parts.clock())
    done = _build(parts, stop) if wanted else 0
    while not stop() and _is_due(parts):
        with parts.db.transaction() as session:
            followed = segments.fold(
                session, parts.clock(), tell=court.mark, tell_marked=nights.touch
            )
        if not followed:
            return done
        done += followed
    return done


def _build(parts: Parts, stop: Callable[[], bool]) -> int:
    try:
        built = segments.build(parts.db, parts.clock, stop=stop)
    except Refused:  # another process was faster
        return 0
    if built is None:
        return 0
    _log.info("audiences built", physicians=built.people, facts=built.facts)
    return built.read


def _is_due(parts: Parts) -> bool:
    with parts.db.reading() as session:
        return segments.is_due(session, parts.clock())
