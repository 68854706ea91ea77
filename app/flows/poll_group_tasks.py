"""Asking the platform what became of group tasks: it calls nobody back when a rep confirms."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy.orm import Session

from app import delivery
from app.delivery import Receipt
from app.flows.sent import after_giving_up, after_receipt

if TYPE_CHECKING:
    from app.connectors.wecom.client import WeCom
    from app.connectors.wecom.types import GroupResult

RECEIPTS = {1: Receipt.FORWARDED, 2: Receipt.NOT_FRIEND, 3: Receipt.OVER_QUOTA}


@dataclass(frozen=True, slots=True)
class Question:
    """One task to ask about."""

    dispatch_id: int
    message_id: str
    corp_id: str
    userid: str
    external_userid: str


def questions(session: Session, now: datetime, limit: int = 50) -> list[Question]:
    """Tasks that it is time to ask about."""
    return [
        Question(
            row.id, row.provider_id, row.payload["corp_id"], row.payload["userid"],
            row.payload["external_userid"],
        )
        for row in delivery.awaiting_receipt(session, now, limit)
    ]  # fmt: skip


def ask(question: Question, wecom: Mapping[str, WeCom]) -> GroupResult | None:
    """The platform's answer for the contact of this task."""
    results = wecom[question.corp_id].group_results(question.message_id, question.userid)
    return next((r for r in results if r.external_userid == question.external_userid), None)


def note_answer(
    session: Session, question: Question, result: GroupResult | None, now: datetime
) -> None:
    """Write a final answer down; ask again later when there is none yet."""
    dispatch = delivery.get(session, question.dispatch_id)
    receipt = RECEIPTS.get(result.status) if result is not None else None
    if dispatch.receipt is not None:
        return
    if receipt is None or result is None:
        delivery.checked(session, dispatch, now)
        if dispatch.check_at is None:
            after_giving_up(session, dispatch, now)
    else:
        after_receipt(session, dispatch, receipt, result.sent_at or now)
