"""The figures of the identity graph with what other parts know: events of people who are in no
register, and pairs that may be one physician and wait for a decision."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session, aliased

from app import linkage
from app.identity import Identifier, Kind, quality
from app.identity.quality import Quality
from app.journey import Touchpoint

RECENT = timedelta(days=30)
REGISTERS = (Kind.CRM_ID, Kind.LICENCE_NO)  # who has one of these is a known physician


def identity_figures(session: Session, now: datetime) -> Quality:
    """Everything, counted. Walks over all identifiers: for a page, not for a loop."""
    return replace(
        with_waiting(session, quality.measure(session)),
        events=_events(session, now), unlinked=_events(session, now, unlinked=True),
    )  # fmt: skip


def with_waiting(session: Session, figures: Quality) -> Quality:
    """The same, with how many pairs and conflicts wait now: whoever decides one sees it gone."""
    states = linkage.counts(session)
    waiting = sum(states[state] for state in linkage.WAITING)
    return replace(figures, duplicates=waiting, conflicts=quality.conflicts(session))


def _events(session: Session, now: datetime, *, unlinked: bool = False) -> int:
    found = select(func.count()).select_from(Touchpoint).where(Touchpoint.at > now - RECENT)
    if unlinked:
        other = aliased(Identifier)
        known = select(other.id).where(other.one_id == Identifier.one_id, other.kind.in_(REGISTERS))
        found = found.join(Identifier, Identifier.id == Touchpoint.identifier_id)
        found = found.where(~known.exists())
    return session.scalar(found) or 0
