"""Request limits. Counted in Redis, in memory while Redis is away."""

from __future__ import annotations

from flask import Flask
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address

limiter = Limiter(key_func=get_remote_address, headers_enabled=True)


def init_app(app: Flask, redis_url: str) -> None:
    """Install the limiter; nothing is limited unless a route says so."""
    app.config.setdefault("RATELIMIT_STORAGE_URI", _storage(redis_url))
    app.config.setdefault("RATELIMIT_IN_MEMORY_FALLBACK_ENABLED", True)
    limiter.init_app(app)


def _storage(redis_url: str) -> str:
    # `limits` writes unix sockets as redis+unix://
    return redis_url.replace("unix://", "redis+unix://", 1)
