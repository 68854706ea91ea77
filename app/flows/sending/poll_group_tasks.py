"""Asking the platform what became of group tasks: it calls nobody back when a rep confirms.

A task that waits and may not reach its physician any more is stopped there instead.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy.orm import Session

from app import campaigns, delivery
from app.connectors.errors import BadRequest
from app.delivery import Receipt
from app.flows.sending.sent import after_giving_up, after_receipt, after_sent
from app.flows.sending.task_barred import why_barred

if TYPE_CHECKING:
    from app.connectors.wecom.client import WeCom
    from app.connectors.wecom.types import GroupResult

UNSENT, TAKEN_BACK = 0, -1  # statuses of a result; the second is our own
OVER = 41093  # of a task that somebody has stopped already, or confirmed
RECEIPTS = {1: Receipt.FORWARDED, 2: Receipt.NOT_FRIEND, 3: Receipt.OVER_QUOTA}


@dataclass(frozen=True, slots=True)
class Question:
    """One task to ask about; `against`: why it is to be stopped, if it is not confirmed yet."""

    dispatch_id: int
    message_id: str
    corp_id: str
    userid: str
    external_userid: str
    against: str = ""


def questions(session: Session, now: datetime, limit: int = 50) -> list[Question]:
    """Tasks that it is time to ask about."""
    return [
        Question(
            row.id, row.provider_id, row.payload["corp_id"], row.payload["userid"],
            row.payload["external_userid"], why_barred(session, row, now),
        )
        for row in delivery.awaiting_receipt(session, now, limit)
    ]  # fmt: skip


def ask(question: Question, wecom: Mapping[str, WeCom]) -> GroupResult | None:
    """The platform's answer for the contact of this task."""
    line = wecom[question.corp_id]
    found = _found(question, line)
    if not question.against or found is None or found.status != UNSENT:
        return found
    try:
        line.cancel_group_task(question.message_id)
    except BadRequest as problem:
        if problem.code != OVER:
            raise
        found = _found(question, line)  # the rep may have been faster
    if found is None or found.status != UNSENT:
        return found
    return replace(found, status=TAKEN_BACK)


def _found(question: Question, line: WeCom) -> GroupResult | None:
    results = line.group_results(question.message_id, question.userid)
    return next((r for r in results if r.external_userid == question.external_userid), None)


def note_answer(
    session: Session, question: Question, result: GroupResult | None, now: datetime
) -> None:
    """Write a final answer down; ask again later when there is none yet."""
    dispatch = delivery.get(session, question.dispatch_id)
    receipt = RECEIPTS.get(result.status) if result is not None else None
    if dispatch.receipt is not None:
        return
    if result is not None and result.status == TAKEN_BACK:
        delivery.take_back_task(session, dispatch, question.against)
        after_sent(session, dispatch, now)
        campaigns.go_on_soon(
            session, dispatch.campaign_id, dispatch.content_version_id, question.against, now
        )
    elif receipt is None or result is None:
        delivery.checked(session, dispatch, now)
        if dispatch.check_at is None:
            after_giving_up(session, dispatch, now)
    else:
        after_receipt(session, dispatch, receipt, result.sent_at or now)
