"""Hours at which a rep said “not now” about a physician: the next card leaves at another one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.identity import Identifier
from app.infra.clock import local
from app.recommend import State, Suggestion, SuggestionAnswer
from app.recommend.day.later import Part

REMEMBERED = timedelta(days=60)
CHUNK = 1000


@dataclass(slots=True)
class Bad:
    """Full hours in China, and the better part of the day that was named last."""

    hours: set[int] = field(default_factory=set)
    better: Part | None = None


def bad_hours(
    session: Session, rep_id: int, one_ids: Sequence[str], now: datetime
) -> dict[str, Bad]:
    """By ONE ID; only what this rep said, lately."""
    found: dict[str, Bad] = {}
    for start in range(0, len(one_ids), CHUNK):
        rows = session.execute(
            select(Identifier.one_id, Suggestion.delivered_at, SuggestionAnswer)
            .join(Suggestion, Suggestion.identifier_id == Identifier.id)
            .join(SuggestionAnswer, SuggestionAnswer.suggestion_id == Suggestion.id)
            .where(
                Identifier.one_id.in_(one_ids[start : start + CHUNK]),
                Suggestion.rep_id == rep_id,
                Suggestion.state == State.REFUSED,
                Suggestion.refusal == "timing",
                SuggestionAnswer.reason.startswith("timing"),
                SuggestionAnswer.at > now - REMEMBERED,
            )
            .order_by(SuggestionAnswer.id)
        )
        for one_id, delivered_at, answer in rows:
            mine = found.setdefault(one_id, Bad())
            mine.hours.add(local(delivered_at or answer.at).hour)
            part = answer.reason.partition(":")[2]
            mine.better = Part(part) if part in set(Part) else mine.better
    return found
