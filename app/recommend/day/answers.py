"""What reps answer, and what follows from it for later plans."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date, datetime, timedelta
from enum import StrEnum

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from app.infra.clock import local, midnight
from app.infra.db import insert_once
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
BESIDE = "beside:"  # begins the plan keys of what reps take for themselves
MUTE, REOPEN = "mute", "reopen"


def answer(
    session: Session,
    suggestion: Suggestion,
    given: Answer,
    *,
    ref: str,
    now: datetime,
    reason: str = "",
    refuse_days: int = 30,
    until: datetime | None = None,
    hint: str = "",
) -> bool:
    """Note an answer once per `ref`; False when it was noted before.

    Everything that was tapped is kept; what was adopted stays adopted. `until`: when a postponed
    one comes back; `hint`: what was said with it, kept with the answer.
    """
    values = {
        "suggestion_id": suggestion.id, "answer": given,
        "reason": f"{reason}:{hint}" if hint else reason, "ref": ref, "at": now,
    }  # fmt: skip
    if not insert_once(session, SuggestionAnswer, values, "ref"):
        return False
    if suggestion.state == State.ADOPTED:
        return True
    suggestion.answered_at = now
    if suggestion.delivered_at is None and _was_shown(suggestion):
        suggestion.delivered_at = now
    if given is Answer.REFUSE:
        suggestion.state = State.REFUSED
        suggestion.refusal = reason or suggestion.refusal
        days = TIMING_DAYS if suggestion.refusal == "timing" else refuse_days
        suggestion.hidden_until = now + timedelta(days=days)
    else:
        suggestion.refusal = None  # an earlier one says nothing any more
        later = given is Answer.LATER
        suggestion.state = State.LATER if later else State.ADOPTED
        suggestion.hidden_until = (until or tomorrow(now)) if later else None
    session.flush()
    return True


def _was_shown(suggestion: Suggestion) -> bool:
    """Whether an answer on the list, before the card has left, says something about what was
    suggested: not where the rep has picked it, nor where only its way is another one."""
    picked = suggestion.plan_key.startswith(BESIDE)
    return not picked and not (suggestion.verdict or {}).get("not_got")


def reopen(session: Session, suggestion: Suggestion, *, ref: str, now: datetime) -> None:
    """The rep takes a refusal back: it waits for an answer again."""
    _note(session, suggestion, REOPEN, ref, now)
    suggestion.state = State.DELIVERED if suggestion.delivered_at else State.PLANNED
    suggestion.refusal = suggestion.hidden_until = suggestion.answered_at = None
    session.flush()


def mute(session: Session, suggestion: Suggestion, *, ref: str, now: datetime) -> None:
    """The rep wants no more cards today."""
    _note(session, suggestion, MUTE, ref, now)


def _note(session: Session, suggestion: Suggestion, what: str, ref: str, now: datetime) -> None:
    values = {
        "suggestion_id": suggestion.id, "answer": what, "reason": "", "ref": ref, "at": now,
    }  # fmt: skip
    insert_once(session, SuggestionAnswer, values, "ref")


def hold(session: Session, rows: Sequence[Suggestion]) -> None:
    """Nobody else answers these, or sends what speaks of them, until the transaction ends; but for
    whoever has one in hand now."""
    mine = Suggestion.id.in_([row.id for row in rows])
    session.execute(select(Suggestion.id).where(mine).with_for_update(skip_locked=True))


def muted(session: Session, rep_ids: Collection[int], day: date) -> set[int]:
    """Those of these reps who asked for no more cards on this day."""
    last = session.execute(
        select(Suggestion.rep_id, func.max(SuggestionAnswer.at).label("at"))
        .join(Suggestion, Suggestion.id == SuggestionAnswer.suggestion_id)
        .where(Suggestion.rep_id.in_(rep_ids), SuggestionAnswer.answer == MUTE)
        .group_by(Suggestion.rep_id)
    )
    return {row.rep_id for row in last if local(row.at).date() == day}


def is_muted(session: Session, rep_id: int, day: date) -> bool:
    """Whether the rep is one of them."""
    return rep_id in muted(session, [rep_id], day)


def expire_unanswered(session: Session, rep_id: int, before: date) -> int:
    """Suggestions of earlier days that nobody answered; returns how many."""
    done = session.execute(
        update(Suggestion)
        .where(
            Suggestion.rep_id == rep_id,
            Suggestion.day < before,
            Suggestion.state.in_((State.PLANNED, State.DELIVERED)),
        )
        .values(state=State.EXPIRED)
    )
    return int(done.rowcount)  # type: ignore[attr-defined]


def give_up(session: Session, rep_id: int, identifier_ids: Sequence[int] | None = None) -> None:
    """What waits for this rep's answer, about these or everybody, waits no more, and nothing
    reminds of it: the rep cannot answer, and keeps colleagues from the physician meanwhile."""
    waits = (State.PLANNED, State.DELIVERED, State.LATER)
    waiting = update(Suggestion).where(Suggestion.rep_id == rep_id, Suggestion.state.in_(waits))
    if identifier_ids is not None:
        waiting = waiting.where(Suggestion.identifier_id.in_(identifier_ids))
    session.execute(waiting.values(state=State.CANCELLED))


def count_of_day(session: Session, rep_id: int, days: Sequence[date]) -> dict[date, int]:
    """How many suggestions a rep has on each of these days; cancelled ones do not count, nor what
    the rep has taken beside a chat."""
    rows = session.execute(
        select(Suggestion.day, func.count().label("number"))
        .where(
            Suggestion.rep_id == rep_id,
            Suggestion.day.in_(days),
            Suggestion.state != State.CANCELLED,
            Suggestion.plan_key.not_like(f"{BESIDE}%"),
        )
        .group_by(Suggestion.day)
    )
    return dict.fromkeys(days, 0) | {row.day: row.number for row in rows}


def tomorrow(now: datetime) -> datetime:
    """The next midnight in China."""
    return midnight(now) + timedelta(days=1)


def of_rep(session: Session, rep_id: int, day: date | None = None) -> list[Suggestion]:
    """A rep's suggestions, of one day or the newest."""
    chosen = select(Suggestion).where(Suggestion.rep_id == rep_id)
    if day:
        chosen = chosen.where(Suggestion.day == day).order_by(Suggestion.position)
    else:
        chosen = chosen.order_by(Suggestion.id.desc()).limit(100)
    return list(session.scalars(chosen))
