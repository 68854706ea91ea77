"""The review desk: what one person decides next, how fast it goes, and what came last.

The likeliest pairs come first. Several people at once begin at different ones of these, so that
they rarely look at the same; a pair that waits for a second person is not shown to the first.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, and_, func, or_, select, true
from sqlalchemy.orm import Session

from app.linkage.models import LinkCandidate, State

AHEAD = 24  # of the likeliest ones each person takes another first


@dataclass(frozen=True, slots=True)
class Pace:
    """`left`: open for this person; `hour`, `today`: decided by this person."""

    left: int
    hour: int
    today: int


def next_for(
    session: Session,
    actor: str,
    besides: Collection[int] = (),
    state: State = State.OPEN,
) -> LinkCandidate | None:
    """The pair that `actor` should look at now; None when nothing waits for this person."""
    ahead = session.scalars(
        select(LinkCandidate)
        .where(_is_for(actor, state), LinkCandidate.id.not_in(list(besides)))
        .order_by(LinkCandidate.score.desc(), LinkCandidate.id.desc())
        .limit(AHEAD)
    ).all()
    return min(ahead, key=lambda one: _turn(actor, one.id), default=None)


def pace(
    session: Session, actor: str, now: datetime, midnight: datetime, state: State = State.OPEN
) -> Pace:
    """How much is left, and how fast `actor` is; `midnight` is when today began."""
    left = select(func.count()).select_from(LinkCandidate).where(_is_for(actor, state))
    return Pace(
        left=session.scalar(left) or 0,
        hour=_decided(session, actor, now - timedelta(hours=1)),
        today=_decided(session, actor, midnight),
    )


def last_of(session: Session, actor: str) -> LinkCandidate | None:
    """What `actor` decided last, and can take back."""
    chosen = select(LinkCandidate).where(_by(actor), LinkCandidate.state != State.EXPIRED)
    latest = LinkCandidate.updated_at.desc(), LinkCandidate.id.desc()
    return session.scalar(chosen.order_by(*latest).limit(1))


def _is_for(actor: str, state: State) -> ColumnElement[bool]:
    of_others = or_(LinkCandidate.decided_by.is_(None), LinkCandidate.decided_by != actor)
    return and_(LinkCandidate.state == state, of_others if state == State.OPEN else true())


def _by(actor: str) -> ColumnElement[bool]:
    return or_(LinkCandidate.decided_by == actor, LinkCandidate.second_by == actor)


def _decided(session: Session, actor: str, since: datetime) -> int:
    chosen = select(func.count()).select_from(LinkCandidate)
    return session.scalar(chosen.where(_by(actor), LinkCandidate.updated_at >= since)) or 0


def _turn(actor: str, candidate_id: int) -> bytes:
    return hashlib.sha256(f"{actor} {candidate_id}".encode()).digest()
