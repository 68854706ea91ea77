"""One HTTP call to a platform, with errors that say whether it may have had an effect."""

from __future__ import annotations

from typing import Any

import httpx

from app.connectors.errors import NotSent, OutcomeUnknown

TIMEOUT = httpx.Timeout(8.0, connect=2.0)


def http_client(base_url: str) -> httpx.Client:
    """A client with our time-outs; it never repeats a request by itself."""
    return httpx.Client(base_url=base_url, timeout=TIMEOUT, follow_redirects=False)


def call(http: httpx.Client, method: str, path: str, **kwargs: Any) -> dict[str, Any]:
    """The JSON answer of `path`.

    Raises NotSent when no byte can have reached the platform, OutcomeUnknown when it may have.
    The original error is not chained: its text holds the URL with the access token.
    """
    try:
        answer = http.request(method, path, **kwargs)
    except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError):
        raise NotSent(f"{path}: cannot connect") from None
    except httpx.HTTPError as problem:
        raise OutcomeUnknown(f"{path}: {type(problem).__name__}") from None
    if answer.status_code >= 400:
        raise OutcomeUnknown(f"{path}: HTTP {answer.status_code}")
    try:
        body = answer.json()
    except ValueError:
        raise OutcomeUnknown(f"{path}: the answer is not JSON") from None
    if not isinstance(body, dict):
        raise OutcomeUnknown(f"{path}: the answer is not an object")
    return body


def text_in(answer: dict[str, Any], name: str, path: str) -> str:
    """The text without which an answer is of no use. Raises OutcomeUnknown."""
    value = answer.get(name)
    if not isinstance(value, str) or not value:
        raise OutcomeUnknown(f"{path}: no {name} in the answer")
    return value
