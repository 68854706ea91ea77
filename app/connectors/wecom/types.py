"""Answers of the WeCom API in our shape."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class CorpTag:
    """A tag on a contact or in the corp's list. `kind`: 1 corp, 2 personal, 3 strategy."""

    tag_id: str
    name: str
    group: str = ""
    kind: int = 1


@dataclass(frozen=True, slots=True)
class Follower:
    """One rep's side of a contact: what this rep wrote and tagged."""

    userid: str
    remark: str
    description: str
    added_at: datetime
    tags: tuple[CorpTag, ...]
    phones: tuple[str, ...]
    state: str
    add_way: int | None


@dataclass(frozen=True, slots=True)
class Customer:
    """An external contact. `unionid` is empty when the corp has bound no open platform."""

    external_userid: str
    name: str
    unionid: str
    is_wechat: bool
    corp_name: str
    position: str
    followers: tuple[Follower, ...]


@dataclass(frozen=True, slots=True)
class Sent:
    """What the platform said about a message."""

    message_id: str = ""
    response_code: str = ""
    invalid_users: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class GroupTask:
    """A group-message task; `failed` are the contacts the platform left out."""

    message_id: str
    failed: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class GroupResult:
    """Per contact: 0 unsent, 1 sent, 2 not a friend any more, 3 had another mass message."""

    external_userid: str
    status: int
    sent_at: datetime | None


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who came back from OAuth: a member, or a contact."""

    userid: str = ""
    external_userid: str = ""
    openid: str = ""
    user_ticket: str = ""
