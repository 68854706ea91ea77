"""Official Account events and messages into facts. Pure."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Literal, TypedDict

from app import facts
from app.connectors.glance import UNREADABLE, Glance
from app.connectors.payload import Payload, Unreadable, read

EPOCH = datetime.fromtimestamp(0, UTC)
SCENE_PREFIX = "qrscene_"
MENU_EVENTS = frozenset(
    "click view view_miniprogram location location_select scancode_push "
    "scancode_waitmsg pic_weixin pic_sysphoto pic_photo_or_album".split()
)
MESSAGE_KINDS = frozenset("text image voice video shortvideo location link".split())
REVOKED: dict[str, Literal["revoked", "cancelled", "modified"]] = {
    "user_authorization_revoke": "revoked",
    "user_authorization_cancellation": "cancelled",
    "user_info_modified": "modified",
}
SUBSCRIBE_STAGES: dict[str, Literal["popup", "change", "sent"]] = {
    "subscribe_msg_popup_event": "popup",
    "subscribe_msg_change_event": "change",
    "subscribe_msg_sent_event": "sent",
}


class Who(TypedDict):
    """What every fact about a follower starts with."""

    at: datetime
    app_id: str
    openid: str


def glance(plain: bytes) -> Glance:
    """Type and order of an event; never raises."""
    try:
        body = read(plain)
    except Unreadable:
        return UNREADABLE
    event, openid = _event(body), _openid(body)
    partition = f"openid:{openid}" if openid else f"global:{event}"
    return Glance(event_type=event[:80], partition=partition, at=body.moment())


def translate(plain: bytes, receiver: str) -> facts.Fact:
    """The fact of a decrypted body; `receiver` is our app id. `Unknown` when nobody knows it."""
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
    fact = known(body, receiver) if known and _openid(body) else None
    return fact or facts.Unknown(at=_at(body), reason=f"no translator for {event}")


def _event(body: Payload) -> str:
    kind = body.text("MsgType").lower()
    if kind and kind != "event":
        return f"message/{kind}"
    return body.text("Event").lower() or "unknown"


def _openid(body: Payload) -> str:
    return body.text("OpenID") or body.text("FromUserName")


def _at(body: Payload) -> datetime:
    return body.moment() or EPOCH


def _who(body: Payload, app_id: str) -> Who:
    return Who(at=_at(body), app_id=app_id, openid=_openid(body))


def _followed(body: Payload, app_id: str) -> facts.Fact:
    scene = body.text("EventKey").removeprefix(SCENE_PREFIX)
    return facts.Followed(**_who(body, app_id), scene=scene)


def _unfollowed(body: Payload, app_id: str) -> facts.Fact:
    return facts.Unfollowed(**_who(body, app_id))


def _scanned(body: Payload, app_id: str) -> facts.Fact:
    scene = body.text("EventKey").removeprefix(SCENE_PREFIX)
    return facts.CodeScanned(**_who(body, app_id), scene=scene)


def _menu(body: Payload, app_id: str) -> facts.Fact:
    key = body.text("EventKey") or body.inside("ScanCodeInfo").text("ScanResult")
    return facts.MenuUsed(**_who(body, app_id), kind=_event(body), key=key)


def _message(body: Payload, app_id: str) -> facts.Fact | None:
    kind = body.text("MsgType").lower()
    if kind not in MESSAGE_KINDS:
        return None
    return facts.FollowerMessaged(
        **_who(body, app_id),
        kind=kind,
        message_id=body.text("MsgId"),
        text=body.text("Content", "Recognition", "Label", "Title"),
        media_id=body.text("MediaId"),
    )


def _template(body: Payload, app_id: str) -> facts.Fact:
    status = body.text("Status")
    return facts.TemplateDelivered(
        **_who(body, app_id),
        message_id=body.text("MsgID"),
        ok=status.strip().lower() == "success",
        status=status,
    )


def _subscribed(body: Payload, app_id: str) -> facts.Fact:
    event = _event(body)
    holder = body.inside(event.replace("_", "")) if not body.many("List") else body
    return facts.SubscribeAnswered(
        **_who(body, app_id),
        stage=SUBSCRIBE_STAGES[event],
        results=tuple(
            (item.text("TemplateId"), item.text("SubscribeStatusString", "ErrorStatus"))
            for item in holder.many("List")
        ),
    )


def _revoked(body: Payload, app_id: str) -> facts.Fact:
    return facts.AuthorisationRevoked(
        **_who(body, app_id),
        kind=REVOKED[_event(body)],
        scope=body.text("RevokeInfo"),
    )


_TRANSLATORS: dict[str, Callable[[Payload, str], facts.Fact | None]] = {
    "subscribe": _followed,
    "unsubscribe": _unfollowed,
    "scan": _scanned,
    "templatesendjobfinish": _template,
    **dict.fromkeys(SUBSCRIBE_STAGES, _subscribed),
    **dict.fromkeys(REVOKED, _revoked),
}
