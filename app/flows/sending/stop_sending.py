"""What waits to be sent must not go out any more: taken back, with everything that hangs on it."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import ColumnElement, select, update
from sqlalchemy.orm import Session

from app import delivery
from app.delivery import Dispatch, Way
from app.delivery import State as Sending
from app.flows.sending.sent import after_sent
from app.recommend import State, Suggestion


def stop_sending(
    session: Session,
    why: str,
    now: datetime,
    *,
    content_version_id: int | None = None,
    identifier_ids: Collection[int] | None = None,
    rep_id: int | None = None,
    campaign_id: int | None = None,
) -> int:
    """Cancel what is queued of a content, of a campaign, or for these persons (through one rep).

    Moments that are not published yet are looked at: who is marked may lose the mark. So are group
    tasks that no rep has confirmed: they may be taken back.

    A suggestion whose card will not come leaves the rep's list. Who has adopted one and waits for
    the text is told why it does not come. Returns how many messages were cancelled.
    """
    chosen: list[ColumnElement[bool]] = []
    if content_version_id is not None:
        chosen.append(Dispatch.content_version_id == content_version_id)
    if identifier_ids is not None:
        chosen.append(Dispatch.identifier_id.in_(identifier_ids))
    if rep_id is not None:
        chosen.append(Dispatch.rep_id == rep_id)
    if campaign_id is not None:
        chosen.append(Dispatch.campaign_id == campaign_id)
    versions = None if content_version_id is None else [content_version_id]
    delivery.moments.wake(
        session, now, content_version_ids=versions, identifier_ids=identifier_ids, rep_id=rep_id,
        campaign_id=campaign_id, gathering=versions is not None or campaign_id is not None,
    )  # fmt: skip
    delivery.ask_again(session, now, *chosen)
    stopped = _take_back_promises(session, why, chosen, now)
    stopped += delivery.cancel_for(
        session, why, content_version_id=content_version_id, identifier_ids=identifier_ids,
        rep_id=rep_id, campaign_id=campaign_id,
    )  # fmt: skip
    cards = select(Dispatch.suggestion_id).where(  # not of reps who wanted none before
        Dispatch.way == Way.REP_CARD, Dispatch.state == Sending.CANCELLED, Dispatch.error == why,
        *chosen,
    )  # fmt: skip
    session.execute(
        update(Suggestion)
        .where(Suggestion.state == State.PLANNED, Suggestion.id.in_(cards))
        .values(state=State.CANCELLED)
    )
    return stopped


def _take_back_promises(
    session: Session, why: str, chosen: Collection[ColumnElement[bool]], now: datetime
) -> int:
    """Of those that a rep has adopted; a worker that was faster keeps its message."""
    promised = (
        select(Dispatch)
        .where(
            Dispatch.state == Sending.QUEUED,
            Dispatch.maybe_sent.is_(False),
            Dispatch.counts_as_contact.is_(True),
            Dispatch.suggestion_id.is_not(None),
            *chosen,
        )
        .with_for_update()
    )
    stopped = 0
    for dispatch in session.scalars(promised).all():
        delivery.cancel(session, dispatch, why)
        after_sent(session, dispatch, now)
        stopped += dispatch.state == Sending.CANCELLED
    return stopped
