"""What follows from a message's outcome: the suggestion moves on, the journey gets a line."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app import delivery, identity, journey, reps
from app.delivery import Dispatch, Receipt, Way
from app.delivery import State as Sending
from app.flows.sending.tell_rep import is_notice, tell_another
from app.identity import Identifier
from app.infra.clock import local
from app.journey import Happened
from app.recommend import State, Suggestion, reopen
from app.recommend.day.way import By

TO_PHYSICIAN = {Way.OA_TEXT: "oa", Way.OA_TEMPLATE: "oa", Way.WELCOME: "wecom"}
NOT_SENT = (Sending.CANCELLED, Sending.FAILED)
NOT_BY_HAND = (Way.GROUP_TASK, Way.OA_TEXT)
NOT_GOT = {
    Receipt.NOT_FRIEND: "医生已不是您的企业微信好友",
    Receipt.OVER_QUOTA: "医生能收到的群发次数已用完",
}
BY_HAND = "可以在今日建议里改用一对一发送。"
BESIDE_CHAT = "仍想发送，可以在与医生聊天的侧边栏里选内容，一对一发送。"
REFUSED = {
    41048: "企业微信只接受最近与医生聊过的同事的群发",
    45015: "医生 48 小时内没有给公众号留言",
    45047: "医生这次留言后的回复条数已用完",
}


def after_sent(session: Session, dispatch: Dispatch, now: datetime) -> None:
    """Called in the transaction that records the outcome."""
    if dispatch.state in NOT_SENT:
        delivery.forget_links(session, Dispatch.id == dispatch.id)
        if is_notice(dispatch):
            tell_another(session, dispatch, now)
    suggestion = _suggestion_of(session, dispatch)
    if suggestion is not None:
        _move_on(session, suggestion, dispatch, now)
    if dispatch.state != Sending.SENT or dispatch.identifier_id is None:
        return
    at = dispatch.sent_at or now  # a person may say days later that it has arrived
    if dispatch.way in TO_PHYSICIAN:
        if suggestion is not None and suggestion.forwarded_at is None:
            suggestion.forwarded_at = at
        kind = Happened.CONTENT_SENT if dispatch.content_version_id else Happened.MESSAGE_SENT
        _note(session, dispatch, kind, TO_PHYSICIAN[Way(dispatch.way)], at)
    elif dispatch.counts_as_contact and dispatch.way == Way.REP_TEXT and dispatch.rep_id:
        _note(session, dispatch, Happened.CONTENT_SENT, "wecom", at, {journey.BY_HAND: True})
        reps.note_chat(session, dispatch.rep_id, dispatch.identifier_id, at)


def after_receipt(session: Session, dispatch: Dispatch, receipt: Receipt, at: datetime) -> None:
    """A group task reached the physician, or the platform says why it did not."""
    delivery.record_receipt(session, dispatch, receipt, at)
    suggestion = _suggestion_of(session, dispatch)
    if receipt is not Receipt.FORWARDED:
        delivery.forget_links(session, Dispatch.id == dispatch.id)
        if suggestion is not None and suggestion.state == State.ADOPTED:
            _not_got(session, suggestion, dispatch, receipt, at)
        return
    if dispatch.identifier_id is not None:
        _note(session, dispatch, Happened.CONTENT_SENT, "wecom", at)
        if dispatch.rep_id is not None:
            reps.note_chat(session, dispatch.rep_id, dispatch.identifier_id, at)
    if suggestion is not None and suggestion.forwarded_at is None:
        suggestion.forwarded_at = at


def after_giving_up(session: Session, dispatch: Dispatch, now: datetime) -> None:
    """A group task that the rep has not confirmed in all the time in which we ask, and that the
    platform did not take back."""
    suggestion = _suggestion_of(session, dispatch)
    if suggestion is not None and suggestion.state == State.ADOPTED:
        then = "需要的话，请在企业微信的群发助手里确认。"
        tell_not_sent(session, suggestion, dispatch, now, "群发任务一周没有确认", then)


def _suggestion_of(session: Session, dispatch: Dispatch) -> Suggestion | None:
    """As it is now, and nobody answers it meanwhile. A message is always locked before it."""
    if dispatch.suggestion_id is None:
        return None
    mine = select(Suggestion).where(Suggestion.id == dispatch.suggestion_id)
    held = mine.with_for_update(key_share=True)
    return session.scalar(held.execution_options(populate_existing=True))


def _move_on(session: Session, suggestion: Suggestion, dispatch: Dispatch, now: datetime) -> None:
    if dispatch.way == Way.REP_CARD:
        if dispatch.state == Sending.SENT and suggestion.state == State.PLANNED:
            suggestion.state = State.DELIVERED
            suggestion.delivered_at = dispatch.sent_at or now
        elif dispatch.state in NOT_SENT and suggestion.state == State.PLANNED:
            suggestion.state = State.CANCELLED
    elif dispatch.counts_as_contact and dispatch.state in NOT_SENT:
        refused = dispatch.state == Sending.FAILED and suggestion.state == State.ADOPTED
        if refused and dispatch.way in NOT_BY_HAND and suggestion.day >= local(now).date():
            suggestion.verdict = suggestion.verdict | {"not_got": "refused"}
            _by_hand(session, suggestion, dispatch, now, _why(dispatch))
            return
        # What the rep adopted was not allowed any more, or the platform refused it.
        suggestion.state = State.CANCELLED
        suggestion.verdict = suggestion.verdict | {"not_got": ""}  # an earlier attempt's
        tell_not_sent(session, suggestion, dispatch, now, _why(dispatch))


def _not_got(
    session: Session, suggestion: Suggestion, dispatch: Dispatch, receipt: Receipt, now: datetime
) -> None:
    """The rep has confirmed, and the physician has nothing: it may be suggested again."""
    why, connected = NOT_GOT[receipt], receipt is not Receipt.NOT_FRIEND
    suggestion.verdict = suggestion.verdict | {"not_got": receipt.value}
    if connected and suggestion.day >= local(now).date():
        _by_hand(session, suggestion, dispatch, now, why)
        return
    suggestion.state = State.CANCELLED
    tell_not_sent(session, suggestion, dispatch, now, why, BESIDE_CHAT if connected else "")


def _by_hand(
    session: Session, suggestion: Suggestion, dispatch: Dispatch, now: datetime, why: str
) -> None:
    """The platform does not take it this way: the rep may still send it by hand. What the rep does
    now says nothing about the content."""
    suggestion.delivered_at = None
    reopen(session, suggestion, ref=f"failed:{dispatch.id}", now=now)
    suggestion.way = By.REP.value
    tell_not_sent(session, suggestion, dispatch, now, why, BY_HAND)


def _why(dispatch: Dispatch) -> str:
    """Why it was not sent, in words."""
    if not dispatch.errcode:
        return dispatch.error
    return REFUSED.get(dispatch.errcode, f"平台没有接受（错误码 {dispatch.errcode}）")


def not_sent_key(dispatch_id: int) -> str:
    """Of the message that tells a rep that this one did not leave."""
    return f"not-sent:{dispatch_id}"


def tell_not_sent(
    session: Session, suggestion: Suggestion, dispatch: Dispatch, now: datetime, why: str,
    then: str = "",
) -> None:  # fmt: skip
    """The rep hears, once a message, why the physician has nothing, and what can be done then."""
    rep = reps.get_rep(session, suggestion.rep_id)
    row = session.get(Identifier, suggestion.identifier_id)
    name = identity.get_physician(session, row.one_id).name if row is not None else ""
    text = f"给 {name or '医生'} 的内容没有发出：{why}。{then}"
    delivery.queue(
        session, way=Way.REP_TEXT, dedupe_key=not_sent_key(dispatch.id),
        payload={"corp_id": rep.corp_id, "userid": rep.userid, "text": text},
        rep_id=rep.id, suggestion_id=suggestion.id, now=now,
    )  # fmt: skip


def _note(
    session: Session, dispatch: Dispatch, kind: Happened, channel: str, at: datetime,
    detail: dict[str, Any] | None = None,
) -> None:  # fmt: skip
    if dispatch.identifier_id is None:
        return
    journey.note(
        session, dispatch.identifier_id, kind, channel=channel, at=at,
        ref=f"dispatch:{dispatch.id}", rep_id=dispatch.rep_id,
        content_version_id=dispatch.content_version_id, campaign_id=dispatch.campaign_id,
        detail=detail,
    )  # fmt: skip
