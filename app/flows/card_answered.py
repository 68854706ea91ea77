"""A rep answered a card: adopt, later, not suitable — recorded, respected, shown on the card."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from app import consent, content, delivery, identity, links, recommend, reps
from app.content import ContentVersion
from app.delivery import Dispatch, Way
from app.facts import CardAnswered
from app.flows import Outside, Received
from app.flows.permission import verdict_for
from app.flows.suggestion_card import REASON_QUESTION, reason_card, suggestion_of
from app.identity import Identifier, Physician
from app.infra import log
from app.infra.clock import local
from app.recommend import Answer, State, Suggestion
from app.reps import Rep

HANDLES = CardAnswered
_log = log.get(__name__)


@dataclass(frozen=True, slots=True)
class Prepared:
    """Where our pages live."""

    base_url: str


@dataclass(frozen=True, slots=True)
class Case:
    """Everything about the suggestion that was answered."""

    suggestion: Suggestion
    rep: Rep
    identifier: Identifier
    physician: Physician
    version: ContentVersion
    fact: CardAnswered
    ref: str
    base_url: str


def prepare(_fact: CardAnswered, outside: Outside) -> Prepared:
    """Nothing to ask outside."""
    return Prepared(outside.settings.yishu_base_url)


def apply(
    session: Session, fact: CardAnswered, prepared: Prepared, event: Received, now: datetime
) -> None:
    """Do what the rep asked for."""
    case = _case(session, fact, prepared, event)
    if case is None:
        return
    if fact.key == "adopt":
        adopt(session, case, now)
    elif fact.key == "later":
        if recommend.answer(session, case.suggestion, Answer.LATER, ref=case.ref, now=now):
            _mark(session, case, "明天再提醒", now)
    elif fact.key == "refuse":
        _ask_why(session, case, now)
    elif fact.key == "refuse_reason":
        chosen = dict(fact.selections).get(REASON_QUESTION, ())
        refuse(session, case, chosen[0] if chosen else "other", now)
    elif fact.key == "why":
        _tell(session, case, "why", _why(case), now)
    elif fact.key == "mute":
        muted = mute_today(session, case.rep, now)
        _tell(session, case, "mute", f"今天不再提醒，已收起 {muted} 条建议。", now)
    elif fact.key == "list":
        _tell(session, case, "list", f"今日建议列表：{case.base_url}/rep/", now)


def adopt(session: Session, case: Case, now: datetime) -> bool:
    """Send the approved text and link, ready to forward; False when not allowed any more."""
    suggestion = case.suggestion
    if suggestion.state == State.ADOPTED:
        return True
    payload = {"corp_id": case.rep.corp_id, "userid": case.rep.userid}
    dispatch = Dispatch(
        way=Way.REP_TEXT, rep_id=case.rep.id, identifier_id=case.identifier.id,
        content_version_id=case.version.id, counts_as_contact=False, not_before=now, payload={},
    )  # fmt: skip
    verdict = verdict_for(session, dispatch, now)
    if verdict is None or not verdict.allowed:
        why = verdict.text if verdict else "不能联系"
        suggestion.state = State.CANCELLED
        _mark(session, case, "已不可发送", now)
        _tell(session, case, "blocked", f"这条建议现在不能发送：{why}。", now)
        return False
    recommend.answer(session, suggestion, Answer.ADOPT, ref=case.ref, now=now)
    link = links.create_link(
        session, case.version.id, identifier_id=case.identifier.id, rep_id=case.rep.id,
        suggestion_id=suggestion.id, campaign_id=suggestion.campaign_id, channel="wecom", now=now,
    )  # fmt: skip
    url = f"{case.base_url}/t/{link.token}"
    name = case.physician.name or "医生"
    text = (
        f"【可转发给 {name}】\n{name}您好，这份资料供您参考：\n"
        f"《{case.version.title}》\n{case.version.summary}\n{url}"
    )
    common = {
        "rep_id": case.rep.id, "identifier_id": case.identifier.id,
        "suggestion_id": suggestion.id, "campaign_id": suggestion.campaign_id,
        "content_version_id": case.version.id, "counts_as_contact": True,
        "verdict": verdict.as_json(now), "now": now,
    }  # fmt: skip
    if case.rep.prefers_group_task:
        delivery.queue(
            session, way=Way.GROUP_TASK, dedupe_key=f"adopt:{suggestion.id}",
            payload={
                **payload,
                "external_userid": case.identifier.value,
                "text": f"{name}您好，这份资料供您参考：",
                "link": {"title": case.version.title, "desc": case.version.summary, "url": url},
            },
            **common,  # type: ignore[arg-type]
        )  # fmt: skip
    else:
        delivery.queue(
            session, way=Way.REP_TEXT, dedupe_key=f"adopt:{suggestion.id}",
            payload={**payload, "text": text}, **common,  # type: ignore[arg-type]
        )  # fmt: skip
    _mark(session, case, f"已采用 {local(now):%H:%M}", now)
    return True


def refuse(session: Session, case: Case, reason: str, now: datetime) -> None:
    """Note why; not suggested again for as long as the policy says."""
    known = reason if reason in recommend.REFUSALS else "other"
    days = consent.policy_row(session, now).refuse_days
    if recommend.answer(
        session, case.suggestion, Answer.REFUSE, ref=case.ref, reason=known,
        refuse_days=days, now=now,
    ):  # fmt: skip
        _mark(session, case, f"已记录：{recommend.REFUSALS[known]}", now)


def mute_today(session: Session, rep: Rep, now: datetime) -> int:
    """Cancel the cards that are still to come today; returns how many."""
    muted = 0
    for suggestion in recommend.of_rep(session, rep.id, local(now).date()):
        if suggestion.state == State.PLANNED:
            suggestion.state = State.CANCELLED
            muted += 1
            card = delivery.find_by_task(session, f"yishu-suggestion-{suggestion.id}")
            if card is not None:
                delivery.cancel(session, card, "代表今天不再提醒")
    return muted


def _case(session: Session, fact: CardAnswered, prepared: Prepared, event: Received) -> Case | None:
    suggestion_id = suggestion_of(fact.task_id)
    suggestion = session.get(Suggestion, suggestion_id) if suggestion_id else None
    rep = reps.find_rep(session, fact.corp_id, fact.rep_userid)
    if suggestion is None or rep is None or suggestion.rep_id != rep.id:
        _log.warning("card answer ignored", event_id=event.id, reason="not this rep's card")
        return None
    identifier = session.get_one(Identifier, suggestion.identifier_id)
    return Case(
        suggestion, rep, identifier, identity.get_physician(session, identifier.one_id),
        content.get_version(session, suggestion.content_version_id), fact, event.ref,
        prepared.base_url,
    )  # fmt: skip


def _ask_why(session: Session, case: Case, now: datetime) -> None:
    recommend.answer(session, case.suggestion, Answer.REFUSE, ref=case.ref, now=now)
    card = reason_card(
        case.suggestion, case.physician, case.version, list_url=f"{case.base_url}/rep/"
    )
    _change(session, case, {"template_card": card}, now)


def _mark(session: Session, case: Case, text: str, now: datetime) -> None:
    _change(session, case, {"button": {"replace_name": text[:10]}}, now)


def _change(session: Session, case: Case, change: dict[str, object], now: datetime) -> None:
    if not case.fact.response_code:
        return
    delivery.queue(
        session, way=Way.CARD_UPDATE, dedupe_key=f"card:{case.fact.response_code}",
        payload={
            "corp_id": case.rep.corp_id,
            "userid": case.rep.userid,
            "response_code": case.fact.response_code,
            "change": change,
        },
        rep_id=case.rep.id, suggestion_id=case.suggestion.id, now=now,
    )  # fmt: skip


def _tell(session: Session, case: Case, part: str, text: str, now: datetime) -> None:
    delivery.queue(
        session, way=Way.REP_TEXT, dedupe_key=f"tell:{case.ref}:{part}",
        payload={"corp_id": case.rep.corp_id, "userid": case.rep.userid, "text": text},
        rep_id=case.rep.id, suggestion_id=case.suggestion.id, now=now,
    )  # fmt: skip


def _why(case: Case) -> str:
    lines = [f"{n}. {reason}" for n, reason in enumerate(case.suggestion.reasons, start=1)]
    return "为什么推荐给您：\n" + "\n".join(lines)
