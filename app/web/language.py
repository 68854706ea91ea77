"""Chinese by default, English beside it: by a cookie, else by Accept-Language."""

from __future__ import annotations

from urllib.parse import urlencode

from flask import Flask, Response, after_this_request, request
from flask_babel import Babel
from markupsafe import Markup

COOKIE = "lang"
CHINESE, ENGLISH = "zh_Hans_CN", "en"


def init_app(app: Flask) -> None:
    """Install Babel and the language switch."""
    app.config.setdefault("BABEL_DEFAULT_LOCALE", CHINESE)
    app.config.setdefault("BABEL_DEFAULT_TIMEZONE", "Asia/Shanghai")
    app.config.setdefault("BABEL_TRANSLATION_DIRECTORIES", f"{app.root_path}/translations")
    Babel(app, locale_selector=choose)
    app.jinja_env.globals["language_switch"] = switch
    app.jinja_env.globals["get_locale"] = choose


def choose() -> str:
    """The locale of this request."""
    asked = request.args.get("lang", "")
    if asked in ("zh", "en"):
        after_this_request(lambda response: _remember(response, asked))
    wanted = asked or request.cookies.get(COOKIE, "")
    if wanted in ("zh", "en"):
        return ENGLISH if wanted == "en" else CHINESE
    best = request.accept_languages.best_match(["zh-CN", "zh", "en"], "zh")
    return ENGLISH if best == "en" else CHINESE


def switch() -> Markup:
    """A link to this page in the other language."""
    other, name = ("zh", "中文") if choose() == ENGLISH else ("en", "English")
    query = urlencode({**request.args.to_dict(), "lang": other})
    return Markup('<a href="?{}" lang="{}">{}</a>').format(query, other, name)


def _remember(response: Response, language: str) -> Response:
    response.set_cookie(COOKIE, language, max_age=31536000, samesite="Lax", httponly=True)
    return response
