"""What reps answer, and what follows from it for later plans."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from enum import StrEnum

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.infra.clock import local
from app.infra.db import insert_once
from app.infra.errors import NotFound
from app.recommend.models import State, Suggestion, SuggestionAnswer


class Answer(StrEnum):
    """The three buttons."""

    ADOPT = "adopt"
    LATER = "later"
    REFUSE = "refuse"


REFUSALS = {
    "content": "内容不合适",
    "timing": "时机不合适",
    "discussed": "已经沟通过",
    "not_mine": "不是我的客户",
    "other": "其他",
}
TIMING_DAYS = 7


def answer(
    session: Session,
    suggestion: Suggestion,
    given: Answer,
    *,
    ref: str,
    now: datetime,
    reason: str = "",
    refuse_days: int = 30,
) -> bool:
    """Note an answer once per `ref`; False when it was noted before."""
    values = {
        "suggestion_id": suggestion.id, "answer": given, "reason": reason, "ref": ref, "at": now,
    }  # fmt: skip
    if not insert_once(session, SuggestionAnswer, values, "ref"):
        return False
    suggestion.answered_at = now
    if given is Answer.ADOPT:
        suggestion.state, suggestion.hidden_until = State.ADOPTED, None
    elif given is Answer.LATER:
        suggestion.state, suggestion.hidden_until = State.LATER, tomorrow(now)
    else:
        suggestion.state = State.REFUSED
        suggestion.refusal = reason or suggestion.refusal
        days = TIMING_DAYS if reason == "timing" else refuse_days
        suggestion.hidden_until = now + timedelta(days=days)
    session.flush()
    return True


def tomorrow(now: datetime) -> datetime:
    """The next midnight in China."""
    here = local(now).replace(hour=0, minute=0, second=0, microsecond=0)
    return (here + timedelta(days=1)).astimezone(now.tzinfo)


def get_suggestion(session: Session, suggestion_id: int) -> Suggestion:
    """The suggestion. Raises NotFound."""
    row = session.get(Suggestion, suggestion_id)
    if row is None:
        raise NotFound("没有这条建议。")
    return row


def of_rep(session: Session, rep_id: int, day: date | None = None) -> list[Suggestion]:
    """A rep's suggestions, of one day or the newest."""
    chosen = select(Suggestion).where(Suggestion.rep_id == rep_id)
    if day:
        chosen = chosen.where(Suggestion.day == day).order_by(Suggestion.position)
    else:
        chosen = chosen.order_by(Suggestion.id.desc()).limit(100)
    return list(session.scalars(chosen))
