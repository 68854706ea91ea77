"""Staff decide about “not my physician”; the rep hears what came of it."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import update
from sqlalchemy.orm import Session

from app import delivery, feedback, identity, reps
from app.delivery import Way
from app.feedback import ClaimState, RelationClaim
from app.identity import Identifier
from app.recommend import State, Suggestion
from app.reps import Rep


def decide_claim(
    session: Session,
    claim_id: int,
    decision: ClaimState,
    *,
    by: str,
    reason: str,
    now: datetime,
    to_rep_id: int | None = None,
) -> RelationClaim:
    """Decide, lift the pause when the rep is mistaken, and tell. Raises NotFound, Refused."""
    row = feedback.claims.decide(
        session, claim_id, decision, by=by, reason=reason, now=now, to_rep_id=to_rep_id
    )
    if decision is ClaimState.WRONG:
        _lift(session, row, now)
    _tell_those_concerned(session, row, now)
    return row


def undo_claim(session: Session, claim_id: int, now: datetime) -> RelationClaim:
    """It waits again, and the physician is off the rep's lists meanwhile."""
    before = feedback.claims.undo(session, claim_id)
    delivery.moments.wake(session, now, rep_id=before.rep_id)
    text = "关于“{name} 不是我的客户”的处理已撤销，市场部会重新确认；在此之前不再向您推荐。"
    _tell(session, before, reps.get_rep(session, before.rep_id), text, "undone", now)
    return before


def _lift(session: Session, row: RelationClaim, now: datetime) -> None:
    session.execute(
        update(Suggestion)
        .where(
            Suggestion.rep_id == row.rep_id,
            Suggestion.identifier_id == row.identifier_id,
            Suggestion.state == State.REFUSED,
            Suggestion.refusal == "not_mine",
            Suggestion.hidden_until > now,
        )
        .values(hidden_until=now)
    )


def _tell_those_concerned(session: Session, row: RelationClaim, now: datetime) -> None:
    rep = reps.get_rep(session, row.rep_id)
    why = f"原因：{row.decision}" if row.decision else ""
    if row.state == ClaimState.REMOVED:
        text = f"已确认 {{name}} 不由您负责，不再向您推荐。{why}"
    elif row.state == ClaimState.REASSIGNED and row.to_rep_id is not None:
        other = reps.get_rep(session, row.to_rep_id)
        text = f"已确认 {{name}} 不由您负责，改由 {other.name} 负责，不再向您推荐。{why}"
        said = f"{{name}} 改由您负责（原代表 {rep.name}）。还不是好友的话，请先在企业微信里添加。"
        _tell(session, row, other, said, "given", now)
    else:
        text = f"市场部确认 {{name}} 仍由您负责，会继续向您推荐。{why}"
    _tell(session, row, rep, text, row.state, now)


def _tell(
    session: Session, row: RelationClaim, rep: Rep, text: str, part: str, now: datetime
) -> None:
    identifier = session.get_one(Identifier, row.identifier_id)
    name = identity.get_physician(session, identifier.one_id).name or "这位医生"
    said = text.replace("{name}", name)
    delivery.queue(
        session, way=Way.REP_TEXT, dedupe_key=f"claim:{row.id}:{part}:{now.isoformat()}",
        payload={"corp_id": rep.corp_id, "userid": rep.userid, "text": said},
        rep_id=rep.id, identifier_id=row.identifier_id, now=now,
    )  # fmt: skip
