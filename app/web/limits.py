"""Request limits. Counted in Redis, in memory while Redis is away.

Whoever asks is counted under a keyed hash: addresses and login names belong neither in Redis nor
in the logs. Behind reverse proxies the address is the one that the outermost of them saw; how many
there are must be said (`YISHU_PROXIES`), because anybody can write the header.
"""

from __future__ import annotations

from flask import Flask
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address
from werkzeug.middleware.proxy_fix import ProxyFix

from app.infra import crypto
from app.infra.queue import CONNECT_TIMEOUT_S
from app.infra.settings import Settings

PATIENCE = {"socket_connect_timeout": CONNECT_TIMEOUT_S, "socket_timeout": CONNECT_TIMEOUT_S}


def hidden(text: str) -> str:
    """The name under which something personal is counted; never empty, never long."""
    return crypto.blind_index(text, "request limit").hex()[:32]


limiter = Limiter(key_func=lambda: hidden(get_remote_address()), headers_enabled=True)


def init_app(app: Flask, settings: Settings) -> None:
    """Install the limiter; nothing is limited unless a route says so."""
    if settings.yishu_proxies:
        behind = ProxyFix(app.wsgi_app, x_for=settings.yishu_proxies, x_proto=0, x_host=0)
        app.wsgi_app = behind  # type: ignore[method-assign]
    app.config.setdefault("RATELIMIT_STORAGE_URI", _storage(settings.redis_url))
    app.config.setdefault("RATELIMIT_STORAGE_OPTIONS", PATIENCE)  # a log-in waits for no Redis
    app.config.setdefault("RATELIMIT_IN_MEMORY_FALLBACK_ENABLED", True)
    limiter.init_app(app)


def _storage(redis_url: str) -> str:
    # `limits` writes unix sockets as redis+unix://
    return redis_url.replace("unix://", "redis+unix://", 1)
