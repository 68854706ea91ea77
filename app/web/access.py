"""One log line for each request, with an id that its other lines share.

The line names the route and not the address: links and platforms carry tokens there.
"""

from __future__ import annotations

import secrets
import time

import structlog
from flask import Flask, Response, g, request

from app.infra import log

QUIET = frozenset({"static", "health.healthz", "health.readyz", "health.metrics"})

_log = log.get(__name__)


def init_app(app: Flask) -> None:
    """Bind a request id before each request and write the line after it."""
    app.before_request(_begin)
    app.after_request(_end)


def _begin() -> None:
    g.request_id = secrets.token_hex(6)
    g.request_began = time.perf_counter()
    structlog.contextvars.bind_contextvars(request_id=g.request_id)


def _end(response: Response) -> Response:
    if "request_id" not in g:
        return response
    response.headers["X-Request-Id"] = g.request_id
    if request.endpoint not in QUIET:
        _log.info(
            "request",
            method=request.method,
            route=str(request.url_rule or "-"),
            status=response.status_code,
            ms=round((time.perf_counter() - g.request_began) * 1000, 1),
        )
    structlog.contextvars.unbind_contextvars("request_id")
    return response
