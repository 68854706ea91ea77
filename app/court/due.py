"""Whom the court has to look at: those about whom something has changed since it did."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from sqlalchemy import Select, delete, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from app.court.behaviour import RIPE
from app.court.models import TagCaseDue, TagCourt
from app.court.terms import court
from app.identity import Identifier, Physician
from app.infra.db import insert_all
from app.journey import Happened, Touchpoint

NIGHT = timedelta(hours=20)  # so long after the last time, what has ripened is looked at
FIRST = timedelta(days=365)  # so far back it looks when it begins
STEP = timedelta(days=1)  # of one transaction


def mark(session: Session, one_ids: Iterable[str]) -> None:
    """Something has changed about these."""
    rows = [{"one_id": one_id} for one_id in sorted(set(one_ids))]
    insert_all(session, TagCaseDue, rows, "one_id")


def mark_everybody(session: Session, after: str = "", limit: int = 50_000) -> str:
    """Everybody is to be looked at, in pieces: the last ONE ID of this one, "" when it was the
    last."""
    chosen = select(Physician.one_id).where(Physician.live.is_(True), Physician.one_id > after)
    last = session.scalar(chosen.order_by(Physician.one_id).offset(limit - 1).limit(1))
    _insert(session, chosen.where(Physician.one_id <= last) if last else chosen)
    return last or ""


def is_night(session: Session, now: datetime) -> bool:
    """True when it is time for those to whom nothing happened but that they opened nothing."""
    row = session.get(TagCourt, 1)
    return row is None or row.looked_at is None or now - row.looked_at >= NIGHT


def mark_ripened(session: Session, now: datetime) -> None:
    """Whoever was sent something that has ripened since the last time, a day of it at most: it was
    opened, or not. Call it while `is_night`."""
    row = court(session)
    since = row.looked_at or now - FIRST
    until = min(now, since + STEP)
    chosen = (
        select(Identifier.one_id)
        .join(Touchpoint, Touchpoint.identifier_id == Identifier.id)
        .where(
            Touchpoint.kind == Happened.CONTENT_SENT, Touchpoint.at > since - RIPE,
            Touchpoint.at <= until - RIPE,
        )
        .distinct()
    )  # fmt: skip
    _insert(session, chosen)
    row.looked_at = until
    session.flush()


def are_due(session: Session) -> bool:
    """True when somebody waits."""
    return session.scalar(select(TagCaseDue.one_id).limit(1)) is not None


def take(session: Session, limit: int) -> list[str]:
    """Some of them, for this transaction alone; they wait no longer when it commits."""
    chosen = select(TagCaseDue.one_id).order_by(TagCaseDue.one_id).limit(limit)
    taken = session.scalars(chosen.with_for_update(skip_locked=True)).all()
    if taken:
        session.execute(delete(TagCaseDue).where(TagCaseDue.one_id.in_(taken)))
    return list(taken)


def _insert(session: Session, chosen: Select[str]) -> None:
    """Mark those whom a question finds and who are not marked yet."""
    maker = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
    fresh = maker.insert(TagCaseDue).from_select(["one_id"], chosen)
    session.execute(fresh.on_conflict_do_nothing(index_elements=["one_id"]))
