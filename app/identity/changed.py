"""Of whom something has changed, for whoever keeps answers about people ready.

Whatever changes what is known of a person says so in the same transaction; all of it is written by
one statement before the commit. Rows are only added and, when they were followed, deleted: so they
block nobody, and one that is committed late is found late instead of being missed, as it would be
by "everything after number 12".

    changed.note(session, identifier.id)        something that hangs on this identifier
    changed.note_people(session, one_ids)       who is this person, or what is shown of them
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, bindparam, delete, insert, null, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from app.identity import news
from app.identity.models import Identifier, PersonChanged, Physician
from app.infra.db import before_commit
from app.infra.direct import Asked, Direct
from app.infra.many import Many, insert_many

NOTED = "changed people"
MANY = 1000  # rows of one statement
MOST = 2**31


@dataclass(frozen=True, slots=True)
class Waiting:
    """Marks that nobody has followed yet, oldest first. `since`: the database's time of the oldest
    that is not among them, None when there is no other."""

    ids: Sequence[int]
    people: frozenset[str]
    since: datetime | None


def note(session: Session, identifier_id: int | None) -> None:
    """Something has changed of whoever has this identifier when the transaction is over."""
    if identifier_id is not None:
        _noted(session)[0].add(identifier_id)


def note_people(session: Session, one_ids: Iterable[str]) -> None:
    """These ONE IDs begin, end, or are shown otherwise."""
    people = set(one_ids)
    _noted(session)[1].update(people)
    news.tell_people(session, people)


def note_all(
    session: Session, identifier_ids: InstrumentedAttribute[Any], *where: ColumnElement[bool]
) -> None:
    """The same for all that a question finds, however many."""
    chosen = select(identifier_ids, null()).where(*where).distinct()
    session.execute(insert(PersonChanged).from_select(["identifier_id", "one_id"], chosen))


def waiting(session: Session, limit: int | None) -> Waiting:
    """Up to `limit` marks, or all, also those that this transaction has not written yet."""
    rows = _OLDEST.all(session, {"limit": MOST if limit is None else limit + 1})
    since = rows[limit][3] if limit is not None and len(rows) > limit else None
    rows = rows[:limit]
    identifiers, people = session.info.get(NOTED, (set(), set()))
    identifiers = identifiers | {row[1] for row in rows if row[1] is not None}
    people = people | {row[2] for row in rows if row[2] is not None}
    here = _owners(session, identifiers) | _and_after(session, people)
    return Waiting([row[0] for row in rows], here, since)


def noted(session: Session) -> frozenset[str]:
    """Of whom this transaction has noted something that it has not written yet."""
    identifiers, people = session.info.get(NOTED, (set(), set()))
    return _owners(session, identifiers) | _and_after(session, people)


def are_waiting(session: Session) -> bool:
    """True when somebody has changed and nobody has followed."""
    return _OLDEST.first(session, {"limit": 1}) is not None


def followed(session: Session, ids: Sequence[int]) -> None:
    """These marks are done with."""
    for start in range(0, len(ids), MANY):
        chosen = PersonChanged.id.in_(ids[start : start + MANY])
        session.execute(delete(PersonChanged).where(chosen).execution_options(**_UNSYNCHRONISED))


def all_followed(session: Session) -> None:
    """Whatever is marked now is done with: everybody is going to be read."""
    session.execute(delete(PersonChanged).execution_options(**_UNSYNCHRONISED))


def _noted(session: Session) -> tuple[set[int], set[str]]:
    before_commit(session, NOTED, _write)
    found: tuple[set[int], set[str]] = session.info.setdefault(NOTED, (set(), set()))
    return found


def _write(session: Session) -> list[Asked]:
    identifiers, people = session.info.pop(NOTED)
    rows = [{"identifier_id": one, "one_id": None} for one in sorted(identifiers)]
    rows += [{"identifier_id": None, "one_id": one} for one in sorted(people)]
    pieces = (rows[start : start + MANY] for start in range(0, len(rows), MANY))
    return [asked for piece in pieces for asked in _MARKS.asked(session, piece)]


def _owners(session: Session, identifiers: set[int]) -> frozenset[str]:
    return _looked_up(session, Identifier.one_id, Identifier.id, sorted(identifiers))


def _and_after(session: Session, people: set[str]) -> frozenset[str]:
    """They, and who they have become meanwhile."""
    found, layer = set(people), set(people)
    while layer:
        layer = (
            set(_looked_up(session, Physician.redirect_to, Physician.one_id, sorted(layer)))
            - found
            - {None}
        )
        found |= layer
    return frozenset(found)


def _looked_up(session: Session, wanted: Any, key: Any, values: Sequence[Any]) -> frozenset[str]:
    found: set[str] = set()
    for start in range(0, len(values), MANY):
        piece = values[start : start + MANY]
        found.update(session.scalars(select(wanted).where(key.in_(piece))))
    return frozenset(found)


_UNSYNCHRONISED = {"synchronize_session": False}
_MARKS: Many[None] = insert_many(PersonChanged, "identifier_id", "one_id")
_COLUMNS = (PersonChanged.id, PersonChanged.identifier_id, PersonChanged.one_id, PersonChanged.at)
_OLDEST = Direct(
    select(*_COLUMNS).order_by(PersonChanged.id).limit(bindparam("limit")),
    lambda *row: row,
    large=True,
)
