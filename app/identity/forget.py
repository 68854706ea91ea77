"""Erasing what we know through one identifier."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import delete, or_
from sqlalchemy.orm import Session

from app.identity import called, changed, component, news, resolve
from app.identity.models import Evidence, Identifier, ProfileValue
from app.infra.direct import together


def forget(session: Session, identifier: Identifier, *, cause: str, now: datetime) -> None:
    """Erase an identifier's value, evidence and attributes.

    The row stays as a tombstone under its blind index, so that an old event cannot bring it back
    unnoticed; seen again in a new event, it starts afresh. What it alone has named, as a phone may
    a device, has a name less: those components are computed again, too.
    """
    named = called.told_by(session, identifier.id)
    if named:  # all of them are locked in one order, before anything is changed
        everybody = [identifier.id, *named]
        whole = component.hold(session, everybody, component.components_of(session, everybody))
        together(session, *whole.keep)
    own = or_(Evidence.a_id == identifier.id, Evidence.b_id == identifier.id)
    session.execute(delete(Evidence).where(own))
    session.execute(delete(ProfileValue).where(ProfileValue.identifier_id == identifier.id))
    called.forget(session, identifier.id)
    identifier.value = ""
    session.flush()
    changed.note(session, identifier.id)
    news.tell(session, identifier.id, news.WHO)
    for one in (identifier.id, *named):
        resolve.recompute(session, [one], cause=cause, now=now)
