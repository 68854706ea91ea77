"""Somebody left or withdrew: the platform demands that this account's data be deleted."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import delete
from sqlalchemy.orm import Session

from app import delivery, identity, inbox
from app.consent import ConsentEntry
from app.facts import AuthorisationRevoked, Unfollowed
from app.flows import Received
from app.identity import Id, Kind
from app.journey import Touchpoint
from app.links import TrackedLink
from app.tagging.models import TagAssertion

HANDLES = (Unfollowed, AuthorisationRevoked)


def apply(
    session: Session,
    fact: Unfollowed | AuthorisationRevoked,
    _prepared: None,
    event: Received,
    now: datetime,
) -> None:
    """Erase what came through this openid; the physician's other identities stay."""
    if isinstance(fact, AuthorisationRevoked) and fact.kind == "modified":
        return
    row = identity.find(session, Id(Kind.OPENID, fact.app_id, fact.openid))
    if row is None or not row.value:
        return
    delivery.cancel_for(session, "医生已取消关注", identifier_ids=[row.id])
    for model in (Touchpoint, ConsentEntry, TagAssertion):
        session.execute(delete(model).where(model.identifier_id == row.id))
    session.execute(
        TrackedLink.__table__.update()  # type: ignore[attr-defined]
        .where(TrackedLink.identifier_id == row.id)
        .values(identifier_id=None)
    )
    inbox.erase_before(session, inbox.partition_key(fact.app_id, f"openid:{fact.openid}"), event.id)
    identity.forget(session, row, cause=event.ref, now=now)
