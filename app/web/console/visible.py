"""What the current user may see: a rep only the own physicians, and no tag that is for staff."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Select
from sqlalchemy.orm import Session

from app import identity, reps, tagging
from app.accounts.models import Role
from app.identity import Physician
from app.infra.errors import NotFound
from app.tagging import Sensitivity, Tag
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


def tags(session: Session) -> Sequence[Tag]:
    """The active tags that this user may see."""
    found = tagging.tags(session)
    if auth.actor().role is not Role.REP:
        return found
    return [tag for tag in found if tag.sensitivity != Sensitivity.STAFF]


def sentences(session: Session, told: Sequence[str]) -> Sequence[str]:
    """Reasons that this user may read."""
    if auth.actor().role is not Role.REP:
        return told
    return tagging.without_hidden(session, told)
