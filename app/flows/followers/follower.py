"""Pieces that the stories about Official Account followers share."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from app import delivery, identity, links
from app.connectors.errors import PersonGone
from app.connectors.official_account.client import FollowerInfo
from app.content import ContentVersion
from app.delivery import Way
from app.facts import FollowerFact, FollowerMessaged
from app.flows import Outside, Received
from app.identity import AnIdentifier, Id, Kind, Known

AFTER_MESSAGE = timedelta(minutes=30)  # the platform would allow 48 hours; later would surprise
NO_ANSWER = timedelta(hours=6)  # after a message that an outage of the platform held back
AFTER_TAP = timedelta(seconds=60)  # the platform's window after a follow, a scan or a menu click
NOTHING_FOUND = "没有找到相关内容。可以换一个关键词，或点击菜单“为您推荐”。"


@dataclass(frozen=True, slots=True)
class Seen:
    """The follower as the platform shows it now (None: gone), and where our pages live."""

    info: FollowerInfo | None
    base_url: str

    @property
    def follows(self) -> bool:
        """False when the follower has left meanwhile: then we may keep nothing."""
        return self.info is not None and self.info.subscribed


def read_follower(fact: FollowerFact, outside: Outside) -> Seen:
    """The follower as the platform shows it now. Raises OutOfReach for an openid that it does not
    know: nothing says that they have left."""
    info = None
    with suppress(PersonGone):
        info = outside.official_accounts[fact.app_id].user_info(fact.openid)
    return Seen(info, outside.settings.yishu_base_url)


def unread_follower(fact: FollowerFact, outside: Outside) -> Seen:
    """Somebody who has just written, and of whom the platform says nothing now: a follower. The
    unionid is learned when they are read next."""
    info = FollowerInfo(openid=fact.openid, subscribed=True, unionid="", scene="")
    return Seen(info, outside.settings.yishu_base_url)


def know_follower(
    session: Session, fact: FollowerFact, seen: Seen, ref: str, now: datetime
) -> Known | None:
    """The follower's identifier, linked to its unionid; None when the follower has left."""
    if seen.info is None or not seen.info.subscribed:
        return None
    ids = [Id(Kind.OPENID, fact.app_id, fact.openid)]
    unionid = identity.make_id(Kind.UNIONID, seen.info.unionid) if seen.info.unionid else None
    if unionid:
        ids.append(unionid)
    return identity.recognise(
        session, ids, event_key=ref, source="oa.user_info", kind="api_assert", trust=90,
        at=fact.at, now=now,
    )[0]  # fmt: skip


def say(
    session: Session,
    fact: FollowerFact,
    row: AnIdentifier,
    text: str,
    *,
    event: Received,
    now: datetime,
) -> None:
    """Answer a follower who has just done something: no cap and no quiet hours apply."""
    until = fact.at + AFTER_TAP
    if isinstance(fact, FollowerMessaged):
        until = min(now + AFTER_MESSAGE, fact.at + NO_ANSWER)
    delivery.queue(
        session, way=Way.OA_TEXT, dedupe_key=f"answer:{event.ref}",
        payload={"app_id": fact.app_id, "openid": fact.openid, "text": text},
        identifier_id=row.id, not_after=until, now=now,
    )  # fmt: skip


def offer(
    session: Session,
    fact: FollowerFact,
    row: AnIdentifier,
    found: Sequence[ContentVersion],
    *,
    base_url: str,
    event: Received,
    now: datetime,
    more: str = "",
) -> None:
    """Answer with contents, each behind a link of this follower's own."""
    lines = ["为您找到以下内容："] if found else [NOTHING_FOUND]
    for version in found:
        link = links.create_link(session, version.id, identifier_id=row.id, channel="oa", now=now)
        lines.append(f"《{version.title}》\n{base_url}/t/{link.token}")
    say(session, fact, row, "\n\n".join([*lines, more] if more else lines), event=event, now=now)
