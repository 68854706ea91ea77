"""Deciding about many names with one click: one short transaction, one version of the vocabulary,
then their carriers, a bounded piece at a time. What a click leaves, workers go on with."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy.orm import Session

from app import accounts, tagging
from app.infra.clock import Clock
from app.infra.db import Database
from app.tagging import Decided

PIECES_AT_ONCE = 2  # of carriers that follow before the click is answered


@dataclass(slots=True)
class Done:
    """What one click did. `people`: carriers, counted once for each name; `left`: names of which
    some have still to follow."""

    batch: str
    folded: int = 0
    people: int = 0
    left: int = 0
    refused: list[str] = field(default_factory=list)


def fold_many(db: Database, choices: Mapping[int, str], *, actor: str, clock: Clock) -> Done:
    """Each name means the tag that was chosen for it (name id → tag key)."""
    return _decide(db, actor, clock, "tag.names_folded", lambda session, how: tagging.fold_names(
        session, choices, **how
    ))  # fmt: skip


def make_many(
    db: Database, name_ids: Collection[int], category_key: str, owner: str, *, actor: str,
    clock: Clock,
) -> Done:  # fmt: skip
    """Each name becomes a tag. Raises Refused when there is no such category."""
    return _decide(db, actor, clock, "tag.names_made", lambda session, how: tagging.make_tags(
        session, name_ids, category_key=category_key, owner=owner, **how
    ))  # fmt: skip


def ignore_many(
    db: Database, name_ids: Collection[int], reason: str, *, actor: str, clock: Clock
) -> Done:
    """None of these names means anything to us. Raises Refused without a reason."""
    return _decide(db, actor, clock, "tag.names_ignored", lambda session, how: tagging.ignore_names(
        session, name_ids, reason, **how
    ))  # fmt: skip


def undo_batch(db: Database, batch: str, *, actor: str, clock: Clock) -> Done:
    """Take back whatever one click decided and nobody has taken back since."""
    with db.transaction() as session:
        decided = tagging.undo(
            session, tagging.batch_of(session, batch), actor=actor, now=clock()
        )  # fmt: skip
        done = _told(session, decided, batch, "tag.names_undone", actor, clock)
    return _follow(db, clock, done)


def undo_one(db: Database, folding_id: int, *, actor: str, clock: Clock) -> Done:
    """Take back one decision. Raises NotFound, Refused."""
    with db.transaction() as session:
        decided = tagging.undo(session, [folding_id], actor=actor, now=clock())
        if decided.refused:
            raise decided.refused[0]
        done = _told(session, decided, decided.rows[0].batch, "tag.names_undone", actor, clock)
    return _follow(db, clock, done)


def _decide(
    db: Database,
    actor: str,
    clock: Clock,
    action: str,
    decide: Callable[[Session, dict[str, Any]], Decided],
) -> Done:
    batch = secrets.token_hex(8)
    with db.transaction() as session:
        decided = decide(session, {"actor": actor, "now": clock(), "batch": batch})
        done = _told(session, decided, batch, action, actor, clock)
    return _follow(db, clock, done)


def _told(
    session: Session, decided: Decided, batch: str, action: str, actor: str, clock: Clock
) -> Done:
    if decided.rows:
        ids = [row.id for row in decided.rows]
        accounts.audit(session, actor, action, "tag_names", batch, now=clock(), foldings=ids)
    return Done(
        batch, len(decided.rows), sum(row.people for row in decided.rows),
        refused=[str(problem) for problem in decided.refused],
    )  # fmt: skip


def _follow(db: Database, clock: Clock, done: Done) -> Done:
    for _ in range(PIECES_AT_ONCE):
        with db.transaction() as session:
            if not tagging.follow(session, clock()):
                break
    if done.folded:
        with db.reading() as session:
            done.left = tagging.progress(session, done.batch).left
    return done
