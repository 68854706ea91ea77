"""The link to the physician's own page goes only where the physician alone reads: into the chat
with the Official Account. Never onto a page that a forwarded link opens; and what was sent is
erased as soon as it has left, so nobody finds the link here. Where a phone alone says that two
WeChat accounts are one physician, nobody gets it: a rep who mistypes one would open a stranger's
page.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from app import delivery, identity, links
from app.delivery import Dispatch, Way
from app.facts import FollowerFact
from app.flows import Received
from app.flows.followers.follower import AFTER_MESSAGE, say
from app.flows.sending.ways import replies_left
from app.identity import AnIdentifier, Identifier, Kind
from app.infra.clock import local

TEXT = (
    "您的信息与偏好：查看和删除我们知道您什么，选择主题、频率和谁可以联系您。\n\n"
    "{url}\n\n链接只属于您，24 小时内有效，请不要转发。"
)
UNSURE = (
    "您的微信与另一个微信账号记在同一位医生名下。为了不让别人看到您的信息，同事核对之后才能打开这一页，"
    "请告诉您的代表。要停止接收，发送“退订”即可。"
)


def answer_own(
    session: Session,
    fact: FollowerFact,
    row: AnIdentifier,
    *,
    base_url: str,
    event: Received,
    now: datetime,
) -> None:
    """Answer a follower who has asked for the page."""
    known = identity.is_sure(session, session.get_one(Identifier, row.id))
    text = _text(session, row.id, base_url, now) if known else UNSURE
    say(session, fact, row, text, event=event, now=now)
    delivery.erase(session, Dispatch.dedupe_key == f"answer:{event.ref}")


def send_own(session: Session, identifier_id: int | None, base_url: str, now: datetime) -> bool:
    """Send it into the chat of whoever has written to the account within two days, once a day;
    False where the account cannot write to this person by itself."""
    row = session.get(Identifier, identifier_id) if identifier_id else None
    if row is None:
        return False
    followers = [
        one for one in identity.identifiers_of(session, row.one_id)
        if one.kind == Kind.OPENID and one.value
    ]  # fmt: skip
    left = replies_left(session, [one.id for one in followers], now)
    chosen = next((one for one in followers if left.get(one.id, 0) > 0), None)
    if chosen is None or not identity.is_sure(session, chosen):
        return False
    key = f"own:{chosen.id}:{local(now):%Y%m%d}"
    if session.scalar(select(Dispatch.id).where(Dispatch.dedupe_key == key)) is None:
        text = _text(session, chosen.id, base_url, now)
        delivery.queue(
            session, way=Way.OA_TEXT, dedupe_key=key,
            payload={"app_id": chosen.namespace, "openid": chosen.value, "text": text},
            identifier_id=chosen.id, not_after=now + AFTER_MESSAGE, now=now,
        )  # fmt: skip
        delivery.erase(session, Dispatch.dedupe_key == key)
    return True


def _text(session: Session, identifier_id: int, base_url: str, now: datetime) -> str:
    token = links.create_own(session, identifier_id, now)
    return TEXT.format(url=f"{base_url}/me/{token}")
