"""Whoever is new or has changed is compared; likely pairs wait for people, sure ones are joined."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.orm import Session

from app import linkage
from app.flows.identity import judgement
from app.flows.identity.judgement import Judgement
from app.identity import Identifier, owners
from app.identity.component import try_hold
from app.infra.errors import Refused
from app.linkage import LinkCandidate, Pair, State

PIECE = 20  # physicians of one transaction
ACTOR = "rule:linkage"
REASON = "姓名一致，并且医院科室或手机号也一致，没有任何矛盾"


def link_due(session: Session, now: datetime, limit: int = PIECE) -> int:
    """Look at the next that have changed; how many there were.

    While others wait nobody is joined: how common a name is would be told by half of those who have
    it. Sure pairs are held back until nobody waits, and are then looked at again, by this as well.
    """
    waiting = linkage.due(session, limit)
    if waiting:
        scorer = linkage.scorer(session, now)
        found = linkage.look(session, waiting, scorer)
        joining = not linkage.others_wait(session)
        place(session, found, scorer.model.version, now, joining=joining)
    return len(waiting)


def place(
    session: Session, found: Sequence[Pair], version: str, now: datetime, *, joining: bool = True
) -> dict[str, int]:
    """Put pairs into the queue and join the sure ones, if `joining`; how many of each."""
    told = {"open": 0, "automatic": 0}
    for candidate, pair in linkage.put(session, found, version, now):
        sure = pair.sure and candidate.undone_by is None and candidate.decided_by is None
        if sure and not joining:
            linkage.hold_back(candidate)
        joined = sure and joining and _join(session, candidate, pair, now)
        told["automatic" if joined else "open"] += 1
    return told


def _join(session: Session, candidate: LinkCandidate, pair: Pair, now: datetime) -> bool:
    """False when the rules of ONE ID forbid it, or both are one by now.

    Also when one of them is not any more whom we compared, because a pair before this one joined
    them with a third, or somebody else changes them in this moment: then they are due again.
    """
    both = candidate.a_id, candidate.b_id
    free = try_hold(session, both)
    if len(set(owners(session, set(both)).values())) == 1:
        linkage.move(candidate, State.EXPIRED, now)
        return False
    if not free or not linkage.unchanged(session, pair):
        linkage.look_again(session, both)
        return False
    a, b = (session.get_one(Identifier, one, populate_existing=True) for one in both)
    try:
        made = judgement.judge(session, Judgement.SAME, a, b, actor=ACTOR, reason=REASON, now=now)
    except Refused:
        return False
    linkage.move(
        candidate, State.AUTOMATIC, now, override_id=made.id, decided_by=ACTOR, decided_at=now
    )
    session.flush()
    return True
