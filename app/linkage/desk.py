"""The review desk: what one person decides next, how fast it goes, and what came last.

The likeliest pairs come first. Several people at once begin at different ones of these, so that
they rarely look at the same; a pair that waits for a second person is not shown to the first.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, and_, exists, func, or_, select, true
from sqlalchemy.orm import Session, aliased

from app.identity import Identifier
from app.infra.db import insert_once
from app.linkage.models import LinkCandidate, State
from app.linkage.queue import WAITING, reopen

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
    found = [
        row
        for by, at in _WORDS
        if (row := session.execute(
            select(LinkCandidate, at)
            .where(by == actor, LinkCandidate.state != State.EXPIRED)
            .order_by(at.desc(), LinkCandidate.id.desc())
            .limit(1)
        ).first())
    ]  # fmt: skip
    return max(found, key=lambda row: (row[1], row[0].id))[0] if found else None


def of_persons(session: Session, one: str, other: str) -> LinkCandidate | None:
    """What waits about these two ONE IDs, by whichever of their identifiers; held until commit."""
    both = or_(
        and_(_A.one_id == one, _B.one_id == other), and_(_A.one_id == other, _B.one_id == one)
    )
    chosen = (
        select(LinkCandidate)
        .join(_A, _A.id == LinkCandidate.a_id)
        .join(_B, _B.id == LinkCandidate.b_id)
        .where(both, LinkCandidate.state.in_(WAITING))
        .order_by(LinkCandidate.decided_by.is_(None), LinkCandidate.id)
        .limit(1)
        .with_for_update(of=LinkCandidate)
    )
    return session.scalar(chosen.execution_options(populate_existing=True))


def by_person(session: Session, a_id: int, b_id: int, now: datetime) -> LinkCandidate:
    """The candidate of these two identifiers, open: a person asks, whatever became of it before."""
    values = {
        "a_id": a_id, "b_id": b_id, "score": 0.0, "probability": 0.5, "weights": {},
        "model_version": "person", "state": State.OPEN, "created_at": now, "updated_at": now,
    }  # fmt: skip
    insert_once(session, LinkCandidate, values, "a_id", "b_id")
    chosen = select(LinkCandidate).where(LinkCandidate.a_id == a_id, LinkCandidate.b_id == b_id)
    fresh = chosen.with_for_update().execution_options(populate_existing=True)
    row = session.scalars(fresh).one()
    if row.state not in WAITING:
        reopen(row, "person", now)
    return row


def _is_for(actor: str, state: State) -> ColumnElement[bool]:
    """Of this state, still two persons, and not waiting for somebody else's word only."""
    of_others = or_(LinkCandidate.decided_by.is_(None), LinkCandidate.decided_by != actor)
    two = exists().where(
        _A.id == LinkCandidate.a_id, _B.id == LinkCandidate.b_id, _A.one_id != _B.one_id
    )
    mine = of_others if state == State.OPEN else true()
    return and_(LinkCandidate.state == state, mine, two)


def _decided(session: Session, actor: str, since: datetime) -> int:
    return sum(
        session.scalar(
            select(func.count()).select_from(LinkCandidate).where(by == actor, at >= since)
        ) or 0
        for by, at in _WORDS
    )  # fmt: skip


def _turn(actor: str, candidate_id: int) -> bytes:
    return hashlib.sha256(f"{actor} {candidate_id}".encode()).digest()


_A, _B = aliased(Identifier), aliased(Identifier)
_WORDS = (  # who spoke first and when, who agreed and when
    (LinkCandidate.decided_by, LinkCandidate.decided_at),
    (LinkCandidate.second_by, LinkCandidate.second_at),
)
