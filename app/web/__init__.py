"""The edge: callbacks, pages and the API. Views own the transactions."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from a2wsgi import WSGIMiddleware
from flask import Flask
from flask_wtf.csrf import CSRFProtect

from app.web import (
    access,
    as_json,
    assets,
    auth,
    away,
    errors,
    headers,
    language,
    limits,
    numbers,
    reasons,
    rule_words,
    sentences,
)
from app.web.callbacks import FrontDoor, asgi, wsgi

if TYPE_CHECKING:
    from app.bootstrap import Parts

ROOT = Path(__file__).parents[2]
BLUEPRINTS = ("health", "links", "me", "rep", "api", "console")
PAGE_THREADS = 8
CSRF_EXEMPT = ("links", "me", "api")  # a token in the address or the header, never a cookie


def create_asgi(parts: Parts, *, at_end: Callable[[], None] = lambda: None) -> asgi.CallbacksFirst:
    """What the web process serves: callbacks on the event loop, pages in threads behind it."""
    pages = create_pages(parts)
    inside = WSGIMiddleware(pages.wsgi_app, workers=PAGE_THREADS)  # type: ignore[arg-type]
    return asgi.CallbacksFirst(inside, FrontDoor(parts), at_end=at_end)


def create_app(parts: Parts) -> Flask:
    """Pages and callbacks as one WSGI application: for tests, and for other servers."""
    app = create_pages(parts)
    door = wsgi.CallbacksFirst(app.wsgi_app, FrontDoor(parts))
    app.wsgi_app = door  # type: ignore[method-assign, assignment]
    return app


def create_pages(parts: Parts) -> Flask:
    """The web application without the callbacks."""
    app = Flask(
        "yishu", template_folder=str(ROOT / "templates"), static_folder=None, root_path=str(ROOT)
    )
    https = parts.settings.yishu_base_url.startswith("https://")
    app.config.update(
        SECRET_KEY=parts.settings.yishu_secret_key,
        MAX_CONTENT_LENGTH=12 * 1024 * 1024,
        SESSION_COOKIE_NAME="yishu",
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=https,
        PERMANENT_SESSION_LIFETIME=timedelta(hours=12),
        WTF_CSRF_TIME_LIMIT=None,
    )
    app.extensions["yishu"] = parts
    as_json.init_app(app)
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    access.init_app(app)
    numbers.init_app(app)
    csrf = CSRFProtect(app)
    language.init_app(app)
    reasons.init_app(app)
    rule_words.init_app(app)
    sentences.init_app(app)
    assets.init_app(app)
    limits.init_app(app, parts.settings)
    auth.init_app(app)
    headers.init_app(app)
    errors.init_app(app)
    away.init_app(app)
    for name in BLUEPRINTS:
        blueprint = import_module(f"app.web.{name}").bp
        app.register_blueprint(blueprint)
        if name in CSRF_EXEMPT:
            csrf.exempt(blueprint)
    return app
