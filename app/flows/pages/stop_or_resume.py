"""A physician stops everything we send, or lets us resume. One word, from any of our channels."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from app import consent, identity, journey
from app.consent import Action
from app.flows.sending.stop_sending import stop_sending
from app.identity import AnIdentifier
from app.journey import Happened


def stop_or_resume(
    session: Session,
    row: AnIdentifier,
    stop: bool,
    *,
    source: str,
    evidence: str,
    ref: str,
    channel: str,
    at: datetime,
    now: datetime,
) -> None:
    """Written down for every identity we know of this person, and for all channels."""
    action = Action.WITHDRAW if stop else Action.GRANT
    fresh = journey.note(
        session, row.id, Happened.CONSENT_CHANGED, channel=channel, at=at, ref=ref,
        detail={"action": action.value},
    )  # fmt: skip
    if not fresh:
        return
    (one_id,) = identity.owners(session, [row.id]).values()  # as it is now
    mine = {row.id, *(one.id for one in identity.identifiers_of(session, one_id))}
    for identifier_id in sorted(mine):
        consent.record(
            session, identifier_id, action=action, source=source, evidence=evidence, at=at
        )
    if stop:
        stop_sending(session, "医生已退订", now, identifier_ids=sorted(mine))
