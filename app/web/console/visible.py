"""What the current user may see: a rep only the own physicians."""

from __future__ import annotations

from sqlalchemy import Select
from sqlalchemy.orm import Session

from app import identity, reps
from app.identity import Physician
from app.infra.errors import NotFound
from app.web import auth


def limit() -> Select[int] | None:
    """Identifiers through which this user sees physicians; None: everybody."""
    return reps.visible_to(auth.actor().rep_id)


def physician(session: Session, one_id: str) -> Physician:
    """The physician, if this user may see it. Raises NotFound either way otherwise."""
    found = identity.get_physician(session, one_id)
    if not reps.may_see(session, auth.actor().rep_id, found.one_id):
        raise NotFound("没有这个 ONE ID。")
    return found
