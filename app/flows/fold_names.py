"""Deciding about many names with one click: a transaction for each, so that nobody waits long."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy.orm import Session

from app import accounts, tagging
from app.infra.clock import Clock
from app.infra.db import Database
from app.infra.errors import YishuError
from app.tagging import TagFolding


@dataclass(slots=True)
class Done:
    """What one click did. `people`: carriers, counted once for each name."""

    batch: str
    folded: int = 0
    people: int = 0
    refused: list[str] = field(default_factory=list)


def fold_many(db: Database, choices: Mapping[int, str], *, actor: str, clock: Clock) -> Done:
    """Each name means the tag that was chosen for it (name id → tag key)."""
    return _each(db, choices, actor, clock, lambda session, name_id, how: tagging.fold_name(
        session, name_id, choices[name_id], **how
    ))  # fmt: skip


def make_many(
    db: Database, name_ids: Collection[int], category_key: str, owner: str, *, actor: str,
    clock: Clock,
) -> Done:  # fmt: skip
    """Each name becomes a tag."""
    return _each(db, name_ids, actor, clock, lambda session, name_id, how: tagging.make_tag(
        session, name_id, category_key=category_key, owner=owner, **how
    ))  # fmt: skip


def ignore_many(
    db: Database, name_ids: Collection[int], reason: str, *, actor: str, clock: Clock
) -> Done:
    """None of these names means anything to us."""
    return _each(db, name_ids, actor, clock, lambda session, name_id, how: tagging.ignore_name(
        session, name_id, reason, **how
    ))  # fmt: skip


def undo_batch(db: Database, batch: str, *, actor: str, clock: Clock) -> Done:
    """Take back whatever one click decided and nobody has taken back since."""
    done = Done(batch)
    with db.reading() as session:
        ids = tagging.batch_of(session, batch)
    for folding_id in ids:
        try:
            with db.transaction() as session:
                if not tagging.is_undone(session, folding_id):
                    undo_one(session, folding_id, actor=actor, clock=clock)
                    done.folded += 1
        except YishuError as problem:
            done.refused.append(str(problem))
    return done


def undo_one(session: Session, folding_id: int, *, actor: str, clock: Clock) -> TagFolding:
    """Take back one decision. Raises NotFound, Refused."""
    row = tagging.undo(session, folding_id, actor=actor, now=clock())
    accounts.audit(session, actor, "tag.unfolded", "tag_folding", folding_id, now=clock())
    return row


def _each(
    db: Database,
    name_ids: Collection[int],
    actor: str,
    clock: Clock,
    decide: Callable[[Session, int, dict[str, Any]], TagFolding],
) -> Done:
    done = Done(secrets.token_hex(8))
    for name_id in name_ids:
        try:
            with db.transaction() as session:
                how = {"actor": actor, "now": clock(), "batch": done.batch}
                row = decide(session, name_id, how)
                accounts.audit(
                    session, actor, f"tag.name_{row.kind}", "tag_folding", row.id, now=clock()
                )
                people = row.people
            done.folded, done.people = done.folded + 1, done.people + people
        except YishuError as problem:
            done.refused.append(str(problem))
    return done
