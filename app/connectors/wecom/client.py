"""Calls to WeCom, as one self-built app of one corp."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import httpx

from app.connectors.calls import call
from app.connectors.errors import NotAFriend, TokenExpired
from app.connectors.tokens import Token, TokenProvider
from app.connectors.wecom.errors import raise_for
from app.connectors.wecom.types import (
    CorpTag,
    Customer,
    Follower,
    GroupResult,
    GroupTask,
    Sent,
    Visitor,
)

Json = dict[str, Any]


class WeCom:
    """A thin client: one method per call, typed answers, errors typed by code."""

    def __init__(
        self,
        http: httpx.Client,
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
        self._http = http
        self._tokens = tokens
        self._secret = secret

    # contacts ---------------------------------------------------------------------------------

    def get_customer(self, external_userid: str) -> Customer:
        """A contact with every rep's side of it. Raises NotAFriend, PersonGone."""
        followers: list[Follower] = []
        cursor = ""
        contact: Json = {}
        while True:
            params = {"external_userid": external_userid, "cursor": cursor}
            answer = self._get("externalcontact/get", params)
            contact = answer.get("external_contact", contact)
            followers += [_follower(item) for item in answer.get("follow_user", ())]
            cursor = answer.get("next_cursor") or ""
            if not cursor:
                return _customer(contact, followers)

    def list_customers(self, userid: str) -> list[str]:
        """External userids of one member; empty for a member without contacts."""
        try:
            answer = self._get("externalcontact/list", {"userid": userid})
        except NotAFriend:
            return []  # the platform answers 84061 where others would answer an empty list
        return list(answer.get("external_userid", ()))

    def batch_customers(self, userids: Sequence[str]) -> Iterator[tuple[Customer, Follower]]:
        """Every contact of up to 100 members, each with one member's side."""
        cursor = ""
        while True:
            body = {"userid_list": list(userids), "cursor": cursor, "limit": 100}
            answer = self._post("externalcontact/batch/get_by_user", body)
            for item in answer.get("external_contact_list", ()):
                side = _follower(item.get("follow_info", {}))
                yield _customer(item.get("external_contact", {}), [side]), side
            cursor = answer.get("next_cursor") or ""
            if not cursor:
                return

    def list_follow_users(self) -> list[str]:
        """Members that may have external contacts."""
        return list(self._get("externalcontact/get_follow_user_list").get("follow_user", ()))

    def get_member(self, userid: str) -> Json:
        """A member's name, status and position as the platform gives them."""
        return self._get("user/get", {"userid": userid})

    def remark(self, userid: str, external_userid: str, **fields: Any) -> None:
        """Overwrite what the member typed: remark, description, remark_mobiles …"""
        body = {"userid": userid, "external_userid": external_userid, **fields}
        self._post("externalcontact/remark", body)

    # tags ---------------------------------------------------------------------------------------

    def list_corp_tags(self, tag_ids: Sequence[str] = ()) -> list[CorpTag]:
        """The corp's tags, all or the named ones."""
        answer = self._post("externalcontact/get_corp_tag_list", {"tag_id": list(tag_ids)})
        return [
            CorpTag(tag["id"], tag["name"], group.get("group_name", ""))
            for group in answer.get("tag_group", ())
            for tag in group.get("tag", ())
            if not tag.get("deleted")
        ]

    def add_corp_tag(self, group: str, names: Sequence[str]) -> list[CorpTag]:
        """Create tags in a group (made when missing)."""
        body = {"group_name": group, "tag": [{"name": name} for name in names]}
        made = self._post("externalcontact/add_corp_tag", body).get("tag_group", {})
        return [CorpTag(tag["id"], tag["name"], group) for tag in made.get("tag", ())]

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
        self._post("externalcontact/mark_tag", body)

    # messages -----------------------------------------------------------------------------------

    def send_welcome(self, code: str, text: str, attachments: Iterable[Json] = ()) -> None:
        """The welcome message, once and within 20 s. Raises WelcomeOver, WelcomeInProgress."""
        body: Json = {"welcome_code": code, "text": {"content": text}}
        body["attachments"] = list(attachments)
        self._post("externalcontact/send_welcome_msg", body)

    def send_app_message(self, userid: str, content: Json, *, check_s: int = 0) -> Sent:
        """A message of our app to one member. `content` holds msgtype and its body.

        `check_s` > 0: the platform refuses the byte-identical request for so long (at most 4 h).
        """
        body = {"touser": userid, "agentid": int(self.agent_id), **content}
        if check_s:
            body |= {"enable_duplicate_check": 1, "duplicate_check_interval": check_s}
        answer = self._post("message/send", body)
        invalid = str(answer.get("invaliduser") or "").lower()
        return Sent(
            message_id=answer.get("msgid", ""),
            response_code=answer.get("response_code", ""),
            invalid_users=tuple(filter(None, invalid.split("|"))),
        )

    def update_card(self, response_code: str, userids: Sequence[str], change: Json) -> None:
        """Change a card once: `change` is a button text or a whole card."""
        body = {
            "userids": list(userids),
            "agentid": int(self.agent_id),
            "response_code": response_code,
            **change,
        }
        self._post("message/update_template_card", body)

    def recall(self, message_id: str) -> None:
        """Take a message back, up to 24 h after it was sent."""
        self._post("message/recall", {"msgid": message_id})

    def add_group_task(
        self, sender: str, external_userids: Sequence[str], text: str, attachments: Iterable[Json]
    ) -> GroupTask:
        """A mass-message task that `sender` must confirm."""
        body = {
            "chat_type": "single",
            "external_userid": list(external_userids),
            "sender": sender,
            "text": {"content": text},
            "attachments": list(attachments),
        }
        answer = self._post("externalcontact/add_msg_template", body)
        return GroupTask(answer.get("msgid", ""), tuple(answer.get("fail_list") or ()))

    def group_results(self, message_id: str, userid: str) -> Iterator[GroupResult]:
        """What became of each contact of a task of one member."""
        cursor = ""
        while True:
            body = {"msgid": message_id, "userid": userid, "limit": 1000, "cursor": cursor}
            answer = self._post("externalcontact/get_groupmsg_send_result", body)
            for item in answer.get("send_list", ()):
                sent = item.get("send_time")
                at = datetime.fromtimestamp(sent, UTC) if sent else None
                yield GroupResult(item["external_userid"], int(item["status"]), at)
            cursor = answer.get("next_cursor") or ""
            if not cursor:
                return

    def remind_group_task(self, message_id: str) -> None:
        """Remind the sender, at most three times in 24 h."""
        self._post("externalcontact/remind_groupmsg_send", {"msgid": message_id})

    def cancel_group_task(self, message_id: str) -> None:
        """Stop a task that is not confirmed yet."""
        self._post("externalcontact/cancel_groupmsg_send", {"msgid": message_id})

    # codes, groups, pages -----------------------------------------------------------------------

    def add_contact_way(self, userids: Sequence[str], state: str, remark: str = "") -> Json:
        """A QR code through which contacts arrive with `state`: config_id and qr_code."""
        body = {
            "type": 1 if len(userids) == 1 else 2,
            "scene": 2,
            "user": list(userids),
            "state": state,
            "remark": remark,
            "skip_verify": True,
        }
        return self._post("externalcontact/add_contact_way", body)

    def delete_contact_way(self, config_id: str) -> None:
        """The QR code stops working."""
        self._post("externalcontact/del_contact_way", {"config_id": config_id})

    def get_group_chat(self, chat_id: str) -> Json:
        """A customer group with its members."""
        body = {"chat_id": chat_id, "need_name": 1}
        chat: Json = self._post("externalcontact/groupchat/get", body).get("group_chat", {})
        return chat

    def js_ticket(self, *, of_app: bool) -> str:
        """The JS-SDK ticket of the corp or of our app; tickets are not shared between apps."""
        kind = "agent_config" if of_app else "corp"

        def fetch() -> tuple[str, int]:
            path = "ticket/get" if of_app else "get_jsapi_ticket"
            answer = self._get(path, {"type": "agent_config"} if of_app else {})
            return answer["ticket"], int(answer["expires_in"])

        return self._tokens.get(f"{self._key}:ticket:{kind}", fetch).value

    def login_url(self, redirect: str, state: str) -> str:
        """Where a member's WeCom goes to prove who it is; it comes back with a code."""
        return (
            f"{self.open_base}/connect/oauth2/authorize?appid={self.corp_id}"
            f"&redirect_uri={quote(redirect, safe='')}&response_type=code&scope=snsapi_base"
            f"&state={state}&agentid={self.agent_id}#wechat_redirect"
        )

    def login(self, code: str) -> Visitor:
        """Who stands behind an OAuth code (one use, five minutes)."""
        answer = self._get("auth/getuserinfo", {"code": code})
        return Visitor(
            userid=str(answer.get("userid", "")).lower(),
            external_userid=answer.get("external_userid", ""),
            openid=answer.get("openid", ""),
            user_ticket=answer.get("user_ticket", ""),
        )

    # plumbing -----------------------------------------------------------------------------------

    @property
    def _key(self) -> str:
        return f"wecom:{self.corp_id}:{self.agent_id}"

    def _get(self, path: str, params: Json | None = None) -> Json:
        return self._call("GET", path, params=params or {})

    def _post(self, path: str, body: Json) -> Json:
        return self._call("POST", path, json=body)

    def _call(self, method: str, path: str, **kwargs: Any) -> Json:
        token = self._token()
        try:
            return self._once(method, path, token, **kwargs)
        except TokenExpired:
            fresh = self._token(not_generation=token.generation)
            return self._once(method, path, fresh, **kwargs)

    def _once(self, method: str, path: str, token: Token, **kwargs: Any) -> Json:
        params = {**kwargs.pop("params", {}), "access_token": token.value}
        answer = call(self._http, method, f"/cgi-bin/{path}", params=params, **kwargs)
        raise_for(answer, path)
        return answer

    def _token(self, *, not_generation: int | None = None) -> Token:
        return self._tokens.get(f"{self._key}:token", self._fetch, not_generation=not_generation)

    def _fetch(self) -> tuple[str, int]:
        params = {"corpid": self.corp_id, "corpsecret": self._secret}
        answer = call(self._http, "GET", "/cgi-bin/gettoken", params=params)
        raise_for(answer, "gettoken")
        return answer["access_token"], int(answer["expires_in"])


def js_signature(ticket: str, nonce: str, timestamp: int, url: str) -> str:
    """The JS-SDK signature of a page's address (without its #fragment)."""
    page = url.split("#", 1)[0]
    text = f"jsapi_ticket={ticket}&noncestr={nonce}&timestamp={timestamp}&url={page}"
    return hashlib.sha1(text.encode()).hexdigest()  # noqa: S324


def _customer(contact: Json, followers: list[Follower]) -> Customer:
    return Customer(
        external_userid=contact.get("external_userid", ""),
        name=contact.get("name", ""),
        unionid=contact.get("unionid") or "",
        is_wechat=contact.get("type") == 1,
        corp_name=contact.get("corp_name") or "",
        position=contact.get("position") or "",
        followers=tuple(followers),
    )


def _follower(item: Json) -> Follower:
    tags = tuple(
        CorpTag(
            tag.get("tag_id", ""), tag.get("tag_name", ""), tag.get("group_name", ""),
            int(tag.get("type", 1)),
        )
        for tag in item.get("tags", ())
    )  # fmt: skip
    return Follower(
        userid=str(item.get("userid", "")).lower(),
        remark=item.get("remark") or "",
        description=item.get("description") or "",
        added_at=datetime.fromtimestamp(item.get("createtime") or 0, UTC),
        tags=tags,
        phones=tuple(filter(None, item.get("remark_mobiles") or ())),
        state=item.get("state") or "",
        add_way=item.get("add_way"),
    )
