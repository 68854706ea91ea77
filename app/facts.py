"""What happened, in our words: frozen facts that connectors translate foreign payloads into.

A fact says that something was reported, never what the world looks like now: callbacks arrive
late, twice and out of order, so flows re-read the source before they change state. Names are
past tense; `at` is the platform's time in UTC (whole seconds on both platforms).

Vendor words that survive here are identifiers only: `external_userid`, `openid`, `unionid`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """Something that was reported to us at `at` (UTC).

    `pulled`: nobody reported it, we saw it when we compared; then `at` is the earliest possible
    time, unless the fact says more.
    """

    at: datetime
    pulled: bool = False


# --- WeCom: customer contact -----------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class RelationFact(Fact):
    """A fact about one rep and one external contact of one corp."""

    corp_id: str
    rep_userid: str
    external_userid: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactAdded(RelationFact):
    """A rep and a physician are connected. `one_sided`: the rep has not added back yet.

    `welcome_code` lives 20 seconds and works once; it is empty when the two already chat.
    """

    state: str = ""
    welcome_code: str = ""
    one_sided: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactEdited(RelationFact):
    """The rep changed remark, phone or tags: re-read the contact."""

    state: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactRemoved(RelationFact):
    """The relation ended, by the rep or by the physician."""

    by: Literal["rep", "physician"]
    by_transfer: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactTransferFailed(RelationFact):
    """A hand-over to another rep failed: `customer_refused` or `customer_limit_exceed`."""

    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchiveConsentGiven(RelationFact):
    """The physician agreed to conversation archiving."""

    welcome_code: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CorpTagChanged(Fact):
    """A corp tag or tag group changed; `tag_id` is empty when all groups were reordered."""

    corp_id: str
    change: Literal["create", "update", "delete", "shuffle"]
    tag_id: str = ""
    is_group: bool = False
    strategy_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupChatChanged(Fact):
    """A customer group was created, changed or dismissed. Scenes are open sets on purpose."""

    corp_id: str
    chat_id: str
    change: Literal["create", "update", "dismiss"]
    detail: str = ""
    members: tuple[str, ...] = ()
    join_scene: int | None = None
    quit_scene: int | None = None
    last_version: str = ""
    version: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AcquisitionReported(Fact):
    """An acquisition link event: friend_request, customer_start_chat, balance_low …"""

    corp_id: str
    change: str
    link_id: str = ""
    rep_userid: str = ""
    external_userid: str = ""
    state: str = ""
    chat_key: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberChanged(Fact):
    """A member of the corp was created, updated or deleted; `new_userid` after a rename."""

    corp_id: str
    change: Literal["create", "update", "delete"]
    userid: str
    new_userid: str = ""
    name: str = ""
    status: int | None = None


# --- WeCom: the rep and our app ---------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class RepFact(Fact):
    """A fact about a rep inside one of our WeCom apps."""

    corp_id: str
    agent_id: str
    rep_userid: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CardAnswered(RepFact):
    """A rep tapped a card. `response_code` may change the card once, within 72 hours.

    `selections` maps question keys to the chosen option ids, in the card's order.
    """

    task_id: str
    key: str
    card_type: str = ""
    response_code: str = ""
    selections: tuple[tuple[str, tuple[str, ...]], ...] = ()
    from_menu: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RepMessaged(RepFact):
    """A rep wrote to our app: text, image, voice, video, location, link."""

    kind: str
    message_id: str
    text: str = ""
    media_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RepMenuUsed(RepFact):
    """A rep used the app's menu or entered it: click, view, enter_agent, scancode_push …"""

    kind: str
    key: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RepAppVisibilityChanged(RepFact):
    """A rep gained (`subscribe`) or lost (`unsubscribe`) our app."""

    visible: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchiveNotified(Fact):
    """New archived conversation messages can be pulled."""

    corp_id: str
    agent_id: str


# --- Official Account ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class FollowerFact(Fact):
    """A fact about one follower (openid) of one Official Account."""

    app_id: str
    openid: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Followed(FollowerFact):
    """Somebody followed; `scene` is the QR code's scene without its `qrscene_` prefix."""

    scene: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unfollowed(FollowerFact):
    """Somebody left: the platform demands that this account's data be deleted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeScanned(FollowerFact):
    """A follower scanned one of our QR codes."""

    scene: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MenuUsed(FollowerFact):
    """A follower used the menu: click, view, view_miniprogram, scancode, pic, location …"""

    kind: str
    key: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class FollowerMessaged(FollowerFact):
    """A follower wrote: text, image, voice, video, shortvideo, location, link."""

    kind: str
    message_id: str
    text: str = ""
    media_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateDelivered(FollowerFact):
    """Result of a template message. `ok` is False for blocked or failed sends."""

    message_id: str
    ok: bool
    status: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SubscribeAnswered(FollowerFact):
    """Answers to subscribe-message prompts and results: (template_id, status) pairs."""

    stage: Literal["popup", "change", "sent"]
    results: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthorisationRevoked(FollowerFact):
    """The user withdrew authorisation or deleted the account: deletion duty."""

    kind: Literal["revoked", "cancelled", "modified"]
    scope: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unknown(Fact):
    """No translator knows this payload: keep it raw, show it, replay it later."""

    reason: str
