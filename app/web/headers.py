"""Security headers of every answer."""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import Flask, Response, request

from app.web.context import parts

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: https:; "
    "font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; "
    "manifest-src 'self'; frame-src 'self'; frame-ancestors {ancestors}"
)
FRAMED = ("links.", "rep.", "physician.")  # shown inside the sandbox's phones


def init_app(app: Flask) -> None:
    """Add the headers after each request."""
    app.after_request(_add)


def _add(response: Response) -> Response:
    headers = response.headers
    headers.setdefault("X-Content-Type-Options", "nosniff")
    headers.setdefault("Referrer-Policy", "same-origin")
    headers.setdefault("Content-Security-Policy", POLICY.format(ancestors=_ancestors()))
    if request.endpoint != "static":
        headers.setdefault("Cache-Control", "no-store")
    if request.is_secure or parts().settings.yishu_base_url.startswith("https://"):
        headers.setdefault("Strict-Transport-Security", "max-age=31536000")
    return response


def _ancestors() -> str:
    settings = parts().settings
    if settings.yishu_demo and (request.endpoint or "").startswith(FRAMED):
        split = urlsplit(settings.wechat_open_base)
        return f"'self' {split.scheme}://{split.netloc}"
    return "'self'"
