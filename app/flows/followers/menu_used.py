"""A follower used the Official Account's menu."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from app import journey
from app.facts import MenuUsed
from app.flows import Outside, Received
from app.flows.fitting.best_content import best_for
from app.flows.followers.follower import Seen, know_follower, offer, read_follower, say
from app.flows.followers.own_link import answer_own
from app.journey import Happened

HANDLES = MenuUsed
RECOMMENDED_KEY, OWN_KEY, HELP_KEY = "recommended", "own", "help"
MENU = [
    {"type": "click", "name": "为您推荐", "key": RECOMMENDED_KEY},
    {"type": "click", "name": "我的信息", "key": OWN_KEY},
    {"type": "click", "name": "使用帮助", "key": HELP_KEY},
]
"""What the account's menu offers; the keys are answered here."""
HELP = (
    "直接发送关键词可以搜索资料；点击“为您推荐”查看适合您的内容；发送“联系代表”会转告您的医药代表；"
    "发送“我的信息”查看我们知道您什么、选择主题和频率；发送“退订”停止推送，发送“恢复”重新接收。"
)
LIMIT = 3


def prepare(fact: MenuUsed, outside: Outside) -> Seen:
    """Who it is."""
    return read_follower(fact, outside)


def apply(session: Session, fact: MenuUsed, seen: Seen, event: Received, now: datetime) -> None:
    """Note it; “为您推荐” is answered with what fits this physician best."""
    row = know_follower(session, fact, seen, event.ref, now)
    if row is None:
        return
    journey.note(
        session, row.id, Happened.MENU_USED, channel="oa", at=fact.at, ref=event.ref,
        detail={"kind": fact.kind, "key": fact.key},
    )  # fmt: skip
    if fact.kind != "click":
        return
    if fact.key == HELP_KEY:
        say(session, fact, row, HELP, event=event, now=now)
    elif fact.key == OWN_KEY:
        answer_own(session, fact, row, base_url=seen.base_url, event=event, now=now)
    elif fact.key == RECOMMENDED_KEY:
        found = best_for(session, row.one_id, LIMIT, now)
        offer(session, fact, row, found, base_url=seen.base_url, event=event, now=now)
