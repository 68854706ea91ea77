"""When physicians were contacted: by what left us, and by reps who say that they have spoken."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from app import delivery
from app.delivery import Dispatch
from app.identity import Identifier
from app.infra.direct import Direct
from app.infra.many import among
from app.recommend import State, Suggestion

CHUNK = 1000


def contacted_at(
    session: Session, one_ids: Iterable[str], since: datetime, *, before: Dispatch | None = None
) -> dict[str, list[datetime]]:
    """As `delivery.contacted_at`, with the talks that reps told us of: 已经沟通过."""
    found = delivery.contacted_at(session, one_ids, since, before=before)
    people = list(found)
    for start in range(0, len(people), CHUNK):
        some = {"ids": people[start : start + CHUNK], "since": since}
        for one_id, at in _TALKED.all(session, some):
            found[one_id].append(at)
    return found


def _pair(one_id: str, at: datetime) -> tuple[str, datetime]:
    return one_id, at


_TALKED = Direct(
    select(Identifier.one_id, Suggestion.answered_at)
    .join(Identifier, Identifier.id == Suggestion.identifier_id)
    .where(
        among(Identifier.one_id, "ids"),
        Suggestion.state == State.REFUSED,
        Suggestion.refusal == "discussed",
        Suggestion.answered_at > bindparam("since"),
    )
    .order_by(Suggestion.id),
    _pair,
)
