"""Of whom of some something has changed that nobody has followed: not reading who else waits.

After an import hundreds of thousands of marks may wait, and whoever asks about a hundred people
must not pay for them.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.identity import changed
from app.identity.models import Identifier, PersonChanged
from app.identity.register import label_of

MANY = 1000  # values of one statement


def marked(session: Session, people: Collection[str]) -> set[str]:
    """Those of these ONE IDs who have a mark, also one of this transaction that is not written.

    A mark of somebody who has become one of them counts: every ONE ID that points to a person is
    given by an identifier that the person has.
    """
    found = set(changed.noted(session).intersection(people))
    if session.scalar(select(PersonChanged.id).limit(1)) is None:
        return found
    wanted = sorted(people)
    for start in range(0, len(wanted), MANY):
        piece = wanted[start : start + MANY]
        labels = dict.fromkeys(piece, "") | _labels(session, piece)
        found |= {labels[one_id] or one_id for one_id in _named(session, list(labels))}
        owners = select(Identifier.one_id).where(Identifier.one_id.in_(piece)).distinct()
        marks = PersonChanged.identifier_id == Identifier.id
        found |= set(session.scalars(owners.join(PersonChanged, marks)))
    return found


def _labels(session: Session, people: Sequence[str]) -> dict[str, str]:
    """The ONE IDs that the identifiers of these would give, and whose they are."""
    rows = session.execute(
        select(Identifier.one_id, Identifier.value_hash, Identifier.kind, Identifier.namespace)
        .where(Identifier.one_id.in_(people))
    )  # fmt: skip
    return {label_of(digest, kind, space): one_id for one_id, digest, kind, space in rows}


def _named(session: Session, labels: Sequence[str]) -> set[str]:
    found: set[str] = set()
    for start in range(0, len(labels), MANY):
        piece = PersonChanged.one_id.in_(labels[start : start + MANY])
        found.update(session.scalars(select(PersonChanged.one_id).where(piece).distinct()))
    return found
