"""A physician stops everything we send, or lets us resume. One word, from any of our channels."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from app import consent, identity, journey
from app.consent import Action
from app.flows.stop_sending import stop_sending
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
    mine = identity.identifiers_of(session, row.one_id)
    for identifier in mine:
        consent.record(
            session, identifier.id, action=action, source=source, evidence=evidence, at=at
        )
    if stop:
        stop_sending(session, "医生已退订", now, identifier_ids=[one.id for one in mine])
