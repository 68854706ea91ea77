"""Somebody follows the Official Account, or scanned one of its codes again."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from sqlalchemy.orm import Session

from app import consent, links
from app.consent import Action
from app.facts import CodeScanned, Followed
from app.flows import Outside, Received
from app.flows.completeness.reconcile_note import note_once
from app.flows.contacts.contact_added import assert_channel_tags
from app.flows.followers.follower import Seen, know_follower, read_follower, say
from app.journey import Happened

HANDLES = (Followed, CodeScanned)
WELCOME = (
    "欢迎关注。点击菜单“为您推荐”查看适合您的内容，直接发送关键词可以搜索，"
    "发送“退订”可以停止推送。本账号面向医疗卫生专业人士。"
)


def prepare(fact: Followed | CodeScanned, outside: Outside) -> Seen:
    """The follower with its unionid."""
    return read_follower(fact, outside)


def apply(
    session: Session, fact: Followed | CodeScanned, seen: Seen, event: Received, now: datetime
) -> None:
    """Link, tag by scene, note the permission, welcome."""
    if fact.pulled and seen.info is not None:
        fact = replace(fact, at=seen.info.followed_at or event.received_at, scene=seen.info.scene)
    row = know_follower(session, fact, seen, event.ref, now)
    if row is None:
        return
    code = links.find_code(session, "oa", fact.scene)
    kind = Happened.FOLLOWED if isinstance(fact, Followed) else Happened.CODE_SCANNED
    noted = note_once(
        session, row.id, kind, fact, channel="oa", at=fact.at, ref=event.ref,
        detail={"channel": code.name} if code else None,
    )  # fmt: skip
    assert_channel_tags(session, row.id, code, ref=noted.ref, at=fact.at)
    if noted.fresh and isinstance(fact, Followed):
        consent.record(
            session, row.id, action=Action.GRANT, source="followed", channel="oa",
            evidence=event.ref, at=fact.at,
        )  # fmt: skip
    if fact.pulled:
        return  # too late for a welcome, or the callback will still bring it
    text = code.welcome_text if code and code.welcome_text else ""
    if text or isinstance(fact, Followed):
        say(session, fact, row, text or WELCOME, event=event, now=now)
