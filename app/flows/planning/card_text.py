"""A card says what is true when it leaves: it was written hours before, or days."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.delivery import Dispatch, Way
from app.flows.planning.reasons_now import reasons_now
from app.flows.planning.suggestion_card import with_reasons
from app.recommend import Suggestion


def bring_up_to_date(session: Session, messages: Sequence[Dispatch], now: datetime) -> None:
    """Of the cards among these, with the reasons that hold now. What may have arrived stays: the
    platform takes it for the same only while it says the same."""
    cards = [
        one for one in messages
        if one.way == Way.REP_CARD and one.suggestion_id and not one.maybe_sent
    ]  # fmt: skip
    if not cards:
        return
    mine = Suggestion.id.in_({one.suggestion_id for one in cards})
    told = reasons_now(session, session.scalars(select(Suggestion).where(mine)).all(), now)
    for one in cards:
        card = with_reasons(one.payload["card"], told[one.suggestion_id or 0])
        if card != one.payload["card"]:
            one.payload = one.payload | {"card": card}
