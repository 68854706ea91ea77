"""A campaign is paused or ended: nothing of it goes out any more."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from app import campaigns
from app.campaigns import STOPPED, Stage
from app.flows.sending.stop_sending import stop_sending
from app.recommend import State, Suggestion


def stop_campaign(session: Session, campaign_id: int, stage: Stage, now: datetime) -> int:
    """Move it to `stage`, PAUSED or FINISHED, and cancel what it has queued. Who was to get that
    may get it again; reps who wait for what they adopted are told.

    Returns how many messages were cancelled. Raises Refused.
    """
    campaigns.halt(session, campaign_id, stage)
    stopped = stop_sending(session, STOPPED[stage], now, campaign_id=campaign_id)
    mine = select(Suggestion).where(Suggestion.campaign_id == campaign_id)
    for row in session.scalars(mine.where(Suggestion.state == State.PLANNED)).all():
        row.state, row.verdict = State.CANCELLED, row.verdict | {"refused": STOPPED[stage]}
    session.flush()  # of reps who get no cards
    return stopped
