"""The queue of pairs for people: put in, moved from state to state, cleared.

What a decision does to the identity graph is told in `flows/identity/link_decision`; here is only
what is written about the candidate itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Select, func, or_, select
from sqlalchemy.orm import Session, aliased

from app.identity import Identifier, Override
from app.infra import crypto
from app.infra.errors import NotFound, Refused
from app.linkage.models import MOVES, LinkCandidate, State

PAGE = 500
ELSEWHERE = "judgement"  # who undid it, when the judgement was taken back where it is shown
WAITING = (State.OPEN, State.UNSURE)
_A, _B = aliased(Identifier), aliased(Identifier)


def get(session: Session, candidate_id: int, *, lock: bool = False) -> LinkCandidate:
    """One candidate as it is now; `lock`: nobody else decides it meanwhile. Raises NotFound."""
    chosen = select(LinkCandidate).where(LinkCandidate.id == candidate_id)
    if lock:
        chosen = chosen.with_for_update().execution_options(populate_existing=True)
    row = session.scalar(chosen)
    if row is None:
        raise NotFound("没有这个候选，可能已经清理。")
    return row


def counts(session: Session) -> dict[State, int]:
    """How many there are in each state."""
    rows = session.execute(
        select(LinkCandidate.state, func.count()).group_by(LinkCandidate.state)
    ).all()
    found = {State(state): number for state, number in rows}
    return {state: found.get(state, 0) for state in State}


def move(candidate: LinkCandidate, state: State, now: datetime, **values: Any) -> None:
    """Bring it to `state`, with what is known about that. Raises Refused for a forbidden move."""
    if state not in MOVES[State(candidate.state)]:
        raise Refused("这个候选已经有人处理过了，请刷新后再看。")
    candidate.state, candidate.updated_at = state, now
    for name, value in values.items():
        setattr(candidate, name, value)


def tidy(session: Session, now: datetime) -> dict[State, int]:
    """Bring every candidate in line with the identity graph; how many expired and reopened.

    A question expires when both are one ONE ID or one of them was forgotten. An answer whose
    judgement was taken back elsewhere is a question again.
    """
    moved = {State.EXPIRED: 0, State.OPEN: 0}
    for candidate in _taken_back(session):
        reopen(candidate, ELSEWHERE, now)
        moved[State.OPEN] += 1
    while page := _no_question(session):
        for candidate in page:
            move(candidate, State.EXPIRED, now)
        moved[State.EXPIRED] += len(page)
        session.flush()
    return moved


def reopen(candidate: LinkCandidate, actor: str, now: datetime) -> None:
    """Nobody has decided it; no rule will decide it by itself again."""
    if candidate.state != State.OPEN:
        move(candidate, State.OPEN, now, second_by=None, second_at=None, override_id=None)
    candidate.decided_by = candidate.decided_at = None
    candidate.undone_by, candidate.updated_at = actor, now


def _taken_back(session: Session) -> Sequence[LinkCandidate]:
    chosen = (
        select(LinkCandidate)
        .join(Override, Override.id == LinkCandidate.override_id)
        .where(Override.retracted_at.is_not(None))
        .order_by(LinkCandidate.id)
    )
    return session.scalars(_held(chosen)).all()


def _no_question(session: Session) -> Sequence[LinkCandidate]:
    """The next that wait in vain. No value is read: a sealed "" is as long as every other."""
    gone = or_(*(func.length(one.value) <= crypto.EMPTY_BYTES for one in (_A, _B)))
    chosen = (
        select(LinkCandidate)
        .join(_A, _A.id == LinkCandidate.a_id)
        .join(_B, _B.id == LinkCandidate.b_id)
        .where(LinkCandidate.state.in_(WAITING), or_(_A.one_id == _B.one_id, gone))
        .order_by(LinkCandidate.id)
        .limit(PAGE)
    )
    return session.scalars(_held(chosen)).all()


def _held(chosen: Select[LinkCandidate]) -> Select[LinkCandidate]:
    """As they are now, without those on which somebody decides in this moment."""
    held = chosen.with_for_update(of=LinkCandidate, skip_locked=True)
    return held.execution_options(populate_existing=True)
