"""What has happened to whom, for whoever draws conclusions from it: marks beside `changed.py`.

`changed` says that something is different; this says what has happened, so that only conclusions
that can follow from it are looked at. Rows are added and, when they were followed, deleted: one
that is committed late is found late and not missed. All of a transaction are one statement.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import bindparam, delete, select
from sqlalchemy.orm import Session

from app.identity.models import Identifier, PersonNews, Physician
from app.infra.db import before_commit
from app.infra.direct import Asked, Direct
from app.infra.many import Many, insert_many

WHO = ""  # the kind of news that a person begins, ends, or is shown otherwise
TOLD = "person news"
AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Waiting:
    """Marks that nobody has followed, oldest first; and to whom what happened: ONE ID → kinds."""

    ids: Sequence[int]
    kinds: Mapping[str, frozenset[str]]


def tell(session: Session, identifier_id: int, kind: str) -> None:
    """This kind of thing has happened to whoever has this identifier."""
    _told(session).add((identifier_id, None, kind))


def tell_people(session: Session, one_ids: Iterable[str]) -> None:
    """These ONE IDs begin, end, or are shown otherwise."""
    _told(session).update((None, one_id, WHO) for one_id in one_ids)


def are_waiting(session: Session) -> bool:
    """True when nobody has followed something."""
    return _OLDEST.first(session, {"limit": 1}) is not None


def waiting(session: Session, limit: int) -> Waiting:
    """Up to `limit` marks; whoever was joined to another is looked for there as well."""
    rows = _OLDEST.all(session, {"limit": limit})
    owners = _owners(session, {row[1] for row in rows if row[1] is not None})
    kinds: dict[str, set[str]] = {}
    for _, identifier_id, one_id, kind in rows:
        whose = owners.get(identifier_id) if one_id is None else one_id
        if whose is not None:
            kinds.setdefault(whose, set()).add(kind)
    for one_id, now in _become(session, [one for one, of in kinds.items() if WHO in of]).items():
        kinds.setdefault(now, set()).update(kinds[one_id])
    return Waiting([row[0] for row in rows], {one: frozenset(of) for one, of in kinds.items()})


def followed(session: Session, ids: Sequence[int]) -> None:
    """These marks are done with."""
    for start in range(0, len(ids), AT_ONCE):
        chosen = delete(PersonNews).where(PersonNews.id.in_(ids[start : start + AT_ONCE]))
        session.execute(chosen.execution_options(synchronize_session=False))


def _told(session: Session) -> set[tuple[int | None, str | None, str]]:
    before_commit(session, TOLD, _write)
    found: set[tuple[int | None, str | None, str]] = session.info.setdefault(TOLD, set())
    return found


def _write(session: Session) -> list[Asked]:
    told = session.info.pop(TOLD)
    rows = [
        {"identifier_id": identifier_id, "one_id": one_id, "kind": kind}
        for identifier_id, one_id, kind in sorted(told, key=_order)
    ]
    pieces = (rows[start : start + AT_ONCE] for start in range(0, len(rows), AT_ONCE))
    return [asked for piece in pieces for asked in _MARKS.asked(session, piece)]


def _order(told: tuple[int | None, str | None, str]) -> tuple[int, str, str]:
    return told[0] or 0, told[1] or "", told[2]


def _owners(session: Session, identifiers: set[int]) -> dict[int, str]:
    wanted = sorted(identifiers)
    found: dict[int, str] = {}
    for start in range(0, len(wanted), AT_ONCE):
        chosen = select(Identifier.id, Identifier.one_id)
        piece = Identifier.id.in_(wanted[start : start + AT_ONCE])
        found.update(dict(session.execute(chosen.where(piece)).all()))
    return found


def _become(session: Session, one_ids: Sequence[str]) -> dict[str, str]:
    """Those who are somebody else now, and who."""
    found: dict[str, str] = {}
    layer = {one_id: {one_id} for one_id in one_ids}  # who is here now → who came here
    while layer:
        chosen = select(Physician.one_id, Physician.redirect_to)
        rows = session.execute(
            chosen.where(Physician.one_id.in_(layer), Physician.redirect_to.is_not(None))
        )
        further: dict[str, set[str]] = {}
        for here, there in rows:
            assert there is not None
            further.setdefault(there, set()).update(layer[here])
            found.update(dict.fromkeys(layer[here], there))
        layer = further
    return found


_MARKS: Many[None] = insert_many(PersonNews, "identifier_id", "one_id", "kind")
_OLDEST = Direct(
    select(PersonNews.id, PersonNews.identifier_id, PersonNews.one_id, PersonNews.kind)
    .order_by(PersonNews.id)
    .limit(bindparam("limit")),
    lambda *row: row,
    large=True,
)
