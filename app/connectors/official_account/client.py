"""Calls to the Official Account, through wechatpy with our own token provider.

The account's own messages and pages; `wechatpy_line.py` keeps that library in check.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import quote

from app.connectors.calls import call, text_in
from app.connectors.http import Http
from app.connectors.official_account.errors import raise_for
from app.connectors.official_account.wechatpy_line import Json, Line
from app.connectors.tokens import Token, TokenProvider, token_in, token_key

BATCH = 100  # openids of one user/info/batchget


@dataclass(frozen=True, slots=True)
class FollowerInfo:
    """What the platform says of a follower; `unionid` only with a bound open platform."""

    openid: str
    subscribed: bool
    unionid: str
    scene: str
    followed_at: datetime | None = None

    @classmethod
    def of(cls, answer: Json) -> FollowerInfo:
        """From user/info."""
        return cls(
            openid=answer.get("openid") or "",
            subscribed=bool(answer.get("subscribe")),
            unionid=(answer.get("unionid") or "").strip(),
            scene=answer.get("qr_scene_str") or str(answer.get("qr_scene") or ""),
            followed_at=moment(answer.get("subscribe_time")),
        )


def moment(seconds: int | None) -> datetime | None:
    """Seconds since 1970 as UTC; None for nothing or 0."""
    return datetime.fromtimestamp(seconds, UTC) if seconds else None


class OfficialAccount:
    """A thin client: typed answers, errors typed by code."""

    def __init__(
        self,
        http: Http,
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
        self._key = token_key("oa", app_id, "", secret)
        self._line = Line(http, app_id, api_base, self._token)

    def obtain_token(self) -> None:
        """Make sure of a living token. Raises what a call would raise for lack of one."""
        self._token()

    def knock(self) -> None:
        """A call that changes nothing. Raises what any call would raise when the platform does not
        answer."""
        self._line.get("get_api_domain_ip", {})

    def user_info(self, openid: str) -> FollowerInfo:
        """One follower. Raises PersonGone, OutOfReach."""
        return FollowerInfo.of(self._line.ask("user/info", lambda api: api.user.get(openid)))

    def user_infos(self, openids: Sequence[str]) -> Iterator[FollowerInfo]:
        """Many followers, a hundred a call."""
        for start in range(0, len(openids), BATCH):
            some = list(openids[start : start + BATCH])
            body = {"user_list": [{"openid": openid, "lang": "zh_CN"} for openid in some]}
            answer = self._line.post("user/info/batchget", body)
            yield from (FollowerInfo.of(item) for item in answer.get("user_info_list") or ())

    def list_followers(self) -> Iterator[str]:
        """All openids that follow, ten thousand a call."""
        after = ""
        while True:
            answer = self._line.get("user/get", {"next_openid": after} if after else {})
            yield from (answer.get("data") or {}).get("openid") or ()
            after, before = answer.get("next_openid") or "", after
            if after in ("", before):
                return

    def follower_page(self, after: str) -> tuple[list[str], str]:
        """Up to ten thousand openids, and where the next page starts, "" after the last."""
        answer = self._line.get("user/get", {"next_openid": after} if after else {})
        found = list((answer.get("data") or {}).get("openid") or ())
        following = answer.get("next_openid") or ""
        return found, following if found and following != after else ""

    def send_text(self, openid: str, text: str) -> None:
        """A custom message. Raises WindowClosed outside the platform's window."""
        self._line.ask("message/custom/send", lambda api: api.message.send_text(openid, text))

    def send_article(self, openid: str, title: str, description: str, url: str) -> None:
        """A custom message that shows one link as a card. Raises WindowClosed."""
        article = {"title": title, "description": description, "url": url, "image": ""}
        self._line.ask(
            "message/custom/send", lambda api: api.message.send_articles(openid, [article])
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
        return str(self._line.post("message/template/send", body).get("msgid", ""))

    def create_code(self, scene: str, lifetime_s: int | None = None) -> str:
        """The address of a QR code that brings `scene`; permanent without a lifetime."""
        body: Json = {"action_name": "QR_LIMIT_STR_SCENE"}
        if lifetime_s:
            body = {"action_name": "QR_STR_SCENE", "expire_seconds": lifetime_s}
        body["action_info"] = {"scene": {"scene_str": scene}}
        answer = self._line.ask("qrcode/create", lambda api: api.qrcode.create(body))
        return text_in(answer, "url", "qrcode/create")

    def create_menu(self, buttons: list[Json]) -> None:
        """Replace the account's menu."""
        self._line.ask("menu/create", lambda api: api.menu.create({"button": buttons}))

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
        answer = call(self._http, "GET", "/sns/oauth2/access_token", params=params)
        raise_for(answer, "sns/oauth2/access_token", with_secret=True)
        openid = text_in(answer, "openid", "sns/oauth2/access_token")
        return openid, (answer.get("unionid") or "").strip()

    def _token(self, *, not_generation: int | None = None) -> Token:
        return self._tokens.get(self._key, self._fetch, not_generation=not_generation)

    def _fetch(self) -> tuple[str, int]:
        body = {
            "grant_type": "client_credential",
            "appid": self.app_id,
            "secret": self._secret,
            "force_refresh": False,
        }
        answer = call(self._http, "POST", "/cgi-bin/stable_token", body=body)
        raise_for(answer, "stable_token", with_secret=True)
        return token_in(answer, "access_token")
