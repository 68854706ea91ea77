"""A card says what is true when it leaves: it was written hours before, or days."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from app import content, identity
from app.content import ContentVersion
from app.delivery import Dispatch, State, Way
from app.flows.planning.reasons_now import reasons_now
from app.flows.planning.suggestion_card import retitled, with_reasons
from app.identity import Identifier
from app.recommend import Suggestion


def renew_waiting(session: Session, old_id: int, version: ContentVersion) -> None:
    """Cards of daily plans that wait with this old version are about the new one, at their hour.
    Those of a push are left: it runs again."""
    waiting = select(Dispatch).where(
        Dispatch.way == Way.REP_CARD, Dispatch.state == State.QUEUED,
        Dispatch.maybe_sent.is_(False), Dispatch.campaign_id.is_(None),
        Dispatch.content_version_id == old_id,
    )  # fmt: skip
    fresh = waiting.execution_options(populate_existing=True)
    for one in session.scalars(fresh.order_by(Dispatch.id).with_for_update()).all():
        _renew(session, one, version)
    session.flush()


def follow_versions(session: Session, messages: Sequence[Dispatch], now: datetime) -> None:
    """Before they are judged: cards are about the version in force, which may have begun a moment
    ago, or while a worker had them in its hands."""
    cards = _cards(messages)
    if not cards:
        return
    mine = Suggestion.id.in_({one.suggestion_id for one in cards})
    asked = session.execute(select(Suggestion.id, Suggestion.content_version_id).where(mine))
    about = {row.id: content.in_force(session, row.content_version_id, now) for row in asked}
    for one in cards:
        version_id = about.get(one.suggestion_id or 0, one.content_version_id)
        if version_id is not None and version_id != one.content_version_id:
            _renew(session, one, content.get_version(session, version_id))


def bring_up_to_date(session: Session, messages: Sequence[Dispatch], now: datetime) -> None:
    """Of the cards among these, with the reasons that hold now. What may have arrived stays: the
    platform takes it for the same only while it says the same."""
    cards = _cards(messages)
    if not cards:
        return
    mine = Suggestion.id.in_({one.suggestion_id for one in cards})
    told = reasons_now(session, session.scalars(select(Suggestion).where(mine)).all(), now)
    for one in cards:
        card = with_reasons(one.payload["card"], told[one.suggestion_id or 0])
        if card != one.payload["card"]:
            one.payload = one.payload | {"card": card}


def _cards(messages: Sequence[Dispatch]) -> list[Dispatch]:
    return [
        one for one in messages
        if one.way == Way.REP_CARD and one.suggestion_id and not one.maybe_sent
    ]  # fmt: skip


def _renew(session: Session, card: Dispatch, version: ContentVersion) -> None:
    identifier = session.get_one(Identifier, card.identifier_id)
    physician = identity.get_physician(session, identifier.one_id)
    card.content_version_id = version.id
    card.payload = card.payload | {"card": retitled(card.payload["card"], physician, version)}
