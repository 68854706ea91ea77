"""A follower wrote or used the menu: stop, resume, recommend, search, or tell the rep."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from app import consent, content, delivery, identity, journey, links, reps, tagging
from app.connectors.official_account.client import FollowerInfo
from app.consent import Action
from app.content import ContentVersion
from app.delivery import Way
from app.facts import FollowerMessaged, MenuUsed
from app.flows import Outside, Received
from app.flows.best_content import best_for
from app.flows.follower import know_follower, read_follower, say
from app.identity import Identifier
from app.journey import Happened
from app.tagging import Source

HANDLES = (FollowerMessaged, MenuUsed)
STOP = frozenset({"退订", "取消订阅", "td", "t", "停止推送", "不要再发"})
RESUME = frozenset({"恢复", "重新订阅", "恢复订阅", "恢复推送"})
STOPPED = "已为您停止推送，我们不会再主动发送内容。想恢复时发送“恢复”即可。"
RESUMED = "已恢复推送，谢谢。发送“退订”可以随时停止。"
PASSED_ON = "已转告您的医药代表，会尽快与您联系。"
NOBODY = "没有找到相关内容。可以换一个关键词，或点击菜单“为您推荐”。"
RECOMMENDED_KEY = "recommended"
LIMIT = 3
MESSAGE_CONFIDENCE = 0.6


@dataclass(frozen=True, slots=True)
class Prepared:
    """The follower, and where our pages live."""

    info: FollowerInfo | None
    base_url: str


def prepare(fact: FollowerMessaged | MenuUsed, outside: Outside) -> Prepared:
    """Who it is."""
    return Prepared(read_follower(fact, outside), outside.settings.yishu_base_url)


def apply(
    session: Session,
    fact: FollowerMessaged | MenuUsed,
    prepared: Prepared,
    event: Received,
    now: datetime,
) -> None:
    """Note it, then answer in the way that fits."""
    row = know_follower(session, fact, prepared.info, event.ref, now)
    if isinstance(fact, MenuUsed):
        detail = {"kind": fact.kind, "key": fact.key}
        journey.note(
            session, row.id, Happened.MENU_USED, channel="oa", at=fact.at, ref=event.ref,
            detail=detail,
        )  # fmt: skip
        if fact.kind == "click" and fact.key == RECOMMENDED_KEY:
            found = best_for(session, row.one_id, LIMIT, now)
            _offer(session, fact, row, found, prepared.base_url, event, now)
        return
    journey.note(
        session, row.id, Happened.MESSAGE_RECEIVED, channel="oa", at=fact.at, ref=event.ref,
        detail={"kind": fact.kind, "text": fact.text},
    )  # fmt: skip
    _answer(session, fact, row, prepared.base_url, event, now)


def _answer(
    session: Session,
    fact: FollowerMessaged,
    row: Identifier,
    base_url: str,
    event: Received,
    now: datetime,
) -> None:
    word = fact.text.strip().strip("。！!. ").lower()
    if word in STOP or word in RESUME:
        _stop_or_resume(session, fact, row, word in STOP, event, now)
        return
    spoken = tagging.keywords_in(session, fact.text)
    for tag in spoken:
        tagging.assert_tag(
            session, row.id, tag.id, source=Source.MESSAGE, ref=event.ref,
            evidence=f"公众号留言提到「{tag.name}」", confidence=MESSAGE_CONFIDENCE, at=fact.at,
        )  # fmt: skip
    found: Sequence[ContentVersion] = ()
    if fact.kind == "text" and not _asks_for_a_person(fact.text):
        found = content.search_usable(
            session, fact.text, now, tag_ids=[tag.id for tag in spoken], limit=LIMIT
        )
    if found:
        _offer(session, fact, row, found, base_url, event, now)
    elif _tell_rep(session, fact, row, event, now):
        say(session, fact, row, PASSED_ON, event=event, now=now)
    else:
        say(session, fact, row, NOBODY, event=event, now=now)


def _stop_or_resume(
    session: Session,
    fact: FollowerMessaged,
    row: Identifier,
    stop: bool,
    event: Received,
    now: datetime,
) -> None:
    action = Action.WITHDRAW if stop else Action.GRANT
    for identifier in identity.identifiers_of(session, row.one_id):
        consent.record(
            session, identifier.id, action=action, source="keyword", evidence=event.ref,
            at=fact.at,
        )  # fmt: skip
    journey.note(
        session, row.id, Happened.CONSENT_CHANGED, channel="oa", at=fact.at,
        ref=f"{event.ref}:consent", detail={"action": action.value},
    )  # fmt: skip
    if stop:
        mine = [i.id for i in identity.identifiers_of(session, row.one_id)]
        delivery.cancel_for(session, "医生已退订", identifier_ids=mine)
    say(session, fact, row, STOPPED if stop else RESUMED, event=event, now=now)


def _offer(
    session: Session,
    fact: FollowerMessaged | MenuUsed,
    row: Identifier,
    found: Sequence[ContentVersion],
    base_url: str,
    event: Received,
    now: datetime,
) -> None:
    if not found:
        say(session, fact, row, NOBODY, event=event, now=now)
        return
    lines = ["为您找到以下内容："]
    for version in found:
        link = links.create_link(session, version.id, identifier_id=row.id, channel="oa", now=now)
        lines.append(f"《{version.title}》\n{base_url}/t/{link.token}")
    say(session, fact, row, "\n\n".join(lines), event=event, now=now)


def _asks_for_a_person(text: str) -> bool:
    return any(word in text for word in ("人工", "代表", "联系我", "有人吗", "打电话", "找人"))


def _tell_rep(
    session: Session, fact: FollowerMessaged, row: Identifier, event: Received, now: datetime
) -> bool:
    known = reps.rep_for(session, row.one_id)
    if known is None:
        return False
    contact, rep = known
    physician = identity.get_physician(session, row.one_id)
    said = fact.text if fact.kind == "text" else f"[{fact.kind}]"
    text = f"【医生留言】{physician.name or '您的医生'}在公众号说：\n{said[:500]}\n请尽快回复。"
    delivery.queue(
        session, way=Way.REP_TEXT, dedupe_key=f"notice:{event.ref}",
        payload={"corp_id": rep.corp_id, "userid": rep.userid, "text": text},
        rep_id=rep.id, identifier_id=contact.identifier_id, now=now,
    )  # fmt: skip
    return True
