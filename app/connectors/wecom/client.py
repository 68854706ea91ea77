"""Calls to WeCom, as one self-built app of one corp."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from typing import Any
from urllib.parse import quote

from app.connectors.errors import NotAFriend
from app.connectors.http import Http
from app.connectors.tokens import TokenProvider
from app.connectors.wecom.attachments import fit
from app.connectors.wecom.moments import Moments
from app.connectors.wecom.types import (
    OWN_GROUP,
    ContactWay,
    CorpTag,
    Customer,
    Follower,
    GroupChat,
    GroupResult,
    GroupTask,
    Member,
    Sent,
    TaskMember,
    Visitor,
)
from app.connectors.wecom.wire import Json, Wire


class WeCom:
    """A thin client: one method per call, typed answers, errors typed by code."""

    def __init__(
        self,
        http: Http,
        tokens: TokenProvider,
        *,
        corp_id: str,
        agent_id: str,
        secret: str,
        open_base: str,
    ) -> None:
        self.corp_id = corp_id
        self.agent_id = agent_id
        self.open_base = open_base
        self._wire = Wire(http, tokens, corp_id, agent_id, secret)
        self.moments = Moments(self._wire)

    def obtain_token(self) -> None:
        """Make sure of a living token. Raises what a call would raise for lack of one."""
        self._wire.obtain_token()

    def knock(self) -> None:
        """A call that changes nothing and is not counted. Raises what any call would raise when
        the platform does not answer."""
        self._wire.get("get_api_domain_ip")

    # contacts ---------------------------------------------------------------------------------

    def get_customer(self, external_userid: str) -> Customer:
        """A contact with every rep's side of it. Raises NotAFriend, OutOfReach."""
        followers: list[Follower] = []
        cursor = ""
        while True:
            params = {"external_userid": external_userid, "cursor": cursor}
            answer = self._wire.get("externalcontact/get", params)
            followers += [Follower.of(item) for item in answer.get("follow_user") or ()]
            cursor, before = answer.get("next_cursor") or "", cursor
            if cursor in ("", before):
                return Customer.of(answer.get("external_contact") or {}, followers)

    def list_customers(self, userid: str) -> list[str]:
        """External userids of one member; empty for a member without contacts."""
        try:
            answer = self._wire.get("externalcontact/list", {"userid": userid})
        except NotAFriend:
            return []  # the platform answers 84061 where others would answer an empty list
        return list(answer.get("external_userid", ()))

    def batch_customers(self, userids: Sequence[str]) -> Iterator[tuple[Customer, Follower]]:
        """Every contact of up to 100 members, each with one member's side."""
        body = {"userid_list": list(userids), "limit": 100}
        path = "externalcontact/batch/get_by_user"
        for item in self._pages(path, body, "external_contact_list"):
            side = Follower.of(item.get("follow_info", {}))
            yield Customer.of(item.get("external_contact", {}), [side]), side

    def batch_page(self, userid: str, cursor: str) -> tuple[list[tuple[Customer, Follower]], str]:
        """One page of a member's contacts, and the cursor of the next, "" after the last."""
        body = {"userid_list": [userid], "limit": 100, "cursor": cursor}
        answer = self._wire.post("externalcontact/batch/get_by_user", body)
        found = []
        for item in answer.get("external_contact_list") or ():
            side = Follower.of({"userid": userid} | (item.get("follow_info") or {}))
            found.append((Customer.of(item.get("external_contact") or {}, [side]), side))
        following = answer.get("next_cursor") or ""
        return found, following if following != cursor else ""

    def list_follow_users(self) -> list[str]:
        """Members that may have external contacts."""
        return list(self._wire.get("externalcontact/get_follow_user_list").get("follow_user", ()))

    def get_member(self, userid: str) -> Member:
        """A member. Raises PersonGone."""
        answer = self._wire.get("user/get", {"userid": userid})
        return Member(
            userid=str(answer.get("userid", "")).lower(),
            name=answer.get("name") or "",
            position=answer.get("position") or "",
            status=int(answer.get("status") or 0),
        )

    def remark(self, userid: str, external_userid: str, **fields: Any) -> None:
        """Overwrite what the member typed: remark, description, remark_mobiles …"""
        body = {"userid": userid, "external_userid": external_userid, **fields}
        self._wire.post("externalcontact/remark", body)

    # tags ---------------------------------------------------------------------------------------

    def list_corp_tags(self, tag_ids: Sequence[str] = ()) -> list[CorpTag]:
        """The corp's tags, all or the named ones."""
        answer = self._wire.post("externalcontact/get_corp_tag_list", {"tag_id": list(tag_ids)})
        return [
            CorpTag(tag["id"], tag["name"], group.get("group_name", ""))
            for group in answer.get("tag_group", ())
            if group.get("group_name") != OWN_GROUP
            for tag in group.get("tag", ())
            if not tag.get("deleted")
        ]

    def add_corp_tag(self, group: str, names: Sequence[str]) -> list[CorpTag]:
        """Create tags in a group (made when missing)."""
        body = {"group_name": group, "tag": [{"name": name} for name in names]}
        made = self._wire.post("externalcontact/add_corp_tag", body).get("tag_group", {})
        return [CorpTag(tag["id"], tag["name"], group) for tag in made.get("tag", ())]

    def edit_corp_tag(self, tag_id: str, name: str) -> None:
        """Rename a tag that this app made. Raises NotAllowed for another's."""
        self._wire.post("externalcontact/edit_corp_tag", {"id": tag_id, "name": name})

    def delete_corp_tags(self, tag_ids: Sequence[str]) -> None:
        """Delete tags that this app made, from every contact. Raises NotAllowed for another's."""
        self._wire.post("externalcontact/del_corp_tag", {"tag_id": list(tag_ids)})

    def mark_tag(
        self, userid: str, external_userid: str, add: Sequence[str], remove: Sequence[str]
    ) -> None:
        """Change the corp tags of one member's contact. Raises RecordBusy when concurrent."""
        body = {
            "userid": userid,
            "external_userid": external_userid,
            "add_tag": list(add),
            "remove_tag": list(remove),
        }
        self._wire.post("externalcontact/mark_tag", body)

    # messages -----------------------------------------------------------------------------------

    def send_welcome(self, code: str, text: str, attachments: Iterable[Json] = ()) -> None:
        """The welcome message, once and within 20 s. Raises WelcomeOver, WelcomeInProgress."""
        body: Json = {"welcome_code": code, "text": {"content": text}}
        body["attachments"] = fit(list(attachments))
        self._wire.post("externalcontact/send_welcome_msg", body)

    def send_app_message(self, userid: str, content: Json, *, check_s: int = 0) -> Sent:
        """A message of our app to one member. `content` holds msgtype and its body.

        `check_s` > 0: the platform refuses the byte-identical request for so long (at most 4 h).
        """
        body = {"touser": userid, "agentid": int(self.agent_id), **content}
        if check_s:
            body |= {"enable_duplicate_check": 1, "duplicate_check_interval": check_s}
        return Sent.of(self._wire.post("message/send", body))

    def update_card(self, response_code: str, userids: Sequence[str], change: Json) -> None:
        """Change a card once: `change` is a button text or a whole card."""
        body = {
            "userids": list(userids),
            "agentid": int(self.agent_id),
            "response_code": response_code,
            **change,
        }
        self._wire.post("message/update_template_card", body)

    def recall(self, message_id: str) -> None:
        """Take a message back, up to 24 h after it was sent."""
        self._wire.post("message/recall", {"msgid": message_id})

    def add_group_task(
        self, sender: str, external_userids: Sequence[str], text: str, attachments: Iterable[Json]
    ) -> GroupTask:
        """A mass-message task that `sender` must confirm."""
        body = {
            "chat_type": "single",
            "external_userid": list(external_userids),
            "sender": sender,
            "text": {"content": text},
            "attachments": fit(list(attachments)),
        }
        answer = self._wire.post("externalcontact/add_msg_template", body)
        return GroupTask(answer.get("msgid", ""), tuple(answer.get("fail_list") or ()))

    def group_results(self, message_id: str, userid: str) -> Iterator[GroupResult]:
        """What became of each contact of a task of one member."""
        body = {"msgid": message_id, "userid": userid, "limit": 1000}
        for item in self._pages("externalcontact/get_groupmsg_send_result", body, "send_list"):
            yield GroupResult.of(item)

    def group_task_members(self, message_id: str) -> Iterator[TaskMember]:
        """Which members have confirmed a task."""
        body = {"msgid": message_id, "limit": 1000}
        for item in self._pages("externalcontact/get_groupmsg_task", body, "task_list"):
            yield TaskMember.of(item)

    def cancel_group_task(self, message_id: str) -> None:
        """Stop a task that is not confirmed yet."""
        self._wire.post("externalcontact/cancel_groupmsg_send", {"msgid": message_id})

    # codes, groups, pages -----------------------------------------------------------------------

    def add_contact_way(self, userids: Sequence[str], state: str, remark: str = "") -> ContactWay:
        """A QR code through which contacts arrive with `state` (at most 30 characters)."""
        body = {
            "type": 1 if len(userids) == 1 else 2,
            "scene": 2,
            "user": list(userids),
            "state": state,
            "remark": remark,
            "skip_verify": True,
        }
        made = self._wire.post("externalcontact/add_contact_way", body)
        return ContactWay(made.get("config_id", ""), made.get("qr_code", ""), state, tuple(userids))

    def get_contact_way(self, config_id: str) -> ContactWay:
        """A QR code made earlier."""
        answer = self._wire.post("externalcontact/get_contact_way", {"config_id": config_id})
        way = answer.get("contact_way", {})
        return ContactWay(
            way.get("config_id", config_id), way.get("qr_code") or "", way.get("state") or "",
            tuple(str(userid).lower() for userid in way.get("user") or ()),
        )  # fmt: skip

    def list_contact_ways(self) -> list[str]:
        """Config ids of all QR codes of this app: also of those whose making was cut off."""
        found = self._pages("externalcontact/list_contact_way", {"limit": 1000}, "contact_way")
        return [item["config_id"] for item in found]

    def delete_contact_way(self, config_id: str) -> None:
        """The QR code stops working."""
        self._wire.post("externalcontact/del_contact_way", {"config_id": config_id})

    def list_group_chats(self, owners: Sequence[str]) -> list[str]:
        """Chat ids of the customer groups of up to 100 members."""
        body = {"owner_filter": {"userid_list": list(owners)}, "limit": 1000}
        found = self._pages("externalcontact/groupchat/list", body, "group_chat_list")
        return [item["chat_id"] for item in found]

    def get_group_chat(self, chat_id: str) -> GroupChat:
        """A customer group with its members."""
        body = {"chat_id": chat_id, "need_name": 1}
        return GroupChat.of(
            self._wire.post("externalcontact/groupchat/get", body).get("group_chat", {})
        )

    def js_ticket(self, *, of_app: bool) -> str:
        """The JS-SDK ticket of the corp or of our app; tickets are not shared between apps."""
        if of_app:
            return self._wire.ticket("ticket/get", "agent_config")
        return self._wire.ticket("get_jsapi_ticket", "")

    def login_url(self, redirect: str, state: str) -> str:
        """Where a member's WeCom goes to prove who it is; it comes back with a code."""
        return (
            f"{self.open_base}/connect/oauth2/authorize?appid={self.corp_id}"
            f"&redirect_uri={quote(redirect, safe='')}&response_type=code&scope=snsapi_base"
            f"&state={state}&agentid={self.agent_id}#wechat_redirect"
        )

    def login(self, code: str) -> Visitor:
        """Who stands behind an OAuth code (one use, five minutes)."""
        answer = self._wire.get("auth/getuserinfo", {"code": code})
        return Visitor(
            userid=str(answer.get("userid") or answer.get("UserId") or "").lower(),
            external_userid=answer.get("external_userid") or "",
            openid=answer.get("openid") or answer.get("OpenId") or "",
            user_ticket=answer.get("user_ticket") or "",
        )

    def _pages(self, path: str, body: Json, name: str) -> Iterator[Json]:
        """Every item of a POST that answers page by page."""
        cursor = ""
        while True:
            answer = self._wire.post(path, body | {"cursor": cursor})
            yield from answer.get(name) or ()
            cursor, before = answer.get("next_cursor") or "", cursor
            if cursor in ("", before):
                return


def js_signature(ticket: str, nonce: str, timestamp: int, url: str) -> str:
    """The JS-SDK signature of a page's address (without its #fragment)."""
    page = url.split("#", 1)[0]
    text = f"jsapi_ticket={ticket}&noncestr={nonce}&timestamp={timestamp}&url={page}"
    return hashlib.sha1(text.encode()).hexdigest()  # noqa: S324
