"""Results that the Official Account reports about messages of ours."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from app import consent, delivery, identity, journey
from app.consent import Action
from app.delivery import Dispatch, State, Way
from app.facts import SubscribeAnswered, TemplateDelivered
from app.flows import Received
from app.flows.sending.sent import after_sent
from app.identity import Id, Kind
from app.infra.errors import Transient
from app.journey import Happened

HANDLES = (TemplateDelivered, SubscribeAnswered)
SUBSCRIBE = "oa_subscribe"  # the consent channel of subscribe messages: not all of the account


def apply(
    session: Session,
    fact: TemplateDelivered | SubscribeAnswered,
    _prepared: None,
    event: Received,
    now: datetime,
) -> None:
    """A failed template is marked failed; an answer about subscribe messages is written down."""
    if isinstance(fact, TemplateDelivered):
        if not fact.ok:
            _note_failure(session, fact, now)
    elif fact.stage != "sent":
        _note_answer(session, fact, event)


def _note_failure(session: Session, fact: TemplateDelivered, now: datetime) -> None:
    """It had been taken for sent: the physician has not got it after all."""
    row = session.scalar(
        select(Dispatch).where(
            Dispatch.way == Way.OA_TEMPLATE, Dispatch.provider_id == fact.message_id
        )
    )
    if row is not None:
        delivery.record_failed(session, row, f"公众号返回：{fact.status}")
        after_sent(session, row, now)
        if row.identifier_id is not None:
            ref = f"dispatch:{row.id}"
            journey.take_back(session, row.identifier_id, Happened.CONTENT_SENT, ref)
    elif _is_being_sent(session, fact):
        raise Transient("a template to this follower is being sent, its number is not known yet")


def _is_being_sent(session: Session, fact: TemplateDelivered) -> bool:
    """The result may overtake the answer to the call; templates of others are none of ours."""
    follower = identity.find(session, Id(Kind.OPENID, fact.app_id, fact.openid))
    sending = select(Dispatch.id).where(
        Dispatch.way == Way.OA_TEMPLATE, Dispatch.state == State.SENDING,
        Dispatch.identifier_id == (follower.id if follower else None),
    )  # fmt: skip
    return session.scalar(sending.limit(1)) is not None


def _note_answer(session: Session, fact: SubscribeAnswered, event: Received) -> None:
    row = identity.find(session, Id(Kind.OPENID, fact.app_id, fact.openid))
    answers = {status for _, status in fact.results}
    if row is None or not row.value or not answers & {"accept", "reject"}:
        return  # who has left, or never followed, is not remembered
    action = Action.GRANT if "accept" in answers else Action.WITHDRAW
    fresh = journey.note(
        session, row.id, Happened.CONSENT_CHANGED, channel="oa", at=fact.at, ref=event.ref,
        detail={"action": action.value, "purpose": "subscribe_message"},
    )  # fmt: skip
    if fresh:
        consent.record(
            session, row.id, action=action, channel=SUBSCRIBE, source="subscribe_message",
            evidence=event.ref, at=fact.at,
        )  # fmt: skip
