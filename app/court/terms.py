"""What the court goes by: the vocabulary, what was learned, and when cases settle themselves."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app import tagging
from app.court.likelihood import COMMON, ODDS_WITH, ODDS_WITHOUT, OPEN_RATE, Odds
from app.court.models import TagCourt
from app.court.rules import INTERESTS, PRACTISED, SETTLE_AT, Terms
from app.infra.db import insert_once
from app.infra.errors import Refused
from app.tagging import Sensitivity, Tag

AGAIN = timedelta(days=7) - timedelta(hours=1)  # what changes within a week is noise
LOWEST = 0.8  # nobody lets cases settle themselves that are less sure


@dataclass(frozen=True, slots=True)
class Words:
    """What pages and verdicts need of a tag."""

    name: str
    owner: str
    sensitive: bool


def terms(session: Session) -> Terms:
    """As they are now."""
    shape = tagging.shape(session)
    rows = session.execute(select(Tag.id, Tag.key, Tag.category_key)).all()
    row = session.get(TagCourt, 1)
    known = _learned(row) if row is not None else {}
    return Terms(
        shape=shape,
        interests=frozenset(r.id for r in rows if r.category_key in INTERESTS),
        practised=frozenset(r.id for r in rows if r.key in PRACTISED),
        **known,
    )


def court(session: Session) -> TagCourt:
    """The one row, held until the commit."""
    insert_once(session, TagCourt, dict(_FIRST), "id")
    return session.get_one(TagCourt, 1, with_for_update=True)


def settle_at(session: Session) -> float | None:
    """From which strength a case settles itself; None: none does."""
    row = session.get(TagCourt, 1)
    return row.settle_at if row is not None else SETTLE_AT


def set_settle_at(session: Session, value: float | None) -> None:
    """None: every case waits for a person. Raises Refused."""
    if value is not None and not LOWEST <= value < 1.0:
        raise Refused("自动裁定的把握请填 80 到 99 之间的百分数，或者关闭自动裁定。")
    court(session).settle_at = value
    session.flush()


def words(session: Session) -> dict[int, Words]:
    """All tags, retired ones included."""
    rows = session.execute(select(Tag.id, Tag.name, Tag.owner, Tag.sensitivity))
    return {tag: Words(name, owner, kind == Sensitivity.STAFF) for tag, name, owner, kind in rows}


def note_learned(
    session: Session, odds: Odds, common: float, open_rate: float, now: datetime
) -> None:
    """Keep what behaviour is like."""
    row = court(session)
    row.odds_without, row.odds_with = odds.without, odds.having
    row.common, row.open_rate, row.learned_at = common, open_rate, now
    session.flush()


def learned_at(session: Session) -> datetime | None:
    """When the logs were read last."""
    row = session.get(TagCourt, 1)
    return row.learned_at if row is not None else None


def is_learning_due(session: Session, now: datetime) -> bool:
    """True once a week."""
    row = session.get(TagCourt, 1)
    return row is None or row.learned_at is None or now - row.learned_at >= AGAIN


def _learned(row: TagCourt) -> dict[str, Any]:
    return {
        "odds": Odds(row.odds_without, row.odds_with), "common": row.common,
        "open_rate": row.open_rate,
    }  # fmt: skip


_FIRST = {
    "id": 1, "settle_at": SETTLE_AT, "odds_without": ODDS_WITHOUT, "odds_with": ODDS_WITH,
    "common": COMMON, "open_rate": OPEN_RATE,
}  # fmt: skip
