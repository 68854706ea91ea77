"""Calls to the Official Account, through wechatpy with our own token provider.

wechatpy fetches tokens without a lock, retries without an end and puts secrets into error texts;
so it gets the token from us, may not retry, and its errors are translated here, unchained.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import quote

import httpx
import requests
from wechatpy import WeChatClient
from wechatpy.exceptions import WeChatClientException

from app.connectors.calls import call
from app.connectors.errors import NotSent, OutcomeUnknown, TokenExpired, of_code
from app.connectors.official_account.errors import KINDS
from app.connectors.tokens import Token, TokenProvider

Answer = TypeVar("Answer")
Json = dict[str, Any]
TIMEOUT = (2.0, 8.0)  # connect, read


@dataclass(frozen=True, slots=True)
class FollowerInfo:
    """What the platform says of a follower; `unionid` only with a bound open platform."""

    openid: str
    subscribed: bool
    unionid: str
    scene: str


class OfficialAccount:
    """A thin client: typed answers, errors typed by code."""

    def __init__(
        self,
        http: httpx.Client,
        tokens: TokenProvider,
        *,
        app_id: str,
        secret: str,
        api_base: str,
        open_base: str,
    ) -> None:
        self.app_id = app_id
        self.open_base = open_base
        self._http = http
        self._tokens = tokens
        self._secret = secret
        self._wechatpy = _Client(self._token, app_id, f"{api_base}/cgi-bin/")

    def user_info(self, openid: str) -> FollowerInfo:
        """One follower. Raises PersonGone."""
        answer = self._try("user/info", lambda: self._wechatpy.user.get(openid))
        return FollowerInfo(
            openid=openid,
            subscribed=bool(answer.get("subscribe")),
            unionid=answer.get("unionid") or "",
            scene=answer.get("qr_scene_str") or str(answer.get("qr_scene") or ""),
        )

    def list_followers(self) -> list[str]:
        """All openids that follow."""
        return self._try("user/get", lambda: list(self._wechatpy.user.iter_followers()))

    def send_text(self, openid: str, text: str) -> None:
        """A custom message. Raises WindowClosed outside the platform's window."""
        self._try("message/custom/send", lambda: self._wechatpy.message.send_text(openid, text))

    def send_article(self, openid: str, title: str, description: str, url: str) -> None:
        """A custom message that shows one link as a card. Raises WindowClosed."""
        article = {"title": title, "description": description, "url": url, "image": ""}
        self._try(
            "message/custom/send",
            lambda: self._wechatpy.message.send_articles(openid, [article]),
        )

    def send_template(
        self, openid: str, template_id: str, data: Json, url: str, client_msg_id: str
    ) -> str:
        """A template message (never marketing); `client_msg_id` makes repeating it harmless."""
        body = {
            "touser": openid,
            "template_id": template_id,
            "url": url,
            "data": data,
            "client_msg_id": client_msg_id,
        }
        answer = self._try(
            "message/template/send",
            lambda: self._wechatpy.post("message/template/send", data=body),
        )
        return str(answer.get("msgid", ""))

    def create_code(self, scene: str, lifetime_s: int | None = None) -> str:
        """The address of a QR code that brings `scene`; permanent without a lifetime."""
        body: Json = {"action_name": "QR_LIMIT_STR_SCENE"}
        if lifetime_s:
            body = {"action_name": "QR_STR_SCENE", "expire_seconds": lifetime_s}
        body["action_info"] = {"scene": {"scene_str": scene}}
        answer = self._try("qrcode/create", lambda: self._wechatpy.qrcode.create(body))
        return str(answer["url"])

    def create_menu(self, buttons: list[Json]) -> None:
        """Replace the account's menu."""
        self._try("menu/create", lambda: self._wechatpy.menu.create({"button": buttons}))

    def login_url(self, redirect: str, state: str) -> str:
        """Where a follower's WeChat goes to prove who it is; it comes back with a code."""
        return (
            f"{self.open_base}/connect/oauth2/authorize?appid={self.app_id}"
            f"&redirect_uri={quote(redirect, safe='')}&response_type=code&scope=snsapi_base"
            f"&state={state}#wechat_redirect"
        )

    def login(self, code: str) -> tuple[str, str]:
        """(openid, unionid or "") behind an OAuth code."""
        params = {
            "appid": self.app_id,
            "secret": self._secret,
            "code": code,
            "grant_type": "authorization_code",
        }
        path = "/sns/oauth2/access_token"
        answer = call(self._http, "GET", path, params=params)
        if answer.get("errcode"):
            raise of_code(KINDS, int(answer["errcode"]), path)
        return answer["openid"], answer.get("unionid") or ""

    def _try(self, api: str, ask: Callable[[], Answer]) -> Answer:
        generation = self._token().generation
        try:
            return _typed(api, ask)
        except TokenExpired:
            self._token(not_generation=generation)
            return _typed(api, ask)

    def _token(self, *, not_generation: int | None = None) -> Token:
        key = f"oa:{self.app_id}:token"
        return self._tokens.get(key, self._fetch, not_generation=not_generation)

    def _fetch(self) -> tuple[str, int]:
        body = {
            "grant_type": "client_credential",
            "appid": self.app_id,
            "secret": self._secret,
            "force_refresh": False,
        }
        answer = call(self._http, "POST", "/cgi-bin/stable_token", json=body)
        if answer.get("errcode"):
            raise of_code(KINDS, int(answer["errcode"]), "stable_token")
        return answer["access_token"], int(answer["expires_in"])


class _Client(WeChatClient):  # type: ignore[misc]  # wechatpy ships no types
    """wechatpy's client, whose token comes from us and which may not retry."""

    def __init__(self, token: Callable[[], Token], app_id: str, api_base: str) -> None:
        self._our_token = token
        super().__init__(app_id, "", timeout=TIMEOUT, auto_retry=False)
        self.API_BASE_URL = api_base

    @property
    def access_token(self) -> str:
        """The shared token."""
        return self._our_token().value


def _typed(api: str, ask: Callable[[], Answer]) -> Answer:
    try:
        return ask()
    except WeChatClientException as problem:
        raise of_code(KINDS, int(problem.errcode or 0), api) from None
    except (requests.ConnectionError, requests.ConnectTimeout) as problem:
        broken = "Connection aborted" in str(problem) or "Read timed out" in str(problem)
        raise (OutcomeUnknown if broken else NotSent)(f"{api}: no connection") from None
    except (requests.RequestException, ValueError) as problem:
        raise OutcomeUnknown(f"{api}: {type(problem).__name__}") from None
