"""Rules to begin with, as drafts: each is to be tested on one's own past before it goes live."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.autotag.manage import create
from app.autotag.models import TagRule
from app.infra.errors import Refused

STARTER: Sequence[tuple[str, Mapping[str, Any]]] = (
    ("近期活跃", {"gives": "b-active", "confidence": 0.9,
     "all": [{"is": "count", "act": "opened", "at_least": 3, "days": 30}]}),
    ("久未互动", {"gives": "b-silent", "confidence": 0.9,
     "all": [{"is": "silent", "act": "any", "days": 90}]}),
    ("新关注", {"gives": "b-new-follower", "confidence": 0.9,
     "all": [{"is": "first", "act": "followed", "days": 30}]}),
    ("主动提问", {"gives": "b-asks", "confidence": 0.7,
     "all": [{"is": "count", "act": "message", "at_least": 1, "days": 90,
              "words": ["?", "？", "请问", "怎么", "如何", "能否", "是否", "吗", "为什么"]}]}),
    ("愿意转发", {"gives": "b-shares", "confidence": 0.6,
     "all": [{"is": "count", "act": "shared", "at_least": 2, "days": 180}]}),
    ("偏好短内容", {"gives": "ch-short", "confidence": 0.7,
     "all": [{"is": "count", "act": "read", "length": "short", "at_least": 3, "days": 90},
             {"is": "count", "act": "read", "length": "long", "at_least": 0, "at_most": 0,
              "days": 90}]}),
    ("偏好深度内容", {"gives": "ch-deep", "confidence": 0.7,
     "all": [{"is": "count", "act": "read", "length": "long", "at_least": 2, "days": 90}]}),
    ("疾病与话题兴趣（反复阅读）", {"each": ["disease", "topic"], "confidence": 0.5,
     "all": [{"is": "count", "act": "read", "tagged": "*", "at_least": 2, "days": 180}]}),
    ("收到而不打开", {"gives": "b-silent", "confidence": 0.5,
     "all": [{"is": "count", "act": "unopened", "at_least": 3, "days": 90},
             {"is": "count", "act": "opened", "at_least": 0, "at_most": 0, "days": 90}]}),
)  # fmt: skip


def seed(session: Session, *, owner: str, now: datetime) -> list[TagRule]:
    """Those that are not there yet, and whose tags the vocabulary has."""
    known = set(session.scalars(select(TagRule.name)))
    made = []
    for name, definition in STARTER:
        if name not in known:
            try:
                made.append(create(session, name=name, definition=definition, owner=owner, now=now))
            except Refused:  # somebody has retired or restricted its tag
                continue
    return made
