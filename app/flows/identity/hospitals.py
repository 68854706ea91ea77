"""Written names and physicians follow the table of names, a few at a time.

    catch_up(db, now)      everything: names never looked up, what each means, whom it concerns
    follow(db)             only the physicians, after a decision about a few names

Each piece is a transaction of its own, so callbacks are written between. It may run at any time
and twice; whatever was interrupted is found again by the next run.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from app import hospitals, identity
from app.infra.db import Database


@dataclass(slots=True)
class Caught:
    """How many names were new, how many mean something else now, how many physicians follow."""

    noted: int = 0
    changed: int = 0
    physicians: int = 0


def catch_up(db: Database, now: datetime) -> Caught:
    """Bring everything up to date."""
    caught = Caught(noted=_note(db, now))
    last: int | None = 0
    while last is not None:
        with db.transaction() as session:
            hospitals.written.changing(session)
            last, changed = hospitals.written.settle_after(session, last)
        caught.changed += changed
    caught.physicians = follow(db)
    return caught


def follow(db: Database) -> int:
    """Give physicians the institution that their hospital means by now; how many changed."""
    total = 0
    while True:
        with db.reading() as session:  # it walks over everybody: nobody waits for that
            found = identity.institutions.behind(session)
        if not found:
            return total
        with db.transaction() as session:
            moved = identity.institutions.follow(session, found)
        if not moved:
            return total
        total += moved


def _note(db: Database, now: datetime) -> int:
    total = 0
    while True:
        with db.transaction() as session:
            never = identity.institutions.never_noted(session)
            for one in never:
                hospitals.written.note(session, one.text, one.city, one.province, now)
        total += len(never)
        if not never:
            return total
