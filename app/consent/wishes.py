"""How physicians wish to be reached: no permission, but what a way is chosen by."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.consent.models import ContactWish
from app.identity.models import Identifier

CHUNK = 1000


def wish(session: Session, identifier_id: int, way: str, *, source: str, at: datetime) -> None:
    """The person's newest word, said through this identifier."""
    row = session.scalar(
        select(ContactWish).where(ContactWish.identifier_id == identifier_id).with_for_update()
    )
    if row is None:
        row = ContactWish(identifier_id=identifier_id)
        session.add(row)
    row.way, row.source, row.at = way, source, at
    session.flush()


def wishes(session: Session, one_ids: Iterable[str]) -> dict[str, str]:
    """What each person said last, through whichever identifier; nobody who said nothing."""
    wanted, found = list(dict.fromkeys(one_ids)), {}
    for start in range(0, len(wanted), CHUNK):
        rows = session.execute(
            select(Identifier.one_id, ContactWish.way)
            .join(Identifier, Identifier.id == ContactWish.identifier_id)
            .where(Identifier.one_id.in_(wanted[start : start + CHUNK]))
            .order_by(ContactWish.at, ContactWish.id)
        )
        found.update({row.one_id: row.way for row in rows})
    return found
