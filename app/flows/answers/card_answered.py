"""A rep answered a card: adopt, later, not suitable — recorded, respected, shown on the card."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from app import consent, content, delivery, identity, recommend, reps
from app.connectors.wecom.cards import BUTTON, cut
from app.consent import Verdict
from app.content import ContentVersion
from app.delivery import Way
from app.facts import CardAnswered
from app.flows import Outside, Received
from app.flows.allowed.history import contents_had
from app.flows.allowed.permission import HAD
from app.flows.answers import refusal
from app.flows.answers.pass_on import announced, carrier, pass_on
from app.flows.planning.reasons_now import reasons_of
from app.flows.planning.suggestion_card import REASON_QUESTION, reason_card, suggestion_of
from app.flows.sending.sent import after_sent
from app.identity import Identifier, Physician
from app.infra import log
from app.infra.clock import local
from app.recommend import Answer, State, Suggestion
from app.recommend.day.later import Later
from app.reps import Rep

HANDLES = CardAnswered
CARD_LIFE = timedelta(hours=72)  # how long a card's response code works
ANSWER_WITHIN = timedelta(hours=1)  # a rep who tapped waits for a reply
ABOUT_ONE = ("later", "refuse", "refuse_reason", "why")  # what is adopted is judged anyway
SHORT = {
    "content": "内容不合适",
    "timing": "时机不合适",
    "discussed": "已沟通过",
    "not_mine": "非我客户",
    "other": "其他",
}
_log = log.get(__name__)


@dataclass(frozen=True, slots=True)
class Prepared:
    """Where our pages live; `way`: the one that the rep has picked on a page (`way.By`); `batch`:
    names those that are answered together."""

    base_url: str
    way: str = ""
    batch: str = ""


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
    way: str = ""
    batch: str = ""


def prepare(_fact: CardAnswered, outside: Outside) -> Prepared:
    """Nothing to ask outside."""
    return Prepared(outside.settings.yishu_base_url)


def apply(
    session: Session, fact: CardAnswered, prepared: Prepared, event: Received, now: datetime
) -> None:
    """Do what the rep asked for."""
    card = delivery.hold_tried(session, fact.task_id)
    case = _case(session, fact, prepared, event, now)
    if case is None:
        return
    if card is not None and delivery.record_seen(session, card, now):
        after_sent(session, card, now)  # it has arrived, whatever we knew of its sending
    if fact.key in ABOUT_ONE and not refusal.is_own(session, case.suggestion):
        _mark(session, case, "已不再有效", now)
        _tell(session, case, "over", refusal.NOT_YOURS, now)
    elif fact.key == "adopt":
        adopt(session, case, now)
    elif fact.key == "later":
        postpone(session, case, now, refusal.later_in(fact))
    elif fact.key == "refuse":
        _ask_why(session, case, now)
    elif fact.key == "refuse_reason":
        refuse(session, case, refusal.chosen(fact, REASON_QUESTION) or "other", now)
    elif fact.key == "why":
        _tell(session, case, "why", _why(session, case, now), now)
    elif fact.key == "mute":
        muted = mute_today(session, case, now)
        kept = f"今天不再提醒，还没发出的 {muted} 条建议在列表里。" if muted else "今天不再提醒。"
        _tell(session, case, "mute", kept, now)
    elif fact.key == "list":
        _tell(session, case, "list", f"今日建议列表：{case.base_url}/rep/", now)


def adopt(session: Session, case: Case, now: datetime) -> bool:
    """Send the approved text and link, ready to forward; False when not allowed any more."""
    suggestion = case.suggestion
    if suggestion.state == State.ADOPTED:
        return True
    chosen = carrier(session, case, now)
    had = _had(session, case, now)
    if had or not chosen.allowed:
        _refuse_kindly(session, case, had or _in_words(chosen.verdict), now)
        return False
    recommend.answer(session, suggestion, Answer.ADOPT, ref=case.ref, now=now)
    refusal.keep_quiet(session, suggestion)
    pass_on(session, case, chosen, now)
    if told := announced(case, chosen):
        _tell(session, case, "account", told, now)
    _mark(session, case, f"已采用 {local(now):%H:%M}", now)
    return True


def postpone(session: Session, case: Case, now: datetime, choice: Later = Later.TOMORROW) -> None:
    """Again when the rep says; this afternoon with a reminder."""
    adopted = case.suggestion.state == State.ADOPTED
    until = recommend.later.until(choice, now)
    if recommend.answer(
        session, case.suggestion, Answer.LATER, ref=case.ref, now=now, until=until, hint=choice
    ):
        back = refusal.back_in_short(until, choice, now)
        _mark(session, case, "已采用" if adopted else back, now)
        if not adopted:
            refusal.remind(session, case.rep, case.physician, case.suggestion, until, now)


def refuse(session: Session, case: Case, reason: str, now: datetime) -> None:
    """Note why; not suggested again for as long as the reason and the policy say."""
    known = reason if reason in recommend.REFUSALS else "other"
    days = consent.policy_row(session, now).refuse_days
    adopted = case.suggestion.state == State.ADOPTED
    better = refusal.better_in(case.fact) if known == "timing" else ""
    if recommend.answer(
        session, case.suggestion, Answer.REFUSE, ref=case.ref, reason=known,
        refuse_days=days, now=now, hint=better,
    ):  # fmt: skip
        _mark(session, case, "已采用" if adopted else f"已记录：{SHORT[known]}", now)
        if not adopted:
            refusal.follow(session, case.suggestion, known, refusal.note_in(case.fact), now)
            if known == "other" and case.fact.response_code and not refusal.note_in(case.fact):
                text = f"想写下原因、让以后的建议更准，请在列表里填写：{case.base_url}/rep/"
                _tell(session, case, "words", text, now)


def mute_today(session: Session, case: Case, now: datetime) -> int:
    """No more cards and reminders today; the suggestions stay on the list. Returns how many cards
    were held back."""
    today = local(now).date()
    recommend.mute(session, case.suggestion, ref=case.ref, now=now)
    rows = recommend.of_rep(session, case.rep.id, today)
    recommend.hold(session, rows)
    return sum(refusal.keep_quiet(session, suggestion, refusal.MUTED) for suggestion in rows)


def _had(session: Session, case: Case, now: datetime) -> str:
    one_id, one = case.identifier.one_id, case.suggestion
    had = contents_had(session, [one_id], now, [one.id]).get(one_id, ())
    return HAD.text if one.content_id in had else ""


def _in_words(verdict: Verdict) -> str:
    again = verdict.allowed_again_at
    return verdict.text + (f"；{local(again):%m月%d日 %H:%M} 之后可以" if again else "")


def _refuse_kindly(session: Session, case: Case, why: str, now: datetime) -> None:
    refusal.keep_quiet(session, case.suggestion)
    case.suggestion.state = State.CANCELLED
    case.suggestion.verdict = case.suggestion.verdict | {"refused": why}
    _mark(session, case, "暂不可发送", now)
    name = case.physician.name or "这位医生"
    _tell(session, case, "blocked", f"给 {name} 的建议现在不能发送：{why}。", now)


def _case(
    session: Session, fact: CardAnswered, prepared: Prepared, event: Received, now: datetime
) -> Case | None:
    suggestion_id = suggestion_of(fact.task_id)
    # Locked: a double tap may be worked on by two workers at once. And read again: a page has
    # loaded the row before, and what was answered since would be overlooked.
    suggestion = (
        session.get(Suggestion, suggestion_id, with_for_update=True, populate_existing=True)
        if suggestion_id
        else None
    )
    rep = reps.find_rep(session, fact.corp_id, fact.rep_userid)
    if suggestion is None or rep is None or suggestion.rep_id != rep.id:
        _log.warning("card answer ignored", event_id=event.id, reason="not this rep's card")
        return None
    if suggestion.state != State.ADOPTED:  # as `take_over`, which comes seconds after a beginning
        version_id = content.in_force(session, suggestion.content_version_id, now)
        suggestion.content_version_id = version_id
    identifier = session.get_one(Identifier, suggestion.identifier_id)
    return Case(
        suggestion, rep, identifier, identity.get_physician(session, identifier.one_id),
        content.get_version(session, suggestion.content_version_id), fact, event.ref,
        prepared.base_url, prepared.way, prepared.batch,
    )  # fmt: skip


def _ask_why(session: Session, case: Case, now: datetime) -> None:
    if case.suggestion.state == State.ADOPTED:
        _mark(session, case, "已采用", now)
        return
    recommend.answer(session, case.suggestion, Answer.REFUSE, ref=case.ref, now=now)
    card = reason_card(
        case.suggestion, case.physician, case.version, list_url=f"{case.base_url}/rep/"
    )
    _change(session, case, {"template_card": card}, now)


def _mark(session: Session, case: Case, text: str, now: datetime) -> None:
    _change(session, case, {"button": {"replace_name": cut(text, BUTTON)}}, now)


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
        rep_id=case.rep.id, suggestion_id=case.suggestion.id, not_after=now + CARD_LIFE, now=now,
    )  # fmt: skip


def _tell(session: Session, case: Case, part: str, text: str, now: datetime) -> None:
    delivery.queue(
        session, way=Way.REP_TEXT, dedupe_key=f"tell:{case.ref}:{part}",
        payload={"corp_id": case.rep.corp_id, "userid": case.rep.userid, "text": text},
        rep_id=case.rep.id, suggestion_id=case.suggestion.id, not_after=now + ANSWER_WITHIN,
        now=now,
    )  # fmt: skip


def _why(session: Session, case: Case, now: datetime) -> str:
    told = reasons_of(session, case.suggestion, now)
    lines = [f"{n}. {reason}" for n, reason in enumerate(told, start=1)]
    return "为什么推荐给您：\n" + "\n".join(lines)
