"""Which approved version takes the place of which, and from when on.

A content has one version in force and may have others approved for later: each begins after the one
before it, which is in force until then. Nothing of this is stored: whoever asks is told what the
approved versions say, so a version that is withdrawn before its day has never taken any place.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.content.models import ContentVersion, Stage
from app.infra.stamp import Stamped

LIBRARY = "library"  # the stamp of what is approved


@dataclass(frozen=True, slots=True)
class Successor:
    """The version that comes next, and when it begins."""

    version_id: int
    number: int
    begins: datetime

    @property
    def words(self) -> str:
        """Why the version before it is over then."""
        return f"由第 {self.number} 版替换"


def successors(session: Session) -> Mapping[int, Successor]:
    """Version id → what comes after it, of approved versions; shared, not to be changed."""
    return _SUCCESSORS.of(session)


def successor_at(session: Session, version_id: int, now: datetime) -> Successor | None:
    """The version that has taken the place of this one by `now`."""
    found = successors(session).get(version_id)
    return found if found is not None and found.begins <= now else None


def in_force(session: Session, version_id: int, now: datetime) -> int:
    """The last version that has taken the place of this one by `now`; itself while none has."""
    while (after := successor_at(session, version_id, now)) is not None:
        version_id = after.version_id
    return version_id


def replaced(session: Session, now: datetime) -> set[int]:
    """Approved versions whose successor has begun: to be withdrawn."""
    return {one for one, after in successors(session).items() if after.begins <= now}


def _read(session: Session) -> dict[int, Successor]:
    rows = session.execute(
        select(
            ContentVersion.id, ContentVersion.content_id, ContentVersion.number,
            ContentVersion.valid_from,
        )
        .where(ContentVersion.stage == Stage.APPROVED, ContentVersion.valid_from.is_not(None))
        .order_by(ContentVersion.content_id, ContentVersion.valid_from, ContentVersion.id)
    )  # fmt: skip
    return {
        old.id: Successor(new.id, new.number, new.valid_from)
        for old, new in pairwise(rows)
        if old.content_id == new.content_id
    }


_SUCCESSORS: Stamped[Mapping[int, Successor]] = Stamped(LIBRARY, _read)
