"""The names behind a figure: a page of physicians from any question for ONE IDs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from app import identity
from app.identity import Physician

PAGE = 50


@dataclass(frozen=True, slots=True)
class Names:
    """One page of them, and how many there are."""

    people: Sequence[Physician]
    total: int


def names(session: Session, who: Select[str], page: int = 1) -> Names:
    """The physicians whose ONE IDs `who` gives, each once, in the order of their ONE IDs."""
    ids = who.distinct().subquery()
    (column,) = ids.c
    total = session.scalar(select(func.count()).select_from(ids)) or 0
    asked = select(column).order_by(column).limit(PAGE).offset((page - 1) * PAGE)
    one_ids = list(session.scalars(asked))
    found = identity.physicians_by_id(session, one_ids)
    return Names([found[one_id] for one_id in one_ids if one_id in found], total)
