"""HTTP to a platform: connections that stay open, our time-outs, and no repetition of its own.

urllib3 and not a client above it: a worker makes a call for nearly every event, and what the
comfortable ones do around it costs more than reading the answer.
"""

from __future__ import annotations

import json
import os
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any
from urllib.parse import unquote, urlencode, urlsplit
from urllib.request import getproxies, proxy_bypass

import certifi
import urllib3
from urllib3.exceptions import ConnectTimeoutError, HTTPError, NewConnectionError, ProxyError

from app.connectors.errors import NotSent, OutcomeUnknown

TIMEOUT = urllib3.Timeout(connect=2.0, read=8.0)
CONNECTIONS = 64  # kept open: as many as threads ask at once
JSON = "application/json"


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that is sent as a form instead of JSON."""

    name: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back, whatever the status."""

    status: int
    content: bytes


class Http:
    """One platform's address. Threads may share it."""

    def __init__(self, base_url: str) -> None:
        self._base = base_url.rstrip("/")
        self._manager = _manager(self._base)

    def send(
        self, method: str, path: str, params: Mapping[str, Any] | None = None, body: Any = None
    ) -> Answer:
        """The answer of `path` under the base; `body` is sent as JSON, or is an Upload.

        Raises NotSent when no byte can have reached the platform, OutcomeUnknown when it may have.
        The original error is not chained: its text holds the URL with the access token.
        """
        url = f"{self._base}{path}"
        if isinstance(body, Upload):
            form, kind = urllib3.encode_multipart_formdata({"media": (body.name, body.content)})
            return self.send_bytes(method, url, path, params, form, kind)
        content = None if body is None else json.dumps(body, ensure_ascii=False).encode()
        return self.send_bytes(method, url, path, params, content)

    def send_bytes(
        self,
        method: str,
        url: str,
        name: str,
        params: Mapping[str, Any] | None,
        body: bytes | None,
        kind: str = JSON,
    ) -> Answer:
        """The same for a whole URL and a body of this `kind`; errors call it `name`."""
        if params:
            url = f"{url}?{urlencode(params)}"
        headers = {"Content-Type": kind} if body is not None else None
        try:
            answer = self._manager.urlopen(
                method.upper(), url, body=body, headers=headers,
                timeout=TIMEOUT, retries=False, redirect=False,
            )  # fmt: skip
        except HTTPError as problem:
            if _never_left(problem):
                raise NotSent(f"{name}: cannot connect") from None
            raise OutcomeUnknown(f"{name}: {type(problem).__name__}") from None
        return Answer(answer.status, answer.data)


def _manager(url: str) -> urllib3.PoolManager:
    """Through the proxy of the environment, if it names one for this host.

    Read are HTTPS_PROXY, HTTP_PROXY, ALL_PROXY and NO_PROXY, and SSL_CERT_FILE or
    REQUESTS_CA_BUNDLE for authorities of one's own.
    """
    address, known = urlsplit(url), getproxies()
    own = os.environ.get("SSL_CERT_FILE") or os.environ.get("REQUESTS_CA_BUNDLE")
    options: dict[str, Any] = {
        "maxsize": CONNECTIONS,
        "ssl_context": _trust(own or certifi.where()),
    }
    proxy = known.get(address.scheme) or known.get("all")
    if not proxy or proxy_bypass(address.hostname or ""):
        return urllib3.PoolManager(**options)
    proxy = proxy if "://" in proxy else f"http://{proxy}"
    login = unquote(urlsplit(proxy).netloc.rpartition("@")[0])
    headers = urllib3.make_headers(proxy_basic_auth=login) if login else None
    return urllib3.ProxyManager(proxy, proxy_headers=headers, **options)


@cache
def _trust(authorities: str) -> ssl.SSLContext:
    """Read once in a process: it takes longer than the first call."""
    return ssl.create_default_context(cafile=authorities)


def _never_left(problem: BaseException) -> bool:
    """urllib3 also says ProxyError when a proxy hangs up after it has taken the whole request."""
    if isinstance(problem, ProxyError):
        return _never_left(problem.original_error)
    if isinstance(problem, NewConnectionError | ConnectTimeoutError):
        return True
    cause = problem.args[0] if problem.args else None
    return isinstance(cause, ssl.SSLCertVerificationError)
