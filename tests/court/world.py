"""Contents about tags, and physicians who are sent them and open some."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from app import court, journey, tagging
from app.court import TagCase
from app.identity import Identifier
from app.infra.db import Database
from app.journey import Happened
from app.tagging.models import TagAssertion
from tests.company import publish
from tests.conftest import NOON

Row = tuple[int, int, str, str, float]


def library(session: Session, key: str, number: int, at: datetime = NOON) -> list[int]:
    """Approved contents about one tag."""
    return [publish(session, f"{key} {n}", (key,), at).id for n in range(number)]


def send(
    session: Session, who: Identifier, versions: Sequence[int], opened: int,
    at: datetime = NOON - timedelta(days=20),
) -> None:  # fmt: skip
    """Sent one by one; the first `opened` of them were opened the day after."""
    for n, version in enumerate(versions):
        for kind, later in ((Happened.CONTENT_SENT, 0), (Happened.CONTENT_OPENED, 1))[
            : 1 + (n < opened)
        ]:
            journey.note(
                session, who.id, kind, channel="wecom", at=at + timedelta(days=later),
                ref=f"{who.id}:{version}:{kind}:{at}", content_version_id=version,
            )  # fmt: skip


def look(session: Session, who: Identifier, now: datetime = NOON) -> list[TagCase]:
    """The court looks at one physician; the cases in the order of their opening."""
    session.flush()
    court.examine(session, [who.one_id], now)
    mine = select(Identifier.id).where(Identifier.one_id == who.one_id)
    chosen = select(TagCase).where(TagCase.identifier_id.in_(mine))
    return list(session.scalars(chosen.order_by(TagCase.id)))


def by_hand(database: Database) -> None:
    """A vocabulary, and no case that settles itself."""
    with database.transaction() as session:
        tagging.seed(session, NOON)
        court.set_settle_at(session, None)


def active(session: Session) -> list[Row]:
    """Every assertion that holds."""
    chosen = select(TagAssertion).where(TagAssertion.superseded_at.is_(None))
    rows = session.scalars(chosen.order_by(TagAssertion.id))
    return [(r.identifier_id, r.tag_id, r.source, r.ref, r.confidence) for r in rows]
