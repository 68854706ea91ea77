"""Results that the Official Account reports about messages of ours."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from app import consent, delivery, identity
from app.consent import Action
from app.delivery import Dispatch, Way
from app.facts import SubscribeAnswered, TemplateDelivered
from app.flows import Received
from app.identity import Id, Kind

HANDLES = (TemplateDelivered, SubscribeAnswered)


def apply(
    session: Session,
    fact: TemplateDelivered | SubscribeAnswered,
    _prepared: None,
    event: Received,
    now: datetime,
) -> None:
    """A failed template is marked failed; a refused subscription is a withdrawn permission."""
    if isinstance(fact, TemplateDelivered):
        row = session.scalar(
            select(Dispatch).where(
                Dispatch.way == Way.OA_TEMPLATE, Dispatch.provider_id == fact.message_id
            )
        )
        if row is not None and not fact.ok:
            delivery.record_failed(session, row, f"公众号返回：{fact.status}")
        return
    (follower,) = identity.observe(
        session, [Id(Kind.OPENID, fact.app_id, fact.openid)], event_key=event.ref,
        source="oa.event", at=fact.at, now=now,
    )  # fmt: skip
    if any(status == "reject" for _, status in fact.results):
        consent.record(
            session, follower.id, action=Action.WITHDRAW, channel="oa", source="subscribe_message",
            evidence=event.ref, at=fact.at,
        )  # fmt: skip
