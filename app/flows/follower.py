"""Pieces that the stories about Official Account followers share."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from app import delivery, identity
from app.connectors.errors import PersonGone
from app.connectors.official_account.client import FollowerInfo
from app.delivery import Way
from app.facts import FollowerFact
from app.flows import Outside, Received
from app.identity import Id, Identifier, Kind

ANSWER_WITHIN = timedelta(minutes=30)  # a later answer would surprise


def read_follower(fact: FollowerFact, outside: Outside) -> FollowerInfo | None:
    """The follower as the platform shows it now; None when it is gone."""
    try:
        return outside.official_accounts[fact.app_id].user_info(fact.openid)
    except PersonGone:
        return None


def know_follower(
    session: Session, fact: FollowerFact, info: FollowerInfo | None, ref: str, now: datetime
) -> Identifier:
    """The follower's identifier, linked to its unionid."""
    ids = [Id(Kind.OPENID, fact.app_id, fact.openid)]
    unionid = identity.make_id(Kind.UNIONID, info.unionid) if info and info.unionid else None
    if unionid:
        ids.append(unionid)
    return identity.observe(
        session, ids, event_key=ref, source="oa.user_info", kind="api_assert", trust=90,
        at=fact.at, now=now,
    )[0]  # fmt: skip


def say(
    session: Session,
    fact: FollowerFact,
    row: Identifier,
    text: str,
    *,
    event: Received,
    now: datetime,
    part: str = "",
    **more: Any,
) -> None:
    """Answer a follower who has just done something: no cap and no quiet hours apply."""
    delivery.queue(
        session, way=Way.OA_TEXT, dedupe_key=f"answer:{event.ref}:{part}",
        payload={"app_id": fact.app_id, "openid": fact.openid, "text": text, **more},
        identifier_id=row.id, not_after=now + ANSWER_WITHIN, now=now,
    )  # fmt: skip
