"""One HTTP call to a platform, with errors that say whether it may have had an effect."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from app.connectors.errors import OutcomeUnknown
from app.connectors.http import Http


def call(
    http: Http, method: str, path: str, params: Mapping[str, Any] | None = None, body: Any = None
) -> dict[str, Any]:
    """The JSON answer of `path`.

    Raises NotSent when no byte can have reached the platform, OutcomeUnknown when it may have.
    """
    answer = http.send(method, path, params, body)
    if answer.status >= 400:
        raise OutcomeUnknown(f"{path}: HTTP {answer.status}")
    try:
        found = json.loads(answer.content)
    except ValueError:
        raise OutcomeUnknown(f"{path}: the answer is not JSON") from None
    if not isinstance(found, dict):
        raise OutcomeUnknown(f"{path}: the answer is not an object")
    return found


def text_in(answer: dict[str, Any], name: str, path: str) -> str:
    """The text without which an answer is of no use. Raises OutcomeUnknown."""
    value = answer.get(name)
    if not isinstance(value, str) or not value:
        raise OutcomeUnknown(f"{path}: no {name} in the answer")
    return value
