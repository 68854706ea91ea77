"""Answers of the WeCom API in our shape. `of` reads one from the platform's JSON."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

Json = dict[str, Any]
OWN_GROUP = "医枢朋友圈"  # tags that only say who sees a moment: they are nothing that anybody said


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

    @classmethod
    def of(cls, item: Json) -> Follower:
        """From `follow_user` of one contact, or `follow_info` of a batch (tag ids, no names)."""
        tags = [
            CorpTag(
                tag.get("tag_id") or "", tag.get("tag_name") or "", tag.get("group_name") or "",
                int(tag.get("type", 1)),
            )
            for tag in item.get("tags") or ()
            if tag.get("group_name") != OWN_GROUP
        ]  # fmt: skip
        tags += [CorpTag(tag_id, "") for tag_id in item.get("tag_id") or ()]
        return cls(
            userid=str(item.get("userid", "")).lower(),
            remark=item.get("remark") or "",
            description=item.get("description") or "",
            added_at=moment(item.get("createtime")) or datetime.fromtimestamp(0, UTC),
            tags=tuple(tags),
            phones=tuple(filter(None, item.get("remark_mobiles") or ())),
            state=item.get("state") or "",
            add_way=item.get("add_way"),
        )


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

    @classmethod
    def of(cls, contact: Json, followers: list[Follower]) -> Customer:
        """From `external_contact` and the sides of the members that follow it."""
        return cls(
            external_userid=contact.get("external_userid", ""),
            name=contact.get("name") or "",
            unionid=(contact.get("unionid") or "").strip(),
            is_wechat=contact.get("type") == 1,
            corp_name=contact.get("corp_name") or "",
            position=contact.get("position") or "",
            followers=tuple(followers),
        )


@dataclass(frozen=True, slots=True)
class Member:
    """An employee. `status`: 1 active, 2 disabled, 4 not activated, 5 left."""

    userid: str
    name: str
    position: str
    status: int


@dataclass(frozen=True, slots=True)
class Sent:
    """What the platform said about a message; `invalid_users` are lower-case."""

    message_id: str = ""
    response_code: str = ""
    invalid_users: tuple[str, ...] = ()

    @classmethod
    def of(cls, answer: Json) -> Sent:
        """From the answer of message/send: unlicensed members did not get it either."""
        left_out = f"{answer.get('invaliduser') or ''}|{answer.get('unlicenseduser') or ''}"
        return cls(
            message_id=answer.get("msgid") or "",
            response_code=answer.get("response_code") or "",
            invalid_users=tuple(filter(None, left_out.lower().split("|"))),
        )


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

    @classmethod
    def of(cls, item: Json) -> GroupResult:
        """From `send_list`."""
        at = moment(item.get("send_time"))
        return cls(item.get("external_userid") or "", int(item.get("status") or 0), at)


@dataclass(frozen=True, slots=True)
class TaskMember:
    """One member's side of a group-message task: has it been confirmed?"""

    userid: str
    confirmed: bool
    at: datetime | None

    @classmethod
    def of(cls, item: Json) -> TaskMember:
        """From `task_list`: 0 waiting, 2 sent (some samples say 1)."""
        confirmed = int(item.get("status") or 0) != 0
        return cls(str(item.get("userid", "")).lower(), confirmed, moment(item.get("send_time")))


@dataclass(frozen=True, slots=True)
class ContactWay:
    """A QR code through which contacts arrive with `state`."""

    config_id: str
    qr_code: str
    state: str = ""
    userids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class GroupMember:
    """Somebody in a customer group: one of ours, or a contact (`unionid` only with WeChat)."""

    userid: str
    is_contact: bool
    unionid: str = ""


@dataclass(frozen=True, slots=True)
class GroupChat:
    """A customer group."""

    chat_id: str
    name: str
    owner: str
    members: tuple[GroupMember, ...]

    @classmethod
    def of(cls, chat: Json) -> GroupChat:
        """From `group_chat`. Contacts keep their letters, members are folded."""
        members = []
        for item in chat.get("member_list") or ():
            userid, is_contact = str(item.get("userid", "")), item.get("type") == 2
            name = userid if is_contact else userid.lower()
            members.append(GroupMember(name, is_contact, item.get("unionid") or ""))
        return cls(
            chat_id=chat.get("chat_id", ""),
            name=chat.get("name") or "",
            owner=str(chat.get("owner") or "").lower(),
            members=tuple(members),
        )


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who came back from OAuth: a member, or a contact."""

    userid: str = ""
    external_userid: str = ""
    openid: str = ""
    user_ticket: str = ""


def moment(seconds: int | None) -> datetime | None:
    """Seconds since 1970 as UTC; None for nothing or 0."""
    return datetime.fromtimestamp(seconds, UTC) if seconds else None
