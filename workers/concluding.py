"""Automatic tags: following what happens, looking at everybody each night, trying rules."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from app import autotag
from app.bootstrap import Parts
from app.infra import log
from workers.policies import gate_next

_log = log.get(__name__)
BUDGET_S = 20.0  # of a sweep; then what happens meanwhile has its turn
_library = threading.local()  # what versions are about; a version that was sent never changes


def conclude_due(parts: Parts, stop: Callable[[], bool] = lambda: False) -> int:
    """Follow what has happened, go on with a sweep, and try one rule; returns how much that was."""
    library = _of_this_thread()
    done = _follow(parts, library, stop) + _sweep(parts, library, stop)
    if not stop() and _is_test_due(parts):
        tried = autotag.try_next(parts.db, parts.clock, stop)
        if tried is not None:
            _log.info("rule tried", rule=tried.rule_id, state=tried.state, looked=tried.done)
            done += 1
    return done if stop() else done + gate_next(parts)


def _follow(parts: Parts, library: autotag.Library, stop: Callable[[], bool]) -> int:
    done = 0
    while not stop() and _is_due(parts):
        with parts.db.transaction() as session:
            followed = autotag.fold(session, library, parts.clock())
        if not followed:
            break
        done += followed
    return done


def _sweep(parts: Parts, library: autotag.Library, stop: Callable[[], bool]) -> int:
    done, until = 0, time.monotonic() + BUDGET_S
    while not stop() and time.monotonic() < until and _is_sweep_due(parts):
        with parts.db.transaction() as session:
            looked = autotag.sweep(session, library, parts.clock())
        if not looked:
            break
        done += looked + _follow(parts, library, stop)
    return done


def _of_this_thread() -> autotag.Library:
    if not hasattr(_library, "known"):
        _library.known = autotag.Library()
    known: autotag.Library = _library.known
    return known


def _is_due(parts: Parts) -> bool:
    with parts.db.reading() as session:
        return autotag.is_due(session)


def _is_sweep_due(parts: Parts) -> bool:
    with parts.db.reading() as session:
        return autotag.is_sweep_due(session, parts.clock())


def _is_test_due(parts: Parts) -> bool:
    with parts.db.reading() as session:
        return autotag.is_test_due(session, parts.clock())
