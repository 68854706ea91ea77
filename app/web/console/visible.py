"""What the current user may see: a rep only the own physicians."""

from __future__ import annotations

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from app import identity, reps
from app.identity import Physician
from app.identity.models import Identifier
from app.infra.errors import NotFound
from app.web import auth


def limit() -> Select[int] | None:
    """Identifiers through which this user sees physicians; None: everybody."""
    return reps.visible_to(auth.actor().rep_id)


def physician(session: Session, one_id: str) -> Physician:
    """The physician, if this user may see it. Raises NotFound either way otherwise."""
    found = identity.get_physician(session, one_id)
    only = limit()
    if only is not None:
        mine = select(Identifier.id).where(
            Identifier.one_id == found.one_id, Identifier.id.in_(only)
        )
        if session.scalar(mine.limit(1)) is None:
            raise NotFound("没有这个 ONE ID。")
    return found
