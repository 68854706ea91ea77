"""wechatpy, kept in check.

It fetches tokens without a lock, repeats without an end, and puts addresses with secrets into its
errors. So it gets each call's token and its connections from us, may not repeat, and its errors
are translated here.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, Protocol

import requests
from wechatpy import WeChatClient
from wechatpy.exceptions import WeChatClientException

from app.connectors.errors import OutcomeUnknown, TokenExpired
from app.connectors.http import Http
from app.connectors.official_account.errors import raise_for
from app.connectors.tokens import Token

Json = dict[str, Any]


class TokenSource(Protocol):
    """Gives the account's token, a newer one than `not_generation`."""

    def __call__(self, *, not_generation: int | None = None) -> Token: ...


class Line:
    """Asks through wechatpy; answers are objects, errors are ours."""

    def __init__(self, http: Http, app_id: str, api_base: str, token: TokenSource) -> None:
        self._token = token
        self._client = _Client(http, app_id, f"{api_base.rstrip('/')}/cgi-bin/")

    def ask(self, api: str, question: Callable[[Any], Any]) -> Json:
        """The answer of one wechatpy call; once again with a new token after an expired one."""
        token = self._token()
        try:
            return self._once(api, question, token)
        except TokenExpired:
            return self._once(api, question, self._token(not_generation=token.generation))

    def get(self, api: str, params: Json) -> Json:
        """The answer of a GET that wechatpy has no useful method for."""
        return self.ask(api, lambda client: client.get(api, params=params))

    def post(self, api: str, body: Json) -> Json:
        """The answer of a POST that wechatpy has no useful method for."""
        return self.ask(api, lambda client: client.post(api, data=body))

    def _once(self, api: str, question: Callable[[Any], Any], token: Token) -> Json:
        self._client.mine.token = token.value
        try:
            answer = question(self._client)
        except WeChatClientException as refusal:  # without a code: an HTTP error
            answer = {"errcode": refusal.errcode} if refusal.errcode else None
        except ValueError:  # an errcode that is not a number
            answer = None
        if not isinstance(answer, dict):  # wechatpy returns what it cannot read as it came
            raise OutcomeUnknown(f"{api}: the answer is not an object")
        raise_for(answer, api)
        return answer


class _Client(WeChatClient):  # type: ignore[misc]  # wechatpy ships no types
    def __init__(self, http: Http, app_id: str, api_base: str) -> None:
        self.mine = threading.local()  # one client for all threads, a token for each call
        super().__init__(app_id, "", auto_retry=False)
        self.API_BASE_URL = api_base
        self._http = _Session(http)

    @property
    def access_token(self) -> str:
        """The token of this thread's call."""
        token: str = self.mine.token
        return token


class _Session:
    """What wechatpy takes for a session of requests. Raises NotSent, OutcomeUnknown."""

    def __init__(self, http: Http) -> None:
        self._http = http

    def request(
        self,
        method: str,
        url: str,
        params: Json | None = None,
        data: bytes | None = None,
        timeout: object = None,  # ours are the line's own
    ) -> requests.Response:
        """The answer, as requests would give it."""
        name = url.partition("/cgi-bin/")[2]
        answer = self._http.send_bytes(method, url, name, params, data)
        response = requests.Response()
        response.status_code, response._content = answer.status, answer.content
        return response
