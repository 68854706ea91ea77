"""“Not my physician”: a claim keeps the physician off the rep's lists until staff decide.

It ends by itself when the two are connected anew after the decision: then the rep wants it so.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy import bindparam, func, or_, select, update
from sqlalchemy.orm import Session

from app.feedback.models import ClaimState, RelationClaim
from app.identity.models import Identifier
from app.infra.direct import Direct
from app.infra.errors import NotFound, Refused
from app.infra.many import among
from app.reps import Rep, RepContact

CHUNK = 1000
HOLDS = (ClaimState.OPEN, ClaimState.REMOVED, ClaimState.REASSIGNED)
DECISIONS = (ClaimState.REMOVED, ClaimState.REASSIGNED, ClaimState.WRONG)


def claim(
    session: Session, rep_id: int, identifier_id: int, suggestion_id: int, now: datetime
) -> RelationClaim:
    """The rep says so; once while the first is open."""
    known = session.scalar(
        select(RelationClaim).where(
            RelationClaim.rep_id == rep_id,
            RelationClaim.identifier_id == identifier_id,
            RelationClaim.state == ClaimState.OPEN,
        )
    )
    if known is None:
        known = RelationClaim(
            rep_id=rep_id, identifier_id=identifier_id, suggestion_id=suggestion_id,
            state=ClaimState.OPEN, claimed_at=now,
        )  # fmt: skip
        session.add(known)
        session.flush()
    return known


def decide(
    session: Session,
    claim_id: int,
    decision: ClaimState,
    *,
    by: str,
    reason: str,
    now: datetime,
    to_rep_id: int | None = None,
) -> RelationClaim:
    """What became of it. Raises NotFound, Refused."""
    row = _locked(session, claim_id)
    if row.state != ClaimState.OPEN:
        raise Refused("这条已经有人处理过了，可以先撤销再重新处理。")
    if decision not in DECISIONS:
        raise Refused("请选择一种处理方式。")
    if decision is ClaimState.REASSIGNED:
        other = session.get(Rep, to_rep_id) if to_rep_id else None
        if other is None or not other.active or other.id == row.rep_id:
            raise Refused("请选择接手的代表：在职的另一位代表。")
    if decision is ClaimState.WRONG and not reason.strip():
        raise Refused("请写明为什么仍由这位代表负责，代表会看到。")
    row.state, row.decided_at, row.decided_by = decision, now, by
    row.decision = reason.strip()[:200]
    row.to_rep_id = to_rep_id if decision is ClaimState.REASSIGNED else None
    session.flush()
    return row


def undo(session: Session, claim_id: int) -> RelationClaim:
    """It waits for a decision again. Raises NotFound, Refused."""
    row = _locked(session, claim_id)
    if row.state == ClaimState.OPEN:
        raise Refused("这条还没有处理，没有可以撤销的。")
    row.state, row.decided_at, row.decided_by = ClaimState.OPEN, None, None
    row.decision, row.to_rep_id = None, None
    session.flush()
    return row


def take_back(session: Session, suggestion_id: int, also: int | None = None) -> None:
    """The rep did not mean it; it stays when the rep says so with another suggestion, `also`, too.
    Raises Refused when somebody has found it true."""
    row = session.scalar(
        select(RelationClaim).where(RelationClaim.suggestion_id == suggestion_id).with_for_update()
    )
    if row is None or row.state == ClaimState.WRONG:
        return
    if row.state != ClaimState.OPEN:
        raise Refused("这位医生已经核实不归您联系，这条不能再撤回。")
    if also is None:
        session.delete(row)
    else:
        row.suggestion_id = also
    session.flush()


def same_rep(session: Session, old: int, new: int) -> None:
    """Both are one person: what the one has said the other has."""
    session.execute(
        update(RelationClaim).where(RelationClaim.rep_id == old).values(rep_id=new)
    )  # fmt: skip


def held(session: Session, one_ids: Sequence[str], rep_id: int) -> dict[str, bool]:
    """Physicians who are off this rep's lists; True while nobody has decided."""
    found: dict[str, bool] = {}
    for start in range(0, len(one_ids), CHUNK):
        some = {"ids": one_ids[start : start + CHUNK], "rep": rep_id}
        for one_id, state in _HELD.all(session, some):
            if state in HOLDS:  # asked here, or SQLite goes by the state of everybody's
                found[one_id] = found.get(one_id, False) or state == ClaimState.OPEN
    return found


def not_theirs(session: Session, one_ids: Sequence[str]) -> dict[str, set[int]]:
    """The reps who say that these physicians are not theirs, decided or not, unless found wrong."""
    chosen = (
        select(Identifier.one_id, RelationClaim.rep_id)
        .join(Identifier, Identifier.id == RelationClaim.identifier_id)
        .outerjoin(RepContact, _WITH_RELATION)
        .where(among(Identifier.one_id, "ids"), RelationClaim.state.in_(HOLDS), _IN_FORCE)
    )
    found: dict[str, set[int]] = {}
    for one_id, rep_id in session.execute(chosen, {"ids": one_ids}):
        found.setdefault(one_id, set()).add(rep_id)
    return found


def listing(session: Session, states: Iterable[str] = (), limit: int = 200) -> list[RelationClaim]:
    """Claims in these states, or all: those that wait first, the oldest of them first."""
    waits = RelationClaim.state != ClaimState.OPEN
    chosen = select(RelationClaim).order_by(
        waits, RelationClaim.decided_at.desc(), RelationClaim.id
    )
    wanted = list(states)
    if wanted:
        chosen = chosen.where(RelationClaim.state.in_(wanted))
    return list(session.scalars(chosen.limit(limit)))


def count_open(session: Session) -> int:
    """How many wait for a decision."""
    number = select(func.count()).where(RelationClaim.state == ClaimState.OPEN)
    return session.scalar(number.select_from(RelationClaim)) or 0


def _locked(session: Session, claim_id: int) -> RelationClaim:
    row = session.get(RelationClaim, claim_id, with_for_update=True, populate_existing=True)
    if row is None:
        raise NotFound("没有这条归属反馈。")
    return row


def _pair(one_id: str, state: str) -> tuple[str, str]:
    return one_id, state


_IN_FORCE = or_(
    RelationClaim.decided_at.is_(None),
    RepContact.since.is_(None),
    RepContact.since <= RelationClaim.decided_at,
)
_WITH_RELATION = (
    (RepContact.identifier_id == RelationClaim.identifier_id)
    & (RepContact.rep_id == RelationClaim.rep_id)
)  # fmt: skip
_HELD = Direct(
    select(Identifier.one_id, RelationClaim.state)
    .join(Identifier, Identifier.id == RelationClaim.identifier_id)
    .outerjoin(RepContact, _WITH_RELATION)
    .where(among(Identifier.one_id, "ids"), RelationClaim.rep_id == bindparam("rep"), _IN_FORCE),
    _pair,
)
