"""WeCom events and messages into facts. Pure.

Two envelopes carry the same events: a self-built app's (`MsgType`, `Event`) and a third-party
app's (`InfoType`, `AuthCorpId`). Names are compared without regard to case, and the vendor's own
misspellings ("OpitonIds") are accepted.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Literal, TypedDict, get_args

from app import facts
from app.connectors.glance import UNREADABLE, Glance
from app.connectors.payload import Payload, Unreadable, read

EPOCH = datetime.fromtimestamp(0, UTC)
MENU_EVENTS = frozenset(
    "click view view_miniprogram enter_agent location location_select "
    "scancode_push scancode_waitmsg pic_weixin pic_sysphoto pic_photo_or_album".split()
)
MESSAGE_KINDS = frozenset("text image voice video location link".split())

TagChange = Literal["create", "update", "delete", "shuffle"]
ChatChange = Literal["create", "update", "dismiss"]
MemberChange = Literal["create", "update", "delete"]
TAG_CHANGES: Mapping[str, TagChange] = {change: change for change in get_args(TagChange)}
CHAT_CHANGES: Mapping[str, ChatChange] = {change: change for change in get_args(ChatChange)}
MEMBER_CHANGES: Mapping[str, MemberChange] = {
    f"{change}_user": change for change in get_args(MemberChange)
}


class Relation(TypedDict):
    """What every fact about a rep and a contact starts with."""

    at: datetime
    corp_id: str
    rep_userid: str
    external_userid: str


class RepInApp(TypedDict):
    """What every fact about a rep in our app starts with."""

    at: datetime
    corp_id: str
    agent_id: str
    rep_userid: str


READS_ONLY = frozenset(
    {
        "change_external_contact/edit_external_contact",
        "change_external_tag/update",
        "change_external_tag/shuffle",
        "change_external_chat/update",
    }
)
"""XML events of which two in one second can be the same to the last byte, though each is news."""


def glance(plain: bytes) -> Glance:
    """Type, order and urgency of an event; never raises."""
    try:
        body = read(plain)
    except Unreadable:
        return UNREADABLE
    event, change = _event(body), body.text("ChangeType").lower()
    event_type = (f"{event}/{change}" if change else event)[:80]
    return Glance(
        event_type=event_type,
        partition=_partition(body, event),
        at=body.moment(),
        urgent=bool(body.text("WelcomeCode")),
        reads_only=event_type in READS_ONLY and plain.rstrip().endswith(b">"),
    )


def translate(plain: bytes, receiver: str) -> facts.Fact:
    """The fact of a decrypted body; `receiver` is our corp id. `Unknown` when nobody knows it."""
    try:
        body = read(plain)
    except Unreadable as problem:
        return facts.Unknown(at=EPOCH, reason=f"unreadable: {problem}")
    event = _event(body)
    known = _TRANSLATORS.get(event)
    if known is None and event in MENU_EVENTS:
        known = _menu
    if known is None and event.startswith("message/"):
        known = _message
    fact = known(body, body.text("AuthCorpId") or receiver) if known else None
    return fact or facts.Unknown(
        at=_at(body), reason=f"no translator for {glance(plain).event_type}"
    )


def _event(body: Payload) -> str:
    info = body.text("InfoType").lower()
    if info:
        return info
    kind = body.text("MsgType").lower()
    if kind == "event":
        return body.text("Event").lower() or "event"
    return f"message/{kind}" if kind else "unknown"


def _partition(body: Payload, event: str) -> str:
    contact = body.text("ExternalUserID")
    if contact:
        return f"contact:{contact}"
    if event == "change_external_chat":
        return f"chat:{body.text('ChatId')}"
    sender = body.text("FromUserName")
    if sender and sender.lower() != "sys":
        return f"rep:{sender.lower()}"
    return f"global:{event}"


def _at(body: Payload) -> datetime:
    return body.moment() or EPOCH


def _contact(body: Payload, corp: str) -> facts.Fact | None:
    change = body.text("ChangeType").lower()
    base = Relation(
        at=_at(body),
        corp_id=corp,
        rep_userid=body.text("UserID").lower(),
        external_userid=body.text("ExternalUserID"),
    )
    if not base["external_userid"]:
        return None
    if change in ("add_external_contact", "add_half_external_contact"):
        return facts.ContactAdded(
            **base,
            state=body.text("State"),
            welcome_code=body.text("WelcomeCode"),
            one_sided=change == "add_half_external_contact",
        )
    if change == "edit_external_contact":
        return facts.ContactEdited(**base, state=body.text("State"))
    if change == "del_external_contact":
        moved = body.text("Source") == "DELETE_BY_TRANSFER"
        return facts.ContactRemoved(**base, by="rep", by_transfer=moved)
    if change == "del_follow_user":
        return facts.ContactRemoved(**base, by="physician")
    if change == "transfer_fail":
        return facts.ContactTransferFailed(**base, reason=body.text("FailReason"))
    if change == "msg_audit_approved":
        code = body.text("WelcomeCode")
        return facts.ArchiveConsentGiven(**base, welcome_code=code)
    return None


def _tag(body: Payload, corp: str) -> facts.Fact | None:
    change = TAG_CHANGES.get(body.text("ChangeType").lower())
    if change is None:
        return None
    return facts.CorpTagChanged(
        at=_at(body),
        corp_id=corp,
        change=change,
        tag_id=body.text("Id"),
        is_group=body.text("TagType").lower() == "tag_group",
        strategy_id=body.text("StrategyId"),
    )


def _chat(body: Payload, corp: str) -> facts.Fact | None:
    change = CHAT_CHANGES.get(body.text("ChangeType").lower())
    if change is None:
        return None
    return facts.GroupChatChanged(
        at=_at(body),
        corp_id=corp,
        chat_id=body.text("ChatId"),
        change=change,
        detail=body.text("UpdateDetail"),
        members=body.inside("MemChangeList").texts("Item"),
        join_scene=body.number("JoinScene"),
        quit_scene=body.number("QuitScene"),
        last_version=body.text("LastMemVer"),
        version=body.text("CurMemVer"),
    )


def _acquisition(body: Payload, corp: str) -> facts.Fact:
    return facts.AcquisitionReported(
        at=_at(body),
        corp_id=corp,
        change=body.text("ChangeType").lower(),
        link_id=body.text("LinkId"),
        rep_userid=body.text("UserID").lower(),
        external_userid=body.text("ExternalUserID"),
        state=body.text("State"),
        chat_key=body.text("ChatKey"),
    )


def _member(body: Payload, corp: str) -> facts.Fact | None:
    change = MEMBER_CHANGES.get(body.text("ChangeType").lower())
    if change is None:
        return None
    return facts.MemberChanged(
        at=_at(body),
        corp_id=corp,
        change=change,
        userid=body.text("UserID").lower(),
        new_userid=body.text("NewUserID").lower(),
        name=body.text("Name"),
        status=body.number("Status"),
    )


def _card(body: Payload, corp: str) -> facts.Fact:
    return facts.CardAnswered(
        **_rep(body, corp),
        task_id=body.text("TaskId"),
        key=body.text("EventKey"),
        card_type=body.text("CardType"),
        response_code=body.text("ResponseCode"),
        selections=tuple(
            (
                item.text("QuestionKey"),
                item.inside("OptionIds", "OpitonIds").texts("OptionId", "OpitonId"),
            )
            for item in body.inside("SelectedItems").many("SelectedItem")
        ),
        from_menu=_event(body) == "template_card_menu_event",
    )


def _message(body: Payload, corp: str) -> facts.Fact | None:
    kind = body.text("MsgType").lower()
    if kind not in MESSAGE_KINDS:
        return None
    return facts.RepMessaged(
        **_rep(body, corp),
        kind=kind,
        message_id=body.text("MsgId"),
        text=body.text("Content", "Label", "Title"),
        media_id=body.text("MediaId"),
    )


def _menu(body: Payload, corp: str) -> facts.Fact:
    key = body.text("EventKey") or body.inside("ScanCodeInfo").text("ScanResult")
    return facts.RepMenuUsed(**_rep(body, corp), kind=_event(body), key=key)


def _visibility(body: Payload, corp: str) -> facts.Fact:
    visible = _event(body) == "subscribe"
    return facts.RepAppVisibilityChanged(**_rep(body, corp), visible=visible)


def _archive(body: Payload, corp: str) -> facts.Fact:
    return facts.ArchiveNotified(at=_at(body), corp_id=corp, agent_id=body.text("AgentID"))


def _rep(body: Payload, corp: str) -> RepInApp:
    return RepInApp(
        at=_at(body),
        corp_id=corp,
        agent_id=body.text("AgentID"),
        rep_userid=body.text("FromUserName").lower(),
    )


_TRANSLATORS: dict[str, Callable[[Payload, str], facts.Fact | None]] = {
    "change_external_contact": _contact,
    "change_external_tag": _tag,
    "change_external_chat": _chat,
    "customer_acquisition": _acquisition,
    "change_contact": _member,
    "template_card_event": _card,
    "template_card_menu_event": _card,
    "subscribe": _visibility,
    "unsubscribe": _visibility,
    "msgaudit_notify": _archive,
}
