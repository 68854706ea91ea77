"""One self-built app's line to WeCom: paths and parameters in, checked answers out."""

from __future__ import annotations

from typing import Any

from app.connectors.calls import call
from app.connectors.errors import TokenExpired
from app.connectors.http import Http, Upload
from app.connectors.tokens import Token, TokenProvider, token_in, token_key
from app.connectors.wecom.errors import raise_for

Json = dict[str, Any]


class Wire:
    """Adds the shared token, repeats once after an expired one, raises typed errors."""

    def __init__(
        self, http: Http, tokens: TokenProvider, corp_id: str, agent_id: str, secret: str
    ) -> None:
        self._http = http
        self._tokens = tokens
        self._corp_id = corp_id
        self._secret = secret
        self._key = token_key("wecom", corp_id, agent_id, secret)

    def get(self, path: str, params: Json | None = None) -> Json:
        """The answer of a GET."""
        return self._call("GET", path, params=params or {})

    def post(self, path: str, body: Json) -> Json:
        """The answer of a POST, sent at most once unless the platform refused the token."""
        return self._call("POST", path, body=body)

    def upload(self, path: str, params: Json, name: str, content: bytes) -> Json:
        """The answer to a file that is sent."""
        return self._call("POST", path, params=params, body=Upload(name, content))

    def ticket(self, path: str, kind: str) -> str:
        """A JS-SDK ticket, shared like tokens; `kind` is the platform's type, "" for the corp's."""

        def fetch() -> tuple[str, int]:
            return token_in(self.get(path, {"type": kind} if kind else {}), "ticket")

        return self._tokens.get(f"{self._key}:{path}", fetch).value

    def obtain_token(self) -> None:
        """Make sure of a living token. Raises what a call would raise for lack of one."""
        self._token()

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
        return self._tokens.get(self._key, self._fetch, not_generation=not_generation)

    def _fetch(self) -> tuple[str, int]:
        params = {"corpid": self._corp_id, "corpsecret": self._secret}
        answer = call(self._http, "GET", "/cgi-bin/gettoken", params=params)
        raise_for(answer, "gettoken")
        return token_in(answer, "access_token")
