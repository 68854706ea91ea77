"""Keeping our tags equal in WeCom: what is wanted, the tags themselves, then the sides."""

from __future__ import annotations

from collections.abc import Callable

from app import tagging
from app.bootstrap import Parts
from app.flows.tagging.mirror_marks import write_due
from app.flows.tagging.mirror_plan import plan_due
from app.flows.tagging.mirror_tags import keep_tags
from workers.claiming import limits_of


def keep_mirror(parts: Parts, stop: Callable[[], bool] = lambda: False, limit: int = 200) -> int:
    """Do what is due; returns how much that was."""
    with parts.db.reading() as session:
        if not tagging.is_mirror_used(session):
            return 0
    limits = limits_of(parts)
    done = keep_tags(parts.db, parts.outside, parts.clock, limits)
    if not stop():
        done += plan_due(parts.db, parts.clock, stop)
    if not stop():
        done += write_due(parts.db, parts.outside, parts.clock, limits, limit=limit, stop=stop)
    return done


def follow_names(parts: Parts, stop: Callable[[], bool] = lambda: False) -> int:
    """Let those who carry a name that somebody decided about follow; how many did."""
    done = 0
    while not stop():
        with parts.db.reading() as session:
            if not tagging.are_following(session):
                break
        with parts.db.transaction() as session:
            followed = tagging.follow(session, parts.clock())
        if not followed:  # somebody else is at it
            break
        done += followed
    return done


def keep_names(parts: Parts) -> int:
    """Let names that wait follow what the vocabulary has learnt meanwhile; how many did."""
    done = 0
    while True:
        with parts.db.reading() as session:
            if not tagging.are_unsettled(session, parts.clock()):
                return done
        with parts.db.transaction() as session:
            settled = tagging.settle(session, parts.clock())
        if not settled:  # somebody else is at it
            return done
        done += settled
