"""Conflicts as cases of the review desk: evidence joins two, and a rule keeps them apart.

So a person decides on both kinds of question in one place, with the same keys, the same rule of
two and the same way back. A conflict that is gone, or that a person has settled, is no case.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import and_, exists, select
from sqlalchemy.orm import Session

from app.identity.models import Conflict
from app.infra.db import insert_all
from app.linkage.models import LinkCandidate, State
from app.linkage.queue import WAITING, move, reopen

RULES = "rules"  # the model version of a case that no model asked for
FIRST = 100.0  # bits: a conflict is a contradiction in what we know, and comes before a likeness
COLUMN = "conflict"
PIECE = 1000


def are_behind(session: Session) -> bool:
    """Whether some conflict is no case yet, or some case no conflict any more."""
    return any(session.execute(one.limit(1)).first() for one in (_NEW, _BACK, _SETTLED))


def take_conflicts(session: Session, now: datetime) -> int:
    """Bring the cases in line with the conflicts; returns how many are new."""
    for candidate in session.scalars(_SETTLED).all():
        move(candidate, State.EXPIRED, now)
    for candidate in session.scalars(_BACK).all():  # it was settled, and that was taken back
        reopen(candidate, RULES, now)
    new = session.execute(_NEW).all()
    rows: list[dict[str, Any]] = [
        {
            "a_id": a, "b_id": b, "score": FIRST, "probability": 0.5, "model_version": RULES,
            "weights": {COLUMN: {"level": reason, "bits": 0.0}}, "state": State.OPEN,
            "created_at": now, "updated_at": now,
        }
        for a, b, reason in new
    ]  # fmt: skip
    insert_all(session, LinkCandidate, rows, "a_id", "b_id")
    return len(rows)


_SAME_PAIR = and_(Conflict.a_id == LinkCandidate.a_id, Conflict.b_id == LinkCandidate.b_id)
_UNSETTLED = and_(Conflict.reason != "cannot_link", Conflict.state == "open")
_NEW = (
    select(Conflict.a_id, Conflict.b_id, Conflict.reason)
    .where(_UNSETTLED, ~exists().where(_SAME_PAIR))
    .order_by(Conflict.id)
    .limit(PIECE)
)
_SETTLED = select(LinkCandidate).where(
    LinkCandidate.model_version == RULES,
    LinkCandidate.state.in_(WAITING),
    ~exists().where(_SAME_PAIR, _UNSETTLED),
)
_BACK = select(LinkCandidate).where(
    LinkCandidate.model_version == RULES,
    LinkCandidate.state == State.EXPIRED,
    exists().where(_SAME_PAIR, _UNSETTLED),
)
