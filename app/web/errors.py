"""Errors as instructions: what happened, what was kept, what to do now, a reference number."""

from __future__ import annotations

import secrets

from flask import Flask, Response, current_app, g, jsonify, request, url_for
from flask_babel import gettext as _
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException

from app.infra import log
from app.infra.errors import NotFound, Refused
from app.web.sentences import said

_log = log.get(__name__)


def init_app(app: Flask) -> None:
    """Install the handlers."""
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(CSRFError, _csrf)
    app.register_error_handler(NotFound, lambda error: answer(404, str(error)))
    app.register_error_handler(Refused, lambda error: answer(409, str(error)))
    app.register_error_handler(Exception, unexpected)


def answer(status: int, message: str = "", reference: str = "") -> tuple[Response | str, int]:
    """The error as JSON for systems, as a page for people."""
    title, advice = _words(status)
    message = said(message)
    if request.path.startswith("/api/") or request.is_json:
        body = {"error": {"status": status, "message": message or title}}
        if reference:
            body["error"]["reference"] = reference
        return jsonify(body), status
    if request.path.startswith(("/callbacks/", "/healthz", "/readyz", "/metrics")):
        return Response(b"", mimetype="text/plain"), status
    return page_of(title, message or advice, reference, _way_on(status)), status


def page_of(
    title: str, message: str, reference: str = "", way_on: tuple[str, str] | None = None
) -> str:
    """The page of an error. Unlike other pages it asks no database who is looking at it."""
    template = current_app.jinja_env.get_template("_shared/error.html")
    return template.render(title=title, message=message, reference=reference, way_on=way_on)


def _http(error: HTTPException) -> tuple[Response | str, int]:
    if error.response is not None:
        return error.response, error.code or 500  # type: ignore[return-value]
    own = error.description if error.description != type(error).description else ""
    if error.code == 429:
        own = ""  # “5 per 1 minute”
    return answer(error.code or 500, own or "")


def _csrf(_error: CSRFError) -> tuple[Response | str, int]:
    return answer(
        400, _("页面停留太久，安全校验已过期。请返回上一页刷新后重新提交，填写的内容没有保存。")
    )


def unexpected(error: Exception) -> tuple[Response | str, int]:
    """A bug: logged whole, told by its number."""
    reference = g.get("request_id") or secrets.token_hex(6)
    route = str(request.url_rule or "-")  # never the address: links carry tokens there
    _log.error("request failed", reference=reference, route=route, exc_info=error)
    return answer(500, reference=reference)


def _way_on(status: int) -> tuple[str, str] | None:
    """Where to go from here: the address and its name."""
    if request.path.startswith("/console/"):
        if status == 401:
            return url_for("console.login"), _("去登录")
        return url_for("console.home"), _("回到今日")
    if request.path.startswith("/rep/"):
        return url_for("rep.today", login="again"), _("打开今日建议")
    return None


def _words(status: int) -> tuple[str, str]:
    known = {
        400: (_("请求不完整"), _("请返回上一页检查后再试。")),
        401: (_("需要登录"), _("登录已过期，请重新登录后再试。")),
        403: (_("没有权限"), _("您的角色不能使用这个功能。需要时请联系管理员。")),
        404: (_("没有找到"), _("这个页面不存在，或不在您可见的范围内。")),
        405: (_("不支持的操作"), _("请从页面上的按钮进入。")),
        413: (_("内容太大"), _("请缩小文件后再试。")),
        429: (_("操作太频繁"), _("请等一分钟后再试。")),
    }
    return known.get(
        status, (_("出了点问题"), _("已经记录下来。请稍后再试；如果仍然不行，请把编号告诉管理员。"))
    )
