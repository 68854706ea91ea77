"""What the platforms count for one contact beside the policy's caps: for choosing a way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from sqlalchemy import and_, func, or_, select
from sqlalchemy.orm import Session

from app.delivery.limits import CONFIRMED, GONE_OUT
from app.delivery.models import Dispatch, Receipt, State, Way
from app.infra.clock import local, midnight

CHUNK = 1000
WAITS = timedelta(days=8)  # longer no rep has to publish a moment
COUNTS = (*GONE_OUT, State.QUEUED)  # what is promised counts as well


def tasked_today(session: Session, identifier_ids: Sequence[int], now: datetime) -> set[int]:
    """Contacts for whom a group task was made, or is promised, today in China."""
    found = _since(session, identifier_ids, Way.GROUP_TASK, midnight(now))
    return {identifier_id for identifier_id, _ in found}


def moments_this_month(
    session: Session, identifier_ids: Sequence[int], now: datetime
) -> dict[int, int]:
    """How many of our moments each contact sees this month: also of those that were marked before
    it, and that the rep may still publish."""
    first = midnight(local(now).replace(day=1))
    found = dict.fromkeys(identifier_ids, 0)
    for identifier_id, _ in _since(
        session, identifier_ids, Way.MOMENT_VIEW, first.astimezone(now.tzinfo)
    ):
        found[identifier_id] += 1
    return found


def replies_since(session: Session, asked: Mapping[int, datetime]) -> dict[int, int]:
    """How many service messages each follower got since writing at this moment."""
    found = dict.fromkeys(asked, 0)
    if not asked:
        return found
    for identifier_id, at in _since(session, list(asked), Way.OA_TEXT, min(asked.values())):
        found[identifier_id] += at >= asked[identifier_id]
    return found


def _since(
    session: Session, identifier_ids: Sequence[int], way: Way, since: datetime
) -> list[tuple[int, datetime]]:
    made = func.coalesce(Dispatch.first_attempt_at, Dispatch.created_at)
    moment = func.coalesce(CONFIRMED, made).label("at")
    which = [moment >= since]
    if way is Way.MOMENT_VIEW:  # a mark that nobody saw uses up nothing
        seen = func.coalesce(Dispatch.receipt, Receipt.FORWARDED) == Receipt.FORWARDED
        waits = and_(Dispatch.receipt.is_(None), made >= since - WAITS)
        which = [seen, or_(moment >= since, waits)]
    found: list[tuple[int, datetime]] = []
    for start in range(0, len(identifier_ids), CHUNK):
        rows = session.execute(
            select(Dispatch.identifier_id, moment).where(
                Dispatch.identifier_id.in_(identifier_ids[start : start + CHUNK]),
                Dispatch.way == way, Dispatch.state.in_(COUNTS), *which,
            )
        )  # fmt: skip
        found += [(row.identifier_id, row.at) for row in rows]
    return found
