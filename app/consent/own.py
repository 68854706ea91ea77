"""What physicians chose on their own page: topics they want no more, reps who are not to write to
them, and how often at most. Over the identifiers of one person the stricter choice holds, so a
merge never brings back what somebody has switched off.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from app.consent.models import About, OwnChoice
from app.identity import changed
from app.identity.models import Identifier
from app.infra.db import insert_once
from app.infra.direct import Direct
from app.infra.many import among

CHUNK = 1000


@dataclass(frozen=True, slots=True)
class Own:
    """`topics`: tags that are off; `reps`: who may not write; `days`: one contact in so many."""

    topics: frozenset[int] = frozenset()
    reps: frozenset[int] = frozenset()
    days: int | None = None
    leaves: bool = False  # wants everything erased


NOTHING_CHOSEN = Own()


def own(session: Session, one_ids: Iterable[str]) -> dict[str, Own]:
    """What these persons chose; nobody who chose nothing."""
    wanted = list(dict.fromkeys(one_ids))
    chosen: dict[str, dict[str, set[int]]] = {}
    for start in range(0, len(wanted), CHUNK):
        for one_id, about, number in _CHOSEN.all(session, {"ids": wanted[start : start + CHUNK]}):
            chosen.setdefault(one_id, {}).setdefault(about, set()).add(number)
    return {
        one_id: Own(
            frozenset(said.get(About.TOPIC, ())), frozenset(said.get(About.REP, ())),
            max(said.get(About.PACE, ()), default=None), About.ERASURE in said,
        )
        for one_id, said in chosen.items()
    }  # fmt: skip


def leaving(session: Session) -> list[str]:
    """Who waits for everything to be erased, the first who asked first."""
    asked = func.min(OwnChoice.at)
    return list(
        session.scalars(
            select(Identifier.one_id)
            .join(OwnChoice, OwnChoice.identifier_id == Identifier.id)
            .where(OwnChoice.about == About.ERASURE)
            .group_by(Identifier.one_id)
            .order_by(asked, Identifier.one_id)
        )
    )


def choose(
    session: Session, identifier_id: int, about: About, number: int, *, at: datetime
) -> bool:
    """The person says so through this identifier; False when that was said already."""
    values = {"identifier_id": identifier_id, "about": about, "number": number, "at": at}
    fresh = insert_once(session, OwnChoice, values, "identifier_id", "about", "number")
    if fresh:
        changed.note(session, identifier_id)
    return fresh


def take_back(session: Session, one_id: str, about: About, number: int | None = None) -> bool:
    """The person says so no more, through whichever identifier it was said; `number` None: nothing
    of that kind. False when nothing was said."""
    mine = select(Identifier.id).where(Identifier.one_id == one_id)
    gone = delete(OwnChoice).where(OwnChoice.identifier_id.in_(mine), OwnChoice.about == about)
    if number is not None:
        gone = gone.where(OwnChoice.number == number)
    whose = session.scalars(gone.returning(OwnChoice.identifier_id)).all()
    for identifier_id in whose:
        changed.note(session, identifier_id)
    return bool(whose)


def same_rep(session: Session, old: int, new: int) -> None:
    """Both are one person: whoever does not want to hear from the one does not from the other."""
    of_old = (OwnChoice.about == About.REP, OwnChoice.number == old)
    rows = session.execute(select(OwnChoice.identifier_id, OwnChoice.at).where(*of_old)).all()
    for identifier_id, at in rows:
        choose(session, identifier_id, About.REP, new, at=at)


def _columns(one_id: str, about: str, number: int) -> tuple[str, str, int]:
    return one_id, about, number


_CHOSEN = Direct(
    select(Identifier.one_id, OwnChoice.about, OwnChoice.number)
    .join(Identifier, Identifier.id == OwnChoice.identifier_id)
    .where(among(Identifier.one_id, "ids"))
    .order_by(OwnChoice.id),
    _columns,
    large=True,
)
