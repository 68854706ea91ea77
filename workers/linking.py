"""Comparing whoever is new or has changed with whom they may be as well, a few at a time."""

from __future__ import annotations

from collections.abc import Callable

from app import linkage
from app.bootstrap import Parts
from app.flows.identity.link_due import PIECE, link_due
from app.infra import log
from workers.drain import explain

_log = log.get(__name__)
AT_ONCE = 200  # then other work has its turn


def compare_due(parts: Parts, stop: Callable[[], bool] = lambda: False) -> int:
    """Compare those who wait; returns how many were looked at."""
    done = 0
    while done < AT_ONCE and not stop() and _is_due(parts):
        done += _piece(parts)
    return done


def _is_due(parts: Parts) -> bool:
    with parts.db.reading() as session:
        return linkage.is_due(session)


def _piece(parts: Parts) -> int:
    """Some at once; when that fails, each alone, so that one cannot hold up the others."""
    try:
        with parts.db.transaction() as session:
            return max(link_due(session, parts.clock()), 1)
    except Exception as problem:  # tried again one by one
        _log.warning("comparing physicians failed", error=explain(problem))
    return sum(_alone(parts) for _ in range(PIECE))


def _alone(parts: Parts) -> int:
    try:
        with parts.db.transaction() as session:
            return link_due(session, parts.clock(), 1)
    except Exception as problem:  # this one is passed over until it changes again
        _log.error("a physician cannot be compared", error=explain(problem))
        with parts.db.transaction() as session:
            return len(linkage.due(session, 1))
