"""A rep's relations as plain values, found by the blind index of the contact: for comparing many
at once without decrypting anybody."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.identity.models import Identifier
from app.reps.models import RepContact

CHUNK = 500


@dataclass(frozen=True, slots=True)
class Side:
    """One relation: how it stands, and how it looked when it was last read."""

    identifier_id: int
    state: str
    since: datetime
    until: datetime | None
    synced_at: datetime | None
    mark: bytes | None = None
    contact_id: int = 0

    @property
    def touched_at(self) -> datetime:
        """When we last had news of it."""
        return max(at for at in (self.since, self.until, self.synced_at) if at is not None)


def sides_of(
    session: Session, rep_id: int, hashes: Collection[bytes] | None = None
) -> dict[bytes, Side]:
    """A rep's relations by the blind index of the contact: all, or those among `hashes`."""
    chosen = (
        select(
            Identifier.value_hash, RepContact.identifier_id, RepContact.state, RepContact.since,
            RepContact.until, RepContact.synced_at, RepContact.mark, RepContact.id,
        )
        .join(Identifier, Identifier.id == RepContact.identifier_id)
        .where(RepContact.rep_id == rep_id)
    )  # fmt: skip
    if hashes is None:
        rows = session.execute(chosen).all()
    else:
        wanted = list(hashes)
        rows = [
            row
            for start in range(0, len(wanted), CHUNK)
            for row in session.execute(
                chosen.where(Identifier.value_hash.in_(wanted[start : start + CHUNK]))
            )
        ]
    return {
        bytes(row[0]): Side(*row[1:6], bytes(row[6]) if row[6] else None, row[7]) for row in rows
    }
