"""What else an answer says, and what follows from it: when to come back, a better part of the day,
“not my physician” into the queue, own words into a proposed rule."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from app import delivery, feedback, recommend, reps, tagging
from app.delivery import Dispatch, Way
from app.delivery import State as Sending
from app.facts import CardAnswered
from app.feedback import RefusalNote, StopRule
from app.flows.planning.suggestion_card import who
from app.identity import Physician
from app.infra.clock import local
from app.infra.db import insert_once
from app.infra.errors import Refused
from app.recommend import State, Suggestion
from app.recommend.day.later import Later, Part
from app.reps import Rep

NOTE, WHEN, BETTER = "note", "when", "better"  # questions that only pages ask
LONGEST_NOTE = 300
REMIND_WITHIN = timedelta(hours=3)
REMINDER = "remind"  # begins the keys of reminders
ANSWERED, MUTED = "建议已经处理", "代表今天不再提醒"
NOT_YOURS = "这位医生现在不在您的客户里，建议已不再有效。"
CARDED = (State.PLANNED, State.DELIVERED)  # a card of these says something new


def chosen(fact: CardAnswered, question: str) -> str:
    """The first choice or text given to a question; "" for none."""
    given = dict(fact.selections).get(question, ())
    return given[0] if given else ""


def later_in(fact: CardAnswered) -> Later:
    """Until when; a card says nothing about it, and means tomorrow."""
    text = chosen(fact, WHEN)
    return Later(text) if text in set(Later) else Later.TOMORROW


def better_in(fact: CardAnswered) -> str:
    """The better part of the day, or ""."""
    text = chosen(fact, BETTER)
    return text if text in set(Part) else ""


def back_in_short(until: datetime, choice: Later, now: datetime) -> str:
    """What the card says of a postponed one."""
    days = (local(until).date() - local(now).date()).days
    if choice is Later.NEXT_WEEK:
        return "下周再提醒"
    return {0: "稍后再提醒", 1: "明天再提醒"}.get(days, "下个工作日再提醒")


def note_in(fact: CardAnswered) -> str:
    """The rep's own words, or ""."""
    return chosen(fact, NOTE).strip()[:LONGEST_NOTE]


def follow(session: Session, suggestion: Suggestion, reason: str, text: str, now: datetime) -> None:
    """What a refusal sets off beyond the suggestion itself."""
    keep_quiet(session, suggestion)
    if reason == "not_mine":
        feedback.claims.claim(
            session, suggestion.rep_id, suggestion.identifier_id, suggestion.id, now
        )
        delivery.moments.wake(session, now, rep_id=suggestion.rep_id)
    if text:
        propose(session, suggestion, text, now)


def take_back(session: Session, suggestion: Suggestion, ref: str, now: datetime) -> None:
    """The rep thinks again on the same day: as if nothing had been said. Raises Refused, also when
    somebody has decided what followed from it."""
    session.refresh(suggestion, with_for_update=True)
    if not is_own(session, suggestion):
        raise Refused(NOT_YOURS)
    if suggestion.state != State.REFUSED or suggestion.day < local(now).date():
        raise Refused("这条建议已有别的结果，请看列表里的最新状态。")
    take_back_claim(session, suggestion, now)
    feedback.rules.take_back(session, suggestion.id)
    recommend.reopen(session, suggestion, ref=ref, now=now)


def take_back_claim(session: Session, suggestion: Suggestion, now: datetime) -> None:
    """It is the rep's physician after all. Raises Refused when somebody has found otherwise."""
    feedback.claims.take_back(session, suggestion.id, _says_so_too(session, suggestion, now))


def _says_so_too(session: Session, suggestion: Suggestion, now: datetime) -> int | None:
    """Another suggestion with which the rep has said “not my physician” of the same one."""
    return session.scalar(
        select(Suggestion.id)
        .where(
            Suggestion.rep_id == suggestion.rep_id,
            Suggestion.identifier_id == suggestion.identifier_id,
            Suggestion.id != suggestion.id, Suggestion.state == State.REFUSED,
            Suggestion.refusal == "not_mine", Suggestion.hidden_until > now,
        )
        .order_by(Suggestion.id.desc())
        .limit(1)
    )  # fmt: skip


def propose(session: Session, suggestion: Suggestion, text: str, now: datetime) -> StopRule | None:
    """A rule for marketing to decide, from the rep's own words; None when they were told before."""
    values = {
        "suggestion_id": suggestion.id, "rep_id": suggestion.rep_id,
        "identifier_id": suggestion.identifier_id, "content_id": suggestion.content_id,
        "text": text, "at": now,
    }  # fmt: skip
    if not insert_once(session, RefusalNote, values, "suggestion_id"):
        return None
    note = session.scalars(
        select(RefusalNote).where(RefusalNote.suggestion_id == suggestion.id)
    ).one()
    return feedback.rules.propose(session, note, text, tags_named(session, text), now)


def tags_named(session: Session, text: str) -> list[int]:
    """The tags that a rep's words name, wanted or not: “不想看抗凝” names 抗凝."""
    said = (text, feedback.reading.named(text))
    return list(dict.fromkeys(t.id for one in said for t in tagging.keywords_in(session, one)))


def remind(
    session: Session, rep: Rep, physician: Physician, suggestion: Suggestion, until: datetime,
    now: datetime,
) -> None:  # fmt: skip
    """A short word when it comes back on the same day; other days have their list."""
    keep_quiet(session, suggestion)
    if local(until).date() != local(now).date():
        return
    listed = suggestion.day == local(until).date()
    where = "请打开今日建议。" if listed else "请打开与医生聊天的侧边栏。"
    text = f"您稍后要处理的建议：{who(physician)}。{where}"
    delivery.queue(
        session, way=Way.REP_TEXT, dedupe_key=f"{_key(suggestion)}{now.isoformat()}",
        payload={"corp_id": rep.corp_id, "userid": rep.userid, "text": text}, rep_id=rep.id,
        suggestion_id=suggestion.id, not_before=until, not_after=until + REMIND_WITHIN, now=now,
    )  # fmt: skip


def is_own(session: Session, suggestion: Suggestion) -> bool:
    """Whether its physician is still one of its rep's: not handed over, nor gone."""
    mine = reps.own_among(session, suggestion.rep_id, [suggestion.identifier_id])
    return suggestion.identifier_id in mine


def keep_quiet(session: Session, suggestion: Suggestion, why: str = ANSWERED) -> int:
    """Neither its card nor a reminder comes any more; returns how many cards that holds back. One
    that a worker has in its hands now is not waited for: the worker asks `left_alone`."""
    waiting = select(Dispatch).where(
        Dispatch.suggestion_id == suggestion.id,
        Dispatch.state == Sending.QUEUED,
        or_(Dispatch.way == Way.REP_CARD, Dispatch.dedupe_key.startswith(_key(suggestion))),
    )
    held = session.scalars(waiting.with_for_update(skip_locked=True)).all()
    for dispatch in held:
        delivery.cancel(session, dispatch, why)
    return sum(dispatch.way == Way.REP_CARD for dispatch in held)


def left_alone(session: Session, messages: Sequence[Dispatch], now: datetime) -> dict[int, str]:
    """Cards and reminders among these that nobody waits for any more, and why; "" of those whose
    suggestion is being answered at this moment.

    Asked last by whoever sends them: until its transaction ends nobody answers the others.
    """
    mine = {one.id: one for one in messages if one.suggestion_id and _speaks_of_it(one)}
    if not mine:
        return {}
    wanted = Suggestion.id.in_({one.suggestion_id for one in mine.values()})
    held = select(Suggestion).where(wanted).with_for_update(key_share=True, skip_locked=True)
    known = {row.id: row for row in session.scalars(held.execution_options(populate_existing=True))}
    muted = recommend.muted(session, {row.rep_id for row in known.values()}, local(now).date())
    found = {}
    for one in mine.values():
        row = known.get(one.suggestion_id or 0)
        if row is None:
            found[one.id] = ""
        elif row.state not in (CARDED if one.way == Way.REP_CARD else (State.LATER,)):
            found[one.id] = ANSWERED
        elif row.rep_id in muted:
            found[one.id] = MUTED
    return found


def _speaks_of_it(one: Dispatch) -> bool:
    return one.way == Way.REP_CARD or one.dedupe_key.startswith(f"{REMINDER}:")


def _key(suggestion: Suggestion) -> str:
    return f"{REMINDER}:{suggestion.id}:"
