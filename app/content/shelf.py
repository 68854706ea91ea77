"""The approved library without its texts, kept in the process until something is approved or
withdrawn: what is asked for every plan and every sidebar.

Seals are looked at when it is read, and again when anything is sent.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from app import tagging
from app.content.library import broken_seal, tags_of_many
from app.content.models import ContentVersion, Purpose, Stage
from app.content.succession import LIBRARY, replaced, successors
from app.infra.stamp import Stamped


@dataclass(frozen=True, slots=True)
class Shelved:
    """An approved version; `tags` as they were sealed, or, on a shelf, as they are called today."""

    version_id: int
    content_id: int
    tags: Mapping[int, float]
    approved_at: datetime
    valid_from: datetime
    valid_until: datetime
    purpose: str


def shelf(session: Session, now: datetime) -> Sequence[Shelved]:
    """What may be sent now, by content: the versions that `usable` gives. The same list as long as
    it is the same: not to be changed."""
    global _last
    everything, merged = _SHELF.of(session), tagging.merged(session)
    over = replaced(session, now)
    in_force = [
        one
        for one in everything
        if one.valid_from <= now < one.valid_until and one.version_id not in over
    ]
    known = _last
    if known is None or known[:3] != (everything, merged, in_force):
        named = [replace(one, tags=tagging.standing(session, one.tags)) for one in in_force]
        _last = known = everything, merged, in_force, named
    return known[3]


def safety_notices(session: Session, now: datetime) -> frozenset[int]:
    """The contents whose approved version is a safety notice or a recall: of several the one that
    others have not replaced by `now`, and that has not to wait for the end of another one."""
    after = successors(session)
    later = {next_one.version_id for next_one in after.values() if next_one.begins > now}
    others = later | replaced(session, now)
    return frozenset(
        one.content_id
        for one in _SHELF.of(session)
        if one.purpose == Purpose.SAFETY and one.version_id not in others
    )


def _read(session: Session) -> list[Shelved]:
    rows = session.scalars(
        select(ContentVersion)
        .where(ContentVersion.stage == Stage.APPROVED)
        .order_by(ContentVersion.content_id, ContentVersion.id)
    ).all()
    tags = tags_of_many(session, [version.id for version in rows])
    return [
        Shelved(
            version.id, version.content_id, tags[version.id],
            version.decided_at or version.created_at, version.valid_from, version.valid_until,
            version.purpose,
        )
        for version in rows
        if version.valid_from and version.valid_until
        if not broken_seal(version, tags[version.id])
    ]  # fmt: skip


_SHELF: Stamped[list[Shelved]] = Stamped(LIBRARY, _read)
_last: tuple[list[Shelved], Mapping[int, int], list[Shelved], list[Shelved]] | None = None
