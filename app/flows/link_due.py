"""Whoever is new or has changed is compared; likely pairs wait for people, sure ones are joined."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.orm import Session

from app import linkage
from app.flows import judgement
from app.flows.judgement import Judgement
from app.identity import Identifier
from app.infra.errors import Refused
from app.linkage import LinkCandidate, Pair, State

PIECE = 20  # physicians of one transaction
ACTOR = "rule:linkage"
REASON = "姓名一致，并且医院科室或手机号也一致，没有任何矛盾"


def link_due(session: Session, now: datetime, limit: int = PIECE) -> int:
    """Look at the next that have changed; how many there were."""
    waiting = linkage.due(session, limit)
    if waiting:
        scorer = linkage.scorer(session)
        found = linkage.look(session, waiting, scorer)
        place(session, found, scorer.model.version, now)
    return len(waiting)


def place(session: Session, found: Sequence[Pair], version: str, now: datetime) -> dict[str, int]:
    """Put pairs into the queue and join the sure ones; how many of each."""
    told = {"open": 0, "automatic": 0}
    for candidate, pair in linkage.put(session, found, version, now):
        joined = pair.sure and candidate.undone_by is None and candidate.decided_by is None
        joined = joined and _join(session, candidate, now)
        told["automatic" if joined else "open"] += 1
    return told


def _join(session: Session, candidate: LinkCandidate, now: datetime) -> bool:
    """False when the rules of ONE ID forbid it, or both are one by now."""
    a, b = (session.get_one(Identifier, one) for one in (candidate.a_id, candidate.b_id))
    if a.one_id == b.one_id:
        linkage.move(candidate, State.EXPIRED, now)
        return False
    try:
        made = judgement.judge(session, Judgement.SAME, a, b, actor=ACTOR, reason=REASON, now=now)
    except Refused:
        return False
    linkage.move(
        candidate, State.AUTOMATIC, now, override_id=made.id, decided_by=ACTOR, decided_at=now
    )
    session.flush()
    return True
