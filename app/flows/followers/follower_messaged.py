"""A follower wrote to the Official Account: stop, resume, see the own page, search, or pass it on
to the rep."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.orm import Session

from app import content, identity, journey, tagging
from app.connectors.errors import RateLimited
from app.content import ContentVersion
from app.facts import FollowerMessaged
from app.flows import Outside, Received
from app.flows.allowed.eligible import without_barred
from app.flows.followers.follower import (
    NOTHING_FOUND,
    Seen,
    know_follower,
    offer,
    read_follower,
    say,
    unread_follower,
)
from app.flows.followers.own_link import answer_own
from app.flows.followers.spoken import Wish, tells_of_harm, wish_of
from app.flows.pages.stop_or_resume import stop_or_resume
from app.flows.sending import notices
from app.flows.sending.tell_rep import notice_key, tell_rep, tell_staff
from app.identity import AnIdentifier, Id, Kind
from app.journey import Happened
from app.tagging import Source

HANDLES = FollowerMessaged
STOPPED = "已为您停止推送，我们不会再主动发送内容。想恢复时发送“恢复”即可。"
RESUMED = "已恢复推送，谢谢。发送“退订”可以随时停止。"
WELCOME_BACK = "不客气。需要资料时直接发送关键词即可。"
PASSED_ON = "已转告您的医药代表，会尽快与您联系。"
WRITTEN_DOWN = "您反映的情况已经记下，会有同事处理。紧急情况请先按医院的流程处置。"
LIMIT = 3
LONGEST_NOTICE = 500
MESSAGE_CONFIDENCE = 0.6
MEDIA = {"image": "图片", "voice": "语音", "video": "视频", "shortvideo": "短视频",
         "location": "位置", "link": "链接", "file": "文件"}  # fmt: skip


def prepare(fact: FollowerMessaged, outside: Outside) -> Seen:
    """Who it is. A quota of the platform that is used up may hold that back for an hour, but not
    somebody who wants to hear no more from us, nor a report of harm."""
    try:
        return read_follower(fact, outside)
    except RateLimited:
        stops = wish_of(fact.text) is Wish.STOP
        if not (_is_spoken(fact) and (stops or tells_of_harm(fact.text))):
            raise
        return unread_follower(fact, outside)


def apply(
    session: Session, fact: FollowerMessaged, seen: Seen, event: Received, now: datetime
) -> None:
    """Note it, then answer in the way that fits."""
    row = know_follower(session, fact, seen, event.ref, now)
    if row is None:
        _stop_before_leaving(session, fact, event, now)
        return
    journey.note(
        session, row.id, Happened.MESSAGE_RECEIVED, channel="oa", at=fact.at, ref=event.ref,
        detail={"kind": fact.kind, "text": fact.text},
    )  # fmt: skip
    wish = wish_of(fact.text) if _is_spoken(fact) else Wish.PERSON
    if wish in (Wish.STOP, Wish.RESUME):
        _stop_or_resume(session, fact, row, wish is Wish.STOP, event, now)
        say(session, fact, row, STOPPED if wish is Wish.STOP else RESUMED, event=event, now=now)
    elif wish is Wish.OWN:
        answer_own(session, fact, row, base_url=seen.base_url, event=event, now=now)
    elif wish is Wish.THANKS:
        say(session, fact, row, WELCOME_BACK, event=event, now=now)
    else:
        _answer(session, fact, row, wish, seen.base_url, event, now)


def _stop_before_leaving(
    session: Session, fact: FollowerMessaged, event: Received, now: datetime
) -> None:
    """Who stops us and leaves before we have read it has stopped us on every other channel."""
    row = identity.find(session, Id(Kind.OPENID, fact.app_id, fact.openid))
    stops = _is_spoken(fact) and wish_of(fact.text) is Wish.STOP
    if stops and row is not None and row.value:
        _stop_or_resume(session, fact, row, True, event, now)


def _stop_or_resume(
    session: Session,
    fact: FollowerMessaged,
    row: AnIdentifier,
    stop: bool,
    event: Received,
    now: datetime,
) -> None:
    stop_or_resume(
        session, row, stop, source="keyword", evidence=event.ref, ref=f"{event.ref}:consent",
        channel="oa", at=fact.at, now=now,
    )  # fmt: skip


def _answer(
    session: Session,
    fact: FollowerMessaged,
    row: AnIdentifier,
    wish: Wish,
    base_url: str,
    event: Received,
    now: datetime,
) -> None:
    tag_ids = _tag_by_words(session, fact, row, event) if _is_spoken(fact) else []
    harm = tells_of_harm(fact.text)
    found: Sequence[ContentVersion] = ()
    if wish is Wish.SEARCH:
        found = content.search_usable(session, fact.text, now, tag_ids=tag_ids, limit=LIMIT)
        found = without_barred(session, row.one_id, found, now) if found else ()
    notice, key = _notice(fact, harm), notice_key(event.ref)
    told = (harm or not found) and tell_rep(session, row.one_id, notice, key=key, now=now)
    if harm and not told:
        tell_staff(session, row.id, row.one_id, notice, key=key, now=now)
    more = PASSED_ON if told else WRITTEN_DOWN if harm else ""
    if found:
        offer(session, fact, row, found, base_url=base_url, event=event, now=now, more=more)
    else:
        say(session, fact, row, more or NOTHING_FOUND, event=event, now=now)


def _tag_by_words(
    session: Session, fact: FollowerMessaged, row: AnIdentifier, event: Received
) -> list[int]:
    spoken = tagging.keywords_in(session, fact.text)
    for tag in spoken:
        tagging.assert_tag(
            session, row.id, tag.id, source=Source.MESSAGE, ref=event.ref,
            evidence=f"公众号留言提到「{tag.name}」", confidence=MESSAGE_CONFIDENCE, at=fact.at,
        )  # fmt: skip
    return [tag.id for tag in spoken]


def _is_spoken(fact: FollowerMessaged) -> bool:
    return bool(fact.text.strip()) and fact.kind in ("text", "voice")


def _notice(fact: FollowerMessaged, harm: bool) -> str:
    said = fact.text[:LONGEST_NOTICE] if _is_spoken(fact) else f"[{MEDIA.get(fact.kind, '消息')}]"
    return notices.harm_told(said) if harm else notices.message_left(said)
