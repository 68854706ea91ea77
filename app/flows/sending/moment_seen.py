"""What comes of a moment: who saw it, or that nobody will."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy.orm import Session

from app import campaigns, content, delivery, journey, reps
from app.delivery import Dispatch, Receipt, State, Way
from app.delivery import moments as rows
from app.delivery.moment_models import Moment, MomentViewer, Step
from app.flows.sending.moment_barred import NOT_SHOWN, Barred
from app.flows.sending.sent import BESIDE_CHAT, tell_not_sent
from app.journey import Happened
from app.recommend import State as Answered
from app.recommend import Suggestion

CHANNEL = "moment"


def publish(session: Session, row: Moment, seen: Collection[str], now: datetime) -> None:
    """The rep has published it; `seen`: external userids of those who find it in their moments."""
    row.step, row.published_at = Step.PUBLISHED, now
    for viewer, dispatch in rows.viewers_of(session, row.id):
        if dispatch is None or dispatch.state not in rows.MARKED:
            continue
        if dispatch.payload.get("external_userid") in seen:
            _reached(session, row, viewer, dispatch, now)
        elif dispatch.receipt is None:
            delivery.record_receipt(session, dispatch, Receipt.NOT_SEEN, now)
            _left_out(session, viewer, dispatch, NOT_SHOWN, now, BESIDE_CHAT)


def leave_out(session: Session, row: Moment, barred: Collection[Barred], now: datetime) -> bool:
    """These have lost their mark and were not contacted. False when nobody is left to see it."""
    why = {one.dispatch_id: one.why for one in barred}
    left = False
    for viewer, dispatch in rows.viewers_of(session, row.id):
        if dispatch is None or dispatch.state not in rows.MARKED or dispatch.receipt is not None:
            continue
        if dispatch.id not in why:
            left = True
            continue
        dispatch.error = why[dispatch.id]
        delivery.record_receipt(session, dispatch, Receipt.NOT_SEEN, now)
        _left_out(session, viewer, dispatch, why[dispatch.id], now)
    return left


def fail(session: Session, row: Moment, why: str, now: datetime) -> None:
    """It will not be published: nobody was contacted, and the rep hears why."""
    row.step, row.error, row.check_at = Step.FAILED, why, now
    for viewer, dispatch in rows.viewers_of(session, row.id):
        if dispatch is not None and dispatch.state == State.QUEUED:
            delivery.cancel(session, dispatch, why)
        if dispatch is not None and dispatch.receipt is None:
            delivery.record_receipt(session, dispatch, Receipt.NOT_SEEN, now)
        _take_back(session, viewer)
    rep = reps.get_rep(session, row.rep_id)
    version = content.get_version(session, row.content_version_id)
    delivery.queue(
        session, way=Way.REP_TEXT, dedupe_key=f"moment-failed:{row.id}",
        payload={"corp_id": rep.corp_id, "userid": rep.userid,
                 "text": f"朋友圈《{version.title}》没有发出：{why}。"},
        rep_id=rep.id, now=now,
    )  # fmt: skip
    campaigns.go_on_soon(session, row.campaign_id, row.content_version_id, why, now)


def _reached(
    session: Session, row: Moment, viewer: MomentViewer, dispatch: Dispatch, now: datetime
) -> None:
    dispatch.sent_at = now  # the mark said nothing to anybody: the contact is this one
    dispatch.counts_as_contact = True  # also for who should have lost the mark before
    delivery.record_receipt(session, dispatch, Receipt.FORWARDED, now)
    journey.note(
        session, viewer.identifier_id, Happened.CONTENT_SENT, channel=CHANNEL, at=now,
        ref=f"dispatch:{dispatch.id}", rep_id=row.rep_id,
        content_version_id=row.content_version_id, campaign_id=dispatch.campaign_id,
    )  # fmt: skip
    suggestion = _suggestion(session, viewer)
    if suggestion is not None and suggestion.forwarded_at is None:
        suggestion.forwarded_at = now


def _left_out(
    session: Session, viewer: MomentViewer, dispatch: Dispatch, why: str, now: datetime,
    then: str = "",
) -> None:  # fmt: skip
    """The others see it: only the list and a word to the rep say that this one does not."""
    suggestion = _suggestion(session, viewer)
    if suggestion is not None and suggestion.state == Answered.ADOPTED:
        suggestion.state = Answered.CANCELLED
        suggestion.verdict = suggestion.verdict | {"refused": why}
        tell_not_sent(session, suggestion, dispatch, now, why, then)


def _take_back(session: Session, viewer: MomentViewer) -> None:
    suggestion = _suggestion(session, viewer)
    if suggestion is not None and suggestion.state == Answered.ADOPTED:
        suggestion.state = Answered.CANCELLED


def _suggestion(session: Session, viewer: MomentViewer) -> Suggestion | None:
    return session.get(Suggestion, viewer.suggestion_id) if viewer.suggestion_id else None
