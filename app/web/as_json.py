"""JSON as programs and people read it: times as ISO 8601, Chinese as it is."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from flask import Flask
from flask.json.provider import DefaultJSONProvider


class Provider(DefaultJSONProvider):
    """Flask's own writes times as mail does: `Thu, 26 Nov 2026 22:02:58 GMT`."""

    ensure_ascii = False

    @staticmethod
    def default(value: Any) -> Any:
        """What JSON has no form for."""
        if isinstance(value, datetime):
            return value.isoformat()
        return DefaultJSONProvider.default(value)


def init_app(app: Flask) -> None:
    """Install it."""
    app.json = Provider(app)
